/** `sim exec SCENARIO NODE -- tcpdump -ni any|DEV [FILTER]`: what passed the node's devices during the run. */
import { captureLines, networkBytes } from '../render/tcpdump.js';
import type { ScenarioRun } from '../stack/run-scenario.js';
import { FilterError, type PcapFilter, readPcapFilter } from '../tools/pcap-filter.js';
import { type Answer, complained } from '../tools/tool.js';
import type { EventOf } from '../trace/event.js';

/** Options with a value that changes nothing of what is shown here. */
const PASSED = new Set(['-s', '-B', '-w', '-Q', '-z', '-G', '-C', '-W', '-Z', '-r']);

interface Asked {
  readonly dev: string;
  readonly max: number;
  readonly filter: readonly string[];
}

/** null: an option that is not known. */
function read(words: readonly string[]): Asked | string {
  let dev = '';
  let max = Number.POSITIVE_INFINITY;
  let i = 0;
  for (; words[i]?.startsWith('-'); i++) {
    const w = words[i];
    const m = /^-([nNlqtvUKSp]*)(i|c)(.*)$/.exec(w);
    if (m) {
      const v = m[3] !== '' ? m[3] : (words[++i] ?? '');
      if (m[2] === 'i') dev = v;
      else max = Number(v) || max;
    } else if (w === '--interface') dev = words[++i] ?? '';
    else if (PASSED.has(w)) return `tcpdump ${w} is not supported`;
    else if (!/^-[nNlqtvUKSp]+$/.test(w)) return `tcpdump ${w} is not supported`;
  }
  return { dev, max, filter: words.slice(i) };
}

const clock = (ms: number): string => {
  const us = Math.round(ms * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(us / 3.6e9) % 24)}:${two(Math.floor(us / 6e7) % 60)}:${two(Math.floor(us / 1e6) % 60)}.${String(us % 1e6).padStart(6, '0')}`;
};

export function tcpdumpAnswer(run: ScenarioRun, node: string, words: readonly string[]): Answer {
  const asked = read(words);
  if (typeof asked === 'string') return complained(asked, 2);
  const devices = run.network.node(node)?.devices.map((d) => d.name) ?? [];
  const dev = asked.dev === '' ? (devices.find((d) => d !== 'lo') ?? 'lo') : asked.dev;
  if (dev !== 'any' && !devices.includes(dev)) return complained(`tcpdump: ${dev}: No such device exists\n(No such device exists)`, 1);
  let filter: PcapFilter;
  try {
    filter = readPcapFilter(asked.filter);
  } catch (e) {
    if (!(e instanceof FilterError)) throw e;
    return complained(`tcpdump: ${e.message}`, 1);
  }
  const taps = run.events
    .filter((e): e is EventOf<'tap'> => e.t === 'tap' && e.node === node && (dev === 'any' || e.dev === dev))
    .filter((t) => filter({ protocol: t.protocol, bytes: networkBytes(t) }))
    .slice(0, asked.max);
  const start = run.scenario.clock;
  // Device and direction stand in front on `any` only.
  const lines = captureLines(taps).map((l, i) => `${clock(taps[i].time - start)} ${dev === 'any' ? l : l.slice(Math.max(5, taps[i].dev.length) + 5)}\n`);
  const linkType = run.network.node(node)?.device(dev)?.linkType;
  const type = dev === 'any' ? 'LINUX_SLL2 (Linux cooked v2)' : linkType === 'ether' || linkType === 'loopback' ? 'EN10MB (Ethernet)' : 'RAW (Raw IP)';
  const stderr = `tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on ${dev}, link-type ${type}, snapshot length 262144 bytes\n${taps.length} packets captured\n${taps.length} packets received by filter\n0 packets dropped by kernel\n`;
  return { stdout: lines.join(''), stderr: dev === 'any' ? `tcpdump: data link type LINUX_SLL2\n${stderr}` : stderr, status: 0 };
}
