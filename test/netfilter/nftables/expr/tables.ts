/**
 * The tables of this folder, run through the model and, by kernel.ts, through nf_tables. A table is a list of lines:
 *
 *   # a comment
 *   chain inet prerouting -150       family, hook and priority of the chain that the rules stand in
 *   set s { type ipv4_addr; … }      a set or map of their table, in one line
 *   NAME: tcp 10.1.0.2:1 > …         a packet that comes in at r0 (packet/text.ts), with `vlan ID` or IPv4 options, `option HEX`, before it; or a `frame HEX`
 *   NAME: send udp ADDRESS PORT SPORT [mark N] [tos N]      a datagram that the router itself sends
 *   RULE ; NAME NAME …               the packets that the rule matches, of all of the table; none: no packet
 *   RULE ; ?                         it is read, and said to be not modelled
 *   RULE ; FAIL                      there is no such rule, says nft
 *   RULE ; * NAME …                  as above; what nft lists of it means something else, or nothing
 *   RULE ; ~ NAME …                  as above; this kernel has no such expression, so that it says nothing about the row
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parseMac } from '../../../../src/base/addr.js';
import { readNftList } from '../../../../src/formats/nft-list.js';
import { ruleCode } from '../../../../src/netfilter/nftables/rule.js';
import { foldChecksum, sum16 } from '../../../../src/packet/checksum.js';
import { parsePacketText } from '../../../../src/packet/text.js';
import { parseScenario } from '../../../../src/scenario/load.js';
import type { FileSource } from '../../../../src/scenario/model.js';
import { runScenario } from '../../../../src/stack/run-scenario.js';
import { execute } from '../../../../src/tools/execute.js';

export interface Row {
  readonly line: number;
  readonly rule: string;
  readonly expected: readonly string[] | '?' | 'FAIL';
  /** The kernel at hand has it. */
  readonly onKernel: boolean;
  /** nft lists it as what it is. */
  readonly listed: boolean;
}
export interface ExprTable {
  readonly name: string;
  readonly family: string;
  readonly hook: string;
  readonly priority: number;
  readonly sets: readonly string[];
  readonly packets: ReadonlyMap<string, string>;
  readonly rows: readonly Row[];
}

const here = new URL('.', import.meta.url).pathname;
export const tableFiles = readdirSync(here).filter((f) => f.endsWith('.t'));

export function readTable(file: string): ExprTable {
  const sets: string[] = [];
  const packets = new Map<string, string>();
  const rows: Row[] = [];
  let chain = ['inet', 'prerouting', '-150'];
  readFileSync(here + file, 'utf8')
    .split('\n')
    .forEach((raw, i) => {
      const line = raw.trim();
      const packet = /^(\w+): (.*)$/.exec(line);
      if (line === '' || line.startsWith('#')) return;
      if (line.startsWith('chain ')) chain = line.split(' ').slice(1);
      else if (/^(set|map) \S+ \{/.test(line)) sets.push(line);
      else if (packet) packets.set(packet[1], packet[2]);
      else rows.push(readRow(line, i + 1));
    });
  return { name: file, family: chain[0], hook: chain[1], priority: Number(chain[2]), sets, packets, rows };
}

function readRow(line: string, at: number): Row {
  const cut = line.lastIndexOf(' ;');
  if (cut < 0) throw new Error(`line ${at}: no “;”`);
  const words = line
    .slice(cut + 2)
    .split(/\s+/)
    .filter(Boolean);
  const onKernel = words[0] !== '~';
  const listed = words[0] !== '*';
  if (!onKernel || !listed) words.shift();
  const only = words.length === 1 ? words[0] : '';
  return { line: at, rule: line.slice(0, cut).trim(), onKernel, listed, expected: only === '?' || only === 'FAIL' ? only : words };
}

/** The table as nft would load it, the rules of these rows counting. */
export const nftText = (t: ExprTable, rows: readonly Row[]): string =>
  [
    `table ${t.family} t {`,
    ...t.sets,
    'chain c {',
    `type filter hook ${t.hook}${t.family === 'netdev' ? ' device "r0"' : ''} priority ${t.priority}; policy accept;`,
    ...rows.map((r) => `${r.rule} counter`),
    '}',
    '}',
    '',
  ].join('\n');

export const MACS = { a: '02:00:00:00:01:02', r0: '02:00:00:00:01:01', r1: '02:00:00:00:02:01', b: '02:00:00:00:02:02' } as const;
const macBytes = (text: string): number[] => text.split(':').map((x) => Number.parseInt(x, 16));
const hexOf = (b: ArrayLike<number>): string => Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');

/** The frame that comes in, in hex. */
export function frameOf(text: string): string {
  const [, vlan, options, rest] = /^(?:vlan (\d+) )?(?:option (\S+) )?(.*)$/.exec(text) as RegExpExecArray;
  if (rest.startsWith('frame ')) return rest.slice(6).replaceAll(' ', '');
  const { value, diagnostics } = parsePacketText(rest, { file: 't', line: 1, column: 1 });
  if (!value) throw new Error(`${rest}: ${diagnostics[0].message}`);
  const bytes = options ? withOptions(value, options) : value;
  const tag = vlan ? [0x81, 0, Number(vlan) >>> 8, Number(vlan) & 255] : [];
  return hexOf([...macBytes(MACS.r0), ...macBytes(MACS.a), ...tag, ...(bytes[0] >>> 4 === 6 ? [0x86, 0xdd] : [8, 0]), ...bytes]);
}

/** An IPv4 packet with these options (hex) in its header. */
function withOptions(packet: Uint8Array, hex: string): Uint8Array {
  const options = (hex.match(/../g) ?? []).map((h) => Number.parseInt(h, 16));
  const out = Uint8Array.of(...packet.subarray(0, 20), ...options, ...packet.subarray(20));
  const header = 20 + options.length;
  out.set([0x40 | (header / 4), out[1], out.length >>> 8, out.length & 255]);
  out.set([0, 0], 10);
  const sum = foldChecksum(sum16(out, 0, header));
  out.set([sum >>> 8, sum & 255], 10);
  return out;
}

/** A datagram that the router sends; null: the packet comes in. */
export function sending(
  text: string,
): { readonly to: string; readonly port: number; readonly sport: number; readonly mark: number; readonly tos: number } | null {
  const m = /^send udp (\S+) (\d+) (\d+)(?: mark (\d+))?(?: tos (\d+))?$/.exec(text);
  return m && { to: m[1], port: Number(m[2]), sport: Number(m[3]), mark: Number(m[4] ?? 0), tos: Number(m[5] ?? 0) };
}
function sentBy(text: string): string {
  const s = sending(text);
  if (!s) return `at: 'r:r0', frame: '${frameOf(text)}'`;
  const to = s.to.includes(':') ? `[${s.to}]` : s.to;
  return `from: r, udp: { to: '${to}:${s.port}', sport: ${s.sport}, mark: ${s.mark}, tos: ${s.tos}, payload: x, uid: 0 }`;
}

/** A router between two hosts; for tables of the bridge family one of its devices is a bridge of two ports. */
export function world(t: ExprTable, nft: string): string {
  const bridge = t.family === 'bridge';
  return `version: 1
name: expr
nodes:
  a: { address: 10.1.0.250/24 }
  b: { address: 10.2.0.250/24 }
  r:
    links:
      r0: { kind: veth, mac: '${MACS.r0}'${bridge ? ', master: br0' : ''} }
      r1: { kind: veth, mac: '${MACS.r1}'${bridge ? ', master: br0' : ''} }
${bridge ? `      br0: { kind: bridge, mac: '${MACS.r0}' }\n` : ''}    addresses: { ${bridge ? 'br0: [10.1.0.1/24]' : 'r0: [10.1.0.1/24, 2001:db8:1::1/64], r1: [10.2.0.1/24, 2001:db8:2::1/64]'} }
    neigh: |
${bridge ? `      10.1.0.2 dev br0 lladdr ${MACS.a} PERMANENT\n` : ['10.1.0.2', '2001:db8:1::2'].map((x) => `      ${x} dev r0 lladdr ${MACS.a} PERMANENT\n`).join('') + ['10.2.0.2', '2001:db8:2::2'].map((x) => `      ${x} dev r1 lladdr ${MACS.b} PERMANENT\n`).join('')}    sysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1, net.ipv4.conf.all.rp_filter: 0, net.ipv4.conf.default.rp_filter: 0, net.netfilter.nf_conntrack_acct: 1 }
    sockets: |
      tcp 0.0.0.0:22
      tcp [::]:22
      udp 0.0.0.0:53
      udp [::]:53
    nft: |
${nft.replace(/^/gm, '      ')}
wires:
  - [a:eth0, r:r0]
  - [b:eth0, r:r1]
packets:
${[...t.packets].map(([name, text]) => `  - { name: ${name}, ${sentBy(text)} }`).join('\n')}
`;
}

const files: FileSource = { read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null), list: () => null };

/** By row, the packets that its rule matched. */
export type Matches = ReadonlyMap<Row, readonly string[]>;

/** What the model makes of a rule set in which rule N of chain c is row N. */
export function modelMatches(t: ExprTable, rows: readonly Row[], nft = nftText(t, rows)): Matches {
  const r = parseScenario(world(t, nft), 'expr', files);
  if (!r.value) throw new Error(r.diagnostics.map((d) => d.message).join('\n'));
  const run = runScenario(r.value, { execute });
  const out = new Map<Row, string[]>(rows.map((x) => [x, []]));
  for (const p of run.packets) {
    const gave = p.events.find((e) => e.t === 'inconclusive');
    if (gave?.rule) throw new Error(`${t.name}: ${p.packet.name}: ${JSON.stringify(gave)}`);
    const matched = new Set(p.events.flatMap((e) => (e.t === 'match' && e.rule.chain === 'c' && e.node === 'r' ? [e.rule.num] : [])));
    for (const num of matched) out.get(rows[num - 1])?.push(p.packet.name);
  }
  return out;
}

/** What is wrong with a rule's text; null: nothing. */
export function modelError(t: ExprTable, row: Row): string | null {
  const table = readNftList(nftText(t, [row])).value[0];
  return ruleCode(table, table.chains[0].rules[0]).error?.message ?? null;
}

export const shown = (row: Row, got: readonly string[] | string): string =>
  `${row.line}: ${row.rule} ; ${typeof got === 'string' ? got : got.join(' ')}`.trim();
export const macNumber = (text: string): number => parseMac(text) as number;
