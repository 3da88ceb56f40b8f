/** The text of a scenario for captured nodes: where their snapshots lie, the wires between them, a ping between every two, and what else one would write. */
import { familyOf, formatAddr } from '../base/addr.js';
import type { NodeState } from './model.js';
import { type CapturedNode, mainAddress, type ProposedWire, type ProposedWires } from './wires.js';

export interface NewNode extends CapturedNode {
  /** Of the snapshot, relative to the scenario file. */
  readonly path: string;
}

/** Between so many nodes pings are written; two of them already make two packets. */
const MAX_PACKETS = 12;

/** The scenario file. What was inferred and may be wrong stands in comments beside it. */
export function newScenario(name: string, nodes: readonly NewNode[], { wires, notes }: ProposedWires): string {
  const lines = [
    'version: 1',
    `name: ${plain(name)}`,
    `description: ${plain(`captured: ${nodes.map((n) => n.node.name).join(', ')}`)}`,
    '',
    '# What a snapshot could not tell makes packets inconclusive; a part that is written here is taken instead (iptables:, sysctl:, routes:, …).',
    'nodes:',
    ...nodes.map((n) => `  ${plain(n.node.name)}: { dumps: ${plain(n.path)} }`),
    '',
    ...wireLines(wires, notes),
    ...packetLines(nodes, wires),
  ];
  return `${lines.join('\n')}\n`;
}

/** A scalar that YAML reads as this text. Line breaks of any kind are escaped in quotes. */
function plain(text: string): string {
  if ((/^[A-Za-z_][\w./-]*(:[\w.@-]+)?$/.test(text) || /^\d+(\.\d+){3}$/.test(text)) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text)) return text;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What a name from a snapshot may do in a comment: nothing. */
const remark = (text: string): string => `# ${text.replace(/[^\x20-\x7e\u201c\u201d\u2026]/g, '?')}`;

function wireLines(wires: readonly ProposedWire[], notes: readonly string[]): string[] {
  const out = ['wires:'];
  let segments = 0;
  for (const w of wires) {
    const ends = `[${w.ends.map((e) => plain(`${e.node}:${e.dev}`)).join(', ')}]`;
    out.push(`  ${remark(`${w.why}${w.doubt === null ? '' : `; doubtful: ${w.doubt}`}`)}`);
    if (w.taken) out.push(w.ends.length === 2 ? `  - ${ends}` : `  - { switch: net${++segments}, ends: ${ends} }`);
    else out.push(`  # - ${ends.replace(/[^\x20-\x7e]/g, '?')}`);
  }
  if (!wires.some((w) => w.taken)) out[0] = '# wires: [[NODE:DEVICE, NODE:DEVICE]]   # none could be inferred';
  for (const n of notes) out.push(`  ${remark(n)}`);
  return [...out, ''];
}

function packetLines(nodes: readonly NewNode[], wires: readonly ProposedWire[]): string[] {
  const out: string[] = [];
  for (const from of nodes)
    for (const to of nodes) {
      const addr = mainAddress(to.node, wires);
      if (from === to || addr === null || out.length >= MAX_PACKETS || !hasFamily(from.node, familyOf(addr))) continue;
      out.push(`  - { name: ${plain(`${from.node.name}-to-${to.node.name}`)}, from: ${plain(from.node.name)}, ping: ${plain(formatAddr(addr))} }`);
    }
  if (out.length === 0) out.push(...nodes.slice(0, 1).flatMap((n) => alone(n.node)));
  const head = out.length === 0 ? '# packets:' : 'packets:';
  return [head, ...out, ...examples(nodes[0].node)];
}

const hasFamily = (n: NodeState, family: string): boolean => n.addrs.some((a) => a.family === family && a.scope !== 'host' && a.scope !== 'link');

/** A node without others: what it sends to its gateway, or to a documentation address. */
function alone(n: NodeState): string[] {
  const gateway = (n.routes ?? []).find((r) => r.dstLen === 0 && r.family === 'ipv4')?.nexthops[0]?.gateway ?? null;
  return n.addrs.some((a) => a.family === 'ipv4')
    ? [`  - { name: out, from: ${plain(n.name)}, ping: ${plain(gateway === null ? '192.0.2.1' : formatAddr(gateway))} }`]
    : [];
}

/** Commented: the other forms of a packet, with the names of a node that is there. */
function examples(n: NodeState): string[] {
  const dev = n.links.find((l) => l.linkType === 'ether') ?? n.links[0];
  const own = n.addrs.find((a) => a.dev === dev?.name && a.family === 'ipv4');
  const dst = own ? formatAddr(own.local) : '192.0.2.1';
  return [
    `  # - { name: arriving, at: ${plain(`${n.name}:${dev?.name ?? 'eth0'}`)}, packet: 'tcp 192.0.2.9:4000 > ${dst}:443 syn' }`.replace(/[^\x20-\x7e]/g, '?'),
    `  # - { name: web, from: ${plain(n.name)}, tcp: 192.0.2.1:443, expect: answered }`,
    '',
    '# what_if:',
    `#   loose-rp_filter: [{ ${plain(n.name)}: sysctl -w net.ipv4.conf.all.rp_filter=2 }]`,
  ];
}
