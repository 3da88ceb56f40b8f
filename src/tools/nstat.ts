/** nstat(8): `nstat -az [PATTERN…]`, the node's MIB counters since the run began. */
import type { NodeRun } from '../stack/node-run.js';
import { type Answer, complained, type Tool } from './tool.js';

/** Shell patterns as fnmatch(3) reads them: `*`, `?`. */
function pattern(text: string): RegExp {
  return new RegExp(
    `^${text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  );
}

/** Counters that any kernel has and people ask for; those the run counted come besides. */
const KNOWN =
  'IpInReceives IpInHdrErrors IpInAddrErrors IpForwDatagrams IpInUnknownProtos IpInDiscards IpInDelivers IpOutRequests IpOutDiscards IpOutNoRoutes IpReasmTimeout IpReasmReqds IpReasmOKs IpReasmFails IpFragOKs IpFragFails IpFragCreates IpOutTransmits IcmpInMsgs IcmpInErrors IcmpInDestUnreachs IcmpInTimeExcds IcmpInRedirects IcmpInEchos IcmpInEchoReps IcmpOutMsgs IcmpOutDestUnreachs IcmpOutTimeExcds IcmpOutRedirects IcmpOutEchos IcmpOutEchoReps UdpInDatagrams UdpNoPorts UdpInErrors UdpOutDatagrams TcpExtIPReversePathFilter IpExtInNoRoutes IpExtInTruncatedPkts IpExtInCsumErrors XfrmInError XfrmInNoStates XfrmInNoPols XfrmInTmplMismatch XfrmInPolBlock XfrmOutPolBlock XfrmOutNoStates XfrmFwdHdrError'.split(
    ' ',
  );

function answer(n: NodeRun, words: readonly string[]): Answer {
  let zero = false;
  let json = false;
  const patterns: RegExp[] = [];
  for (const w of words) {
    if (/^-[aszrnj]+$/.test(w)) {
      zero ||= w.includes('z');
      json ||= w.includes('j');
    } else if (w === '--zeros') zero = true;
    else if (w === '--json') json = true;
    else if (['--ignore', '--noupdate', '--reset'].includes(w)) continue;
    else if (w.startsWith('-')) return complained(`nstat: invalid option -- '${w.slice(1)}'`, 255);
    else patterns.push(pattern(w));
  }
  const names = [...new Set([...KNOWN, ...n.mib.values.keys()])].filter((x) => patterns.length === 0 || patterns.some((p) => p.test(x)));
  const rows = names.map((x) => [x, n.mib.get(x)] as const).filter(([, v]) => zero || v !== 0);
  if (json) return { stdout: `{"kernel":{${rows.map(([k, v]) => `"${k}":${v}`).join(',')}}}\n`, stderr: '', status: 0 };
  // -a shows absolute values: the rate behind them is always 0.0.
  return { stdout: `#kernel\n${rows.map(([k, v]) => `${k.padEnd(32)}${String(v).padEnd(18)} 0.0\n`).join('')}`, stderr: '', status: 0 };
}

const tool: Tool = { names: ['nstat'], answer: (n, c) => answer(n, c.words) };

export const nstatTool = (): readonly Tool[] => [tool];
