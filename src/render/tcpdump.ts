/**
 * `--format tcpdump`: what `tcpdump -ttttt -ni any` on the nodes would print, and `--format pcap`: what it would write (LINUX_SLL2).
 * Times are virtual, from the start of the run. With one node (`--node`) nothing is added; with several each line begins with the node's name.
 */

import { readMac, writeMac } from '../packet/mac-bytes.js';
import { LINKTYPE, type PcapRecord, writePcap } from '../packet/pcap.js';
import type { PktType } from '../packet/skb.js';
import type { ScenarioRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { type Narrowing, shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';
import { TcpdumpText } from './tcpdump-text.js';

type Tap = EventOf<'tap'>;

const taps = (run: ScenarioRun, n: Narrowing): Tap[] => run.packets.flatMap((p) => shownEvents(p, n).filter((e): e is Tap => e.t === 'tap'));

/** SLL2's packet type and tcpdump's word for it. */
const DIRECTIONS: Readonly<Record<PktType, readonly [number, string]>> = {
  host: [0, 'In'],
  loopback: [0, 'In'],
  broadcast: [1, 'B'],
  multicast: [2, 'M'],
  otherhost: [3, 'P'],
  outgoing: [4, 'Out'],
};

/** Without link header and VLAN tag. */
export function networkBytes(t: Tap): Uint8Array {
  if (!t.eth) return t.frame;
  return t.frame.subarray(t.frame[12] === 0x81 && t.frame[13] === 0 ? 18 : 14);
}

function clock(ms: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const us = Math.round(ms * 1000);
  const s = Math.floor(us / 1e6);
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}.${String(us % 1e6).padStart(6, '0')}`;
}

/** The lines of one node's capture, without time stamps. */
export function captureLines(list: readonly Tap[]): string[] {
  const text = new TcpdumpText();
  return list.map((t) => `${t.dev.padEnd(5)} ${DIRECTIONS[t.pktType][1].padEnd(3)} ${text.packet(t.protocol, networkBytes(t))}`);
}

export function renderTcpdump(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  const list = taps(run, o.narrow);
  const names = [...new Set(list.map((t) => t.node))];
  const lines = new Map(names.map((n) => [n, captureLines(list.filter((t) => t.node === n))]));
  const next = new Map(names.map((n) => [n, 0]));
  const width = Math.max(0, ...names.map((n) => n.length));
  const start = run.scenario.clock;
  return list
    .map((t) => {
      const i = next.get(t.node) ?? 0;
      next.set(t.node, i + 1);
      const name = o.narrow.node === null && names.length > 1 ? `${t.node.padEnd(width)} ` : '';
      return `${name} ${clock(t.time - start)} ${lines.get(t.node)?.[i]}\n`;
    })
    .join('');
}

/** ARPHRD_* of link types as `ip link` names them; ARPHRD_NONE for the others. */
const ARPHRD = new Map([
  ['ether', 1],
  ['loopback', 772],
  ['ipip', 768],
  ['sit', 776],
  ['gre', 778],
  ['tunnel6', 769],
]);
const ARPHRD_NONE = 0xfffe;

/** A record of LINKTYPE_LINUX_SLL2: twenty bytes in front of the network header. */
function record(t: Tap): PcapRecord {
  const body = networkBytes(t);
  const data = new Uint8Array(20 + body.length);
  const v = new DataView(data.buffer);
  v.setUint16(0, t.protocol);
  v.setUint32(4, t.ifindex);
  v.setUint16(8, ARPHRD.get(t.linkType) ?? ARPHRD_NONE);
  v.setUint8(10, DIRECTIONS[t.pktType][0]);
  if (t.eth) {
    v.setUint8(11, 6);
    writeMac(data, 12, readMac(t.frame, 6));
  }
  data.set(body, 20);
  return { time: t.time, data };
}

export const renderPcap = (run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): Uint8Array => writePcap(taps(run, o.narrow).map(record), LINKTYPE.LINUX_SLL2);
