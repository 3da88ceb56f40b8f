/**
 * The tables of this folder: rules of a router between two networks (r0 10.1.0.1, 2001:db8:1::1; r1 10.2.0.1, 2001:db8:2::1), frames that come in, what leaves it and what it logs.
 *
 *   == TITLE
 *   table ip t { … }                 the rule set; {forward} stands for `type filter hook forward priority 0;`, and so for the other hooks
 *   < r0 tcp 10.1.0.2:1 > …          a packet that comes in (packet/text.ts); `wait 1500` before it: after so many ms
 *   > r1 tcp 10.1.0.2:1 > …          what leaves because of it: addresses, then what is not usual (TTL 63, TOS 0, sums right, flags S)
 *   log TEXT                         what the kernel log says meanwhile
 *   unsupported TEXT                 the packet is inconclusive: its text begins so
 *   only model WHY                   this kernel cannot load the rules
 *   listing WHY                      nft lists the rules as others than they are
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { formatAddr } from '../../../../src/base/addr.js';
import { hasErrors } from '../../../../src/base/diagnostic.js';
import { foldChecksum, sum16 } from '../../../../src/packet/checksum.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, Skb } from '../../../../src/packet/skb.js';
import { parsePacketText } from '../../../../src/packet/text.js';
import { transportChecksumBad } from '../../../../src/packet/verify.js';
import { kernelLines } from '../../../../src/render/kernel.js';
import { parseScenario } from '../../../../src/scenario/load.js';
import type { FileSource } from '../../../../src/scenario/model.js';
import { Network } from '../../../../src/stack/network.js';
import { scenarioSockets } from '../../../../src/stack/sockets/scenario.js';
import { ListRecorder } from '../../../../src/trace/event.js';

export interface Incoming {
  readonly dev: string;
  readonly text: string;
  /** ms before it. */
  readonly wait: number;
  readonly expected: readonly string[];
}
export interface StmtCase {
  readonly file: string;
  readonly title: string;
  readonly nft: string;
  readonly packets: readonly Incoming[];
  /** Why the kernel at hand is not asked; null: it is. */
  readonly onlyModel: string | null;
  /** Why nft's listing is no other form of the rules; null: it is. */
  readonly badListing: string | null;
}

const here = new URL('.', import.meta.url).pathname;

export const MACS: Readonly<Record<string, string>> = {
  r0: '02:00:00:00:01:01',
  r1: '02:00:00:00:02:01',
  far0: '02:00:00:00:01:02',
  far1: '02:00:00:00:02:02',
};
const HOOKS: Readonly<Record<string, string>> = {
  prerouting: 'type filter hook prerouting priority -150;',
  raw: 'type filter hook prerouting priority -300;',
  input: 'type filter hook input priority 0;',
  forward: 'type filter hook forward priority 0;',
  output: 'type filter hook output priority 0;',
  route: 'type route hook output priority -150;',
  postrouting: 'type filter hook postrouting priority 0;',
  dstnat: 'type nat hook prerouting priority -100;',
  srcnat: 'type nat hook postrouting priority 100;',
};

export function readCases(): readonly StmtCase[] {
  return readdirSync(here)
    .filter((f) => f.endsWith('.t'))
    .flatMap((file) =>
      readFileSync(here + file, 'utf8')
        .split(/^== /m)
        .slice(1)
        .map((block) => readCase(file, block)),
    );
}

function readCase(file: string, block: string): StmtCase {
  const [title, ...lines] = block.split('\n');
  const nft: string[] = [];
  const packets: { dev: string; text: string; wait: number; expected: string[] }[] = [];
  let onlyModel: string | null = null;
  let badListing: string | null = null;
  for (const line of lines) {
    const incoming = /^< (?:wait (\d+) )?(\S+) (.*)$/.exec(line);
    if (line.startsWith('only model ')) onlyModel = line.slice(11);
    else if (line.startsWith('listing ')) badListing = line.slice(8);
    else if (incoming) packets.push({ dev: incoming[2], text: incoming[3], wait: Number(incoming[1] ?? 0), expected: [] });
    else if (packets.length === 0) nft.push(line.replace(/\{(\w+)\}/g, (whole, hook: string) => HOOKS[hook] ?? whole));
    else if (line.trim() !== '' && !line.startsWith('#')) packets.at(-1)?.expected.push(line);
  }
  return { file, title: title.trim(), nft: nft.filter((l) => !l.startsWith('#')).join('\n'), packets, onlyModel, badListing };
}

const bytesOf = (mac: string): number[] => mac.split(':').map((x) => Number.parseInt(x, 16));

/** The frame that comes in: a packet, or `arp SENDER > TARGET`. */
export function frameOf(p: Incoming): Uint8Array {
  const far = bytesOf(MACS[`far${p.dev[1]}`]);
  const arp = /^arp (\S+) > (\S+)$/.exec(p.text);
  const ends = (type: number): number[] => [...bytesOf(MACS[p.dev]), ...far, type >>> 8, type & 255];
  const ip = (text: string): number[] => text.split('.').map(Number);
  if (arp) return Uint8Array.of(...ends(0x806), 0, 1, 8, 0, 6, 4, 0, 1, ...far, ...ip(arp[1]), 0, 0, 0, 0, 0, 0, ...ip(arp[2]));
  const { value, diagnostics } = parsePacketText(p.text, { file: 't', line: 1, column: 1 });
  if (!value) throw new Error(`${p.text}: ${diagnostics[0].message}`);
  return Uint8Array.of(...ends(value[0] >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP), ...value);
}
export const hexOf = (b: Uint8Array): string => Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');

const FLAGS = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'W'];

/** A frame that left, in words. */
export function describeFrame(dev: string, frame: Uint8Array): string {
  const type = (frame[12] << 8) | frame[13];
  if (type !== ETH_P_IP && type !== ETH_P_IPV6) return `> ${dev} type 0x${type.toString(16)}`;
  const skb = new Skb(1, { kind: 'sent', of: null }, frame.slice(14), type);
  const out = [`> ${dev}`, protoText(skb)];
  if (skb.ttl !== 63) out.push(`ttl ${skb.ttl}`);
  if (skb.tos !== 0) out.push(`tos 0x${skb.tos.toString(16)}`);
  if (type === ETH_P_IP && foldChecksum(sum16(skb.data, 0, skb.nhlen)) !== 0) out.push('header sum wrong');
  if (transportChecksumBad(skb)) out.push('sum wrong');
  const far = hexOf(frame.subarray(0, 6));
  if (far !== MACS[`far${dev[1]}`].replaceAll(':', '')) out.push(`to ${far}`);
  const own = hexOf(frame.subarray(6, 12));
  if (own !== MACS[dev].replaceAll(':', '')) out.push(`from ${own}`);
  return out.join(' ');
}
function protoText(skb: Skb): string {
  const [src, dst] = [formatAddr(skb.saddr), formatAddr(skb.daddr)];
  const th = skb.thoff;
  switch (skb.l4proto) {
    case IPPROTO.TCP:
      return `tcp ${src}:${skb.sport} > ${dst}:${skb.dport} ${FLAGS.filter((_, i) => skb.u8(th + 13) & (1 << i)).join('')}`;
    case IPPROTO.UDP:
      return `udp ${src}:${skb.sport} > ${dst}:${skb.dport}`;
    case IPPROTO.ICMP:
    case IPPROTO.ICMPV6:
      return `icmp ${src} > ${dst} type ${skb.u8(th)} code ${skb.u8(th + 1)}`;
    default:
      return `proto ${skb.l4proto} ${src} > ${dst}`;
  }
}

const NEIGHBOURS = ['10.1.0.2 r0 far0', '10.2.0.2 r1 far1', '10.2.0.3 r1 far1', '2001:db8:1::2 r0 far0', '2001:db8:2::2 r1 far1'].map((n) => n.split(' '));
export const SYSCTLS = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv4.icmp_ratelimit=0',
  'net.ipv6.icmp.ratelimit=0',
];
export const SETUP = {
  neighbours: NEIGHBOURS.map(([addr, dev, far]) => `ip neigh replace ${addr} dev ${dev} lladdr ${MACS[far]} nud permanent`),
  addresses: ['10.1.0.1/24 dev r0', '10.2.0.1/24 dev r1', '2001:db8:1::1/64 dev r0 nodad', '2001:db8:2::1/64 dev r1 nodad'],
};

const scenarioOf = (c: StmtCase): string => `version: 1
name: stmt
nodes:
  r:
    links: { r0: { kind: veth, mac: '${MACS.r0}' }, r1: { kind: veth, mac: '${MACS.r1}' } }
    addresses: { r0: [10.1.0.1/24, 2001:db8:1::1/64], r1: [10.2.0.1/24, 2001:db8:2::1/64] }
    neigh: |
${NEIGHBOURS.map(([addr, dev, far]) => `      ${addr} dev ${dev} lladdr ${MACS[far]} PERMANENT`).join('\n')}
    sysctl: { ${SYSCTLS.map((x) => x.replace('=', ': ')).join(', ')} }
    sockets: |
      tcp 0.0.0.0:22
      tcp [::]:22
      tcp 0.0.0.0:50080 transparent
      tcp [::]:50080 transparent
    nfqueue: [2]
    nft: |
${c.nft.replace(/^/gm, '      ')}
`;

const files: FileSource = { read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null), list: () => null };

export interface Came {
  readonly frames: readonly { readonly dev: string; readonly frame: Uint8Array }[];
  readonly log: readonly string[];
  readonly unsupported: string | null;
}

/** What the model does with each packet. */
export function modelOf(c: StmtCase): readonly Came[] {
  const { value, diagnostics } = parseScenario(scenarioOf(c), 'stmt', files);
  if (!value || hasErrors(diagnostics)) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  const recorder = new ListRecorder();
  const network = new Network(value, { recorder, makeSockets: scenarioSockets });
  const r = network.node('r');
  return c.packets.map((p): Came => {
    const dev = r?.device(p.dev);
    if (!r || !dev) throw new Error(`no device ${p.dev}`);
    const from = recorder.events.length;
    network.world.clock += p.wait;
    network.inject(r, dev, frameOf(p));
    const events = recorder.events.slice(from);
    const gave = events.find((e) => e.t === 'inconclusive');
    return {
      frames: events.flatMap((e) => (e.t === 'emit' ? [{ dev: e.dev, frame: e.frame }] : [])),
      log: kernelLines({ events, nodes: new Map([['r', r.given]]) }, events),
      unsupported: gave?.t === 'inconclusive' ? gave.what : null,
    };
  });
}

export const wordsOf = (came: Came): readonly string[] => [
  ...came.frames.map((f) => describeFrame(f.dev, f.frame)),
  ...came.log.map((l) => `log ${l}`),
  ...(came.unsupported === null ? [] : [`unsupported ${came.unsupported}`]),
];
