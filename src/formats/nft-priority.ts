/** Priorities of base chains by name (nft(8), “Standard priority names”). */
import type { NftBaseChain, NftFamily } from '../netfilter/nftables/model.js';

interface Named {
  readonly name: string;
  readonly value: number;
  /** The only hook that it is a name at. */
  readonly hook?: string;
}
const inet: readonly Named[] = [
  { name: 'raw', value: -300 },
  { name: 'mangle', value: -150 },
  { name: 'dstnat', value: -100, hook: 'prerouting' },
  { name: 'filter', value: 0 },
  { name: 'security', value: 50 },
  { name: 'srcnat', value: 100, hook: 'postrouting' },
];
const bridge: readonly Named[] = [
  { name: 'dstnat', value: -300, hook: 'prerouting' },
  { name: 'filter', value: -200 },
  { name: 'out', value: 100, hook: 'output' },
  { name: 'srcnat', value: 300, hook: 'postrouting' },
];
const filter: readonly Named[] = [{ name: 'filter', value: 0 }];
const namesOf = (family: NftFamily): readonly Named[] => (family === 'bridge' ? bridge : family === 'arp' || family === 'netdev' ? filter : inet);

/** nft writes a priority by the name of one that is at most so far away. */
const REACH = 10;

/** `filter`, `-150`, `srcnat + 5`; null: it is none. */
export function parsePriority(text: string, family: NftFamily): number | null {
  const m = /^([a-z]+)?\s*([+-]?)\s*(\d{1,10})?$/.exec(text.trim());
  if (!m || (m[1] === undefined && m[3] === undefined)) return null;
  const named = m[1] === undefined ? 0 : namesOf(family).find((n) => n.name === m[1])?.value;
  if (named === undefined || (m[1] !== undefined && (m[2] === '') !== (m[3] === undefined))) return null;
  const offset = m[3] === undefined ? 0 : Number(m[3]);
  return m[2] === '-' ? named - offset : named + offset;
}
export const priorityNames = (family: NftFamily): readonly string[] => namesOf(family).map((n) => n.name);

export function writePriority({ priority, hook }: NftBaseChain, family: NftFamily): string {
  const near = namesOf(family).find((n) => Math.abs(priority - n.value) <= REACH && (n.hook === undefined || n.hook === hook));
  if (!near) return String(priority);
  const offset = priority - near.value;
  return offset === 0 ? near.name : `${near.name} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`;
}
