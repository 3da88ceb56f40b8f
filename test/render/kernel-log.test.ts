/**
 * Lines of LOG targets as Linux 6.18 wrote them for frames of all kinds (kernel-log.jsonl: a frame, and the lines of two LOG rules of mangle PREROUTING with a MARK between them):
 * the first without options, the second with all of them.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesHex, hexBytes } from '../../src/harness/conformance/hex.js';
import { parsePacketText } from '../../src/packet/text.js';
import { kernelLines } from '../../src/render/kernel.js';
import type { NodeState, Scenario } from '../../src/scenario/model.js';
import { nodeFromFiles } from '../../src/scenario/node.js';
import { type PacketRun, runScenario } from '../../src/stack/run-scenario.js';

const rules = [
  '*mangle',
  ':PREROUTING ACCEPT [0:0]',
  '-A PREROUTING -j LOG --log-prefix "NSR0 "',
  '-A PREROUTING -j MARK --set-xmark 0x1f/0xffffffff',
  '-A PREROUTING -j LOG --log-prefix "NSRF " --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode',
  'COMMIT',
  '',
].join('\n');
const addr = (local: string, family: string, prefixlen: number) => ({ family, local, prefixlen, scope: family === 'inet' ? 'global' : 'link' });
const links = [
  {
    ifindex: 1,
    ifname: 'lo',
    flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
    mtu: 65536,
    link_type: 'loopback',
    address: '00:00:00:00:00:00',
    broadcast: '00:00:00:00:00:00',
    addr_info: [addr('127.0.0.1', 'inet', 8)],
  },
  {
    ifindex: 2,
    ifname: 'va',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 1500,
    link_type: 'ether',
    address: '02:00:00:00:00:01',
    broadcast: 'ff:ff:ff:ff:ff:ff',
    addr_info: [addr('10.0.0.1', 'inet', 24), addr('fe80::1', 'inet6', 64)],
  },
];
const { value: node, diagnostics } = nodeFromFiles('n', [
  { path: 'ip-addr.json', text: JSON.stringify(links) },
  { path: 'iptables-save', text: rules },
  { path: 'ip6tables-save', text: rules },
]);

interface Row {
  readonly name: string;
  readonly frame: string;
  readonly log: readonly string[];
}
const rowsOf = (file: string): Row[] =>
  readFileSync(new URL(file, import.meta.url), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as Row);
const rows = rowsOf('kernel-log.jsonl');

const span = { file: '', line: 1, column: 1, length: 0 };
function inject(n: NodeState, frame: Uint8Array): PacketRun {
  const packet = {
    name: 'p',
    description: '',
    do: [],
    count: 1,
    source: { kind: 'device', node: 'n', dev: 'va' } as const,
    spec: { kind: 'frame', bytes: frame } as const,
    span,
  };
  const rest = { wires: [], do: [], apply: [], expect: [], whatIf: [], traceAll: false, clock: 0, seed: 1 };
  const scenario: Scenario = { file: '', name: 's', description: '', tags: [], nodes: [n], packets: [packet], ...rest };
  return runScenario(scenario, { execute: () => [] }).packets[0];
}

function logOf(frame: Uint8Array): string[] {
  const p = inject(node, frame);
  return kernelLines(p, p.events).filter((l) => l.startsWith('NSR'));
}

describe('the kernel log, word for word', () => {
  it('has a node', () => {
    expect(diagnostics).toEqual([]);
  });
  it.each(rows.map((r) => [r.name, r] as const))('%s', (_name, r) => {
    const frame = hexBytes(r.frame);
    expect(bytesHex(frame)).toBe(r.frame);
    expect(logOf(frame).slice(0, 2)).toEqual(r.log);
  });
});

it('martians: the source’s line is followed by the link header, the destination’s is not', () => {
  const mac = '0200000000010200000000020800';
  const sysctl = nodeFromFiles('n', [
    { path: 'ip-addr.json', text: JSON.stringify(links) },
    { path: 'sysctl.txt', text: 'net.ipv4.conf.all.log_martians = 1\nnet.ipv4.conf.all.rp_filter = 1\n' },
  ]).value;
  const lines = (packet: string): string[] => {
    const ip = parsePacketText(packet, { file: '', line: 1, column: 1 }).value;
    const run = inject(sysctl, hexBytes(`${mac}${bytesHex(ip ?? new Uint8Array(0))}`));
    return kernelLines(run, run.events);
  };
  expect(lines('udp 9.9.9.9:1 > 10.0.0.1:2')).toEqual([
    'IPv4: martian source 10.0.0.1 from 9.9.9.9, on dev va',
    'll header: 00000000: 02 00 00 00 00 01 02 00 00 00 00 02 08 00',
  ]);
  expect(lines('udp 10.0.0.2:1 > 127.0.0.1:2')).toEqual(['IPv4: martian destination 127.0.0.1 from 10.0.0.2, dev va']);
});

describe('the bridge’s log watcher, word for word', () => {
  const port = { ...links[1], master: 'br0', addr_info: [] };
  const bridge = { ...links[1], ifindex: 3, ifname: 'br0', addr_info: [], linkinfo: { info_kind: 'bridge' } };
  const ebtables =
    '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A INPUT -s 02:00:00:00:00:02 --log-level info --log-prefix "NSR" --log-ip --log-arp --log-ip6 -j CONTINUE\n';
  const bridged = nodeFromFiles('n', [
    { path: 'ip-link.json', text: JSON.stringify([links[0], port, bridge]) },
    { path: 'ebtables-save', text: ebtables },
  ]);
  it.each(rowsOf('bridge-log.jsonl').map((r) => [r.name, r] as const))('%s', (_name, r) => {
    expect(bridged.diagnostics).toEqual([]);
    const p = inject(bridged.value, hexBytes(r.frame));
    expect(kernelLines(p, p.events).filter((l) => l.startsWith('NSR'))).toEqual(r.log);
  });
});
