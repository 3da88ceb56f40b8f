import { isChanged, type NodeAddresses, type PacketDiff, type RunDiff } from '../diff.js';

/** For people: the changed packets, each with both sides. */
export function renderDiff(d: RunDiff): string {
  const changed = d.packets.filter(isChanged);
  const out = [
    `${d.packets.length} packets compared: ${changed.length === 0 ? 'no fate and no address differs' : `${changed.length} ${changed.length === 1 ? 'differs' : 'differ'}`}`,
  ];
  for (const p of changed) out.push('', p.packet, ...packetLines(p).map((l) => `  ${l}`));
  const quiet = d.packets.filter((p) => !isChanged(p) && p.trace !== null).map((p) => p.packet);
  if (quiet.length > 0) out.push('', `other rules, same result: ${quiet.join(', ')}`);
  const unknown = d.packets.filter((p) => !isChanged(p) && p.a.inconclusive).map((p) => p.packet);
  if (unknown.length > 0) out.push('', `inconclusive on both sides, so not compared: ${unknown.join(', ')}`);
  if (d.onlyA.length > 0) out.push('', `only in A: ${d.onlyA.join(', ')}`);
  if (d.onlyB.length > 0) out.push('', `only in B: ${d.onlyB.join(', ')}`);
  return `${out.join('\n')}\n`;
}

function packetLines(p: PacketDiff): string[] {
  const out: string[] = [];
  if (p.fateChanged) out.push(`fate  A: ${p.a.fate}`, `      B: ${p.b.fate}`);
  if (p.addressesChanged) out.push(...addressLines(p.a.addresses, p.b.addresses));
  if (p.trace) out.push(`first different trace line (${p.trace.line}):`, `  A: ${p.trace.a ?? '(no more)'}`, `  B: ${p.trace.b ?? '(no more)'}`);
  return out;
}

const where = (node: string): string => (node === '' ? 'at the end' : `on arrival at ${node}`);
const words = (x: NodeAddresses | undefined): string => (x ? `${x.source} > ${x.destination}` : 'not seen');

function addressLines(a: readonly NodeAddresses[], b: readonly NodeAddresses[]): string[] {
  const nodes = [...new Set([...a, ...b].map((x) => x.node).filter((n) => n !== '')), ''];
  return nodes.flatMap((node) => {
    const x = words(a.find((n) => n.node === node));
    const y = words(b.find((n) => n.node === node));
    return x === y ? [] : [`${where(node)}  A: ${x}  B: ${y}`];
  });
}

/** For programs. */
export const diffJson = (d: RunDiff): string => `${JSON.stringify({ version: 1, changed: d.packets.filter(isChanged).length, ...d }, null, 2)}\n`;
