/**
 * Where the base chains that a log shows stand: their hook, and their order within it. Those of nft itself by the node's listing, those of iptables by name;
 * of tables that the dump does not have by the devices that their packets show.
 */
import { byName, memoByIdentity } from '../../base/memo.js';
import type { TraceLogLine } from '../../formats/trace-log-types.js';
import type { NftTable } from '../../netfilter/nftables/model.js';
import { builtinChains, type XtTableName } from '../../netfilter/xtables/model.js';
import type { NodeState } from '../../scenario/model.js';
import { nativeChains, nativeTables } from '../../stack/nft-native.js';
import { nftTables } from '../../stack/nft-steps.js';
import type { HookPoint } from '../../trace/event.js';

/** What walks of its own a packet makes: a frame passes ingress, bridge, IP and egress chains, and each is a walk. */
export type Layer = 'ingress' | 'bridge' | 'ip' | 'egress';

export interface BasePlace {
  readonly layer: Layer;
  readonly point: HookPoint;
  /** Hook, priority and order of equal priorities as one number; null: its priority is not known, so that it stands where it is met. */
  readonly stage: number | null;
  /** Null where stage is. */
  readonly priority: number | null;
}

const RANK: Readonly<Record<HookPoint, number>> = { INGRESS: 0, BROUTING: 0, PREROUTING: 0, OUTPUT: 0, INPUT: 1, FORWARD: 1, POSTROUTING: 2, EGRESS: 0 };
export const rankOf = (p: HookPoint): number => RANK[p];

/** Stages of one hook span this much: priorities are signed numbers of 32 bits. */
const SPAN = 2 ** 33;
export const stageAt = (p: HookPoint, priority: number, tie = 0): number => RANK[p] * SPAN + SPAN / 2 + priority + tie / 4096;
export const rankOfStage = (stage: number): number => Math.floor(stage / SPAN);

/** enum nf_ip_hook_priorities; nat chains stand in two places. iptables-nft hangs its security chains behind nat INPUT. */
const PRIORITY: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };
function xtPlace(table: string, point: HookPoint, nft: boolean): BasePlace {
  const nat = point === 'INPUT' || point === 'POSTROUTING' ? 100 : -100;
  const priority = table === 'nat' ? nat : table === 'security' && nft ? 150 : (PRIORITY[table] ?? 0);
  return { layer: 'ip', point, priority, stage: stageAt(point, priority, MODEL_TIE) };
}
/** Among equal priorities: native chains made later run before those of iptables-nft, those made earlier behind. */
const MODEL_TIE = 2048;

type ChainName = Pick<TraceLogLine, 'nftFamily' | 'table' | 'chain'>;
const nameOf = (l: ChainName): string => `${l.nftFamily}\0${l.table}\0${l.chain}`;

const knownChains = memoByIdentity((n: NodeState): ReadonlyMap<string, BasePlace> => {
  const out = new Map<string, BasePlace>();
  for (const [i, c] of nativeChains(n).entries()) {
    const layer = c.point === 'INGRESS' ? 'ingress' : c.point === 'EGRESS' ? 'egress' : c.table.family === 'bridge' ? 'bridge' : 'ip';
    const stage = stageAt(c.point, c.base.priority, Math.min(i, MODEL_TIE - 1) + (c.early.length > 0 ? MODEL_TIE : 0));
    out.set(nameOf({ nftFamily: c.table.family, table: c.table.name, chain: c.chain.name }), { layer, point: c.point, priority: c.base.priority, stage });
  }
  return out;
});

/** By family and name; `whole`: all its chains are nft's own. */
const nativeByName = memoByIdentity((n: NodeState): ReadonlyMap<string, { readonly table: NftTable; readonly whole: boolean }> => {
  const { early, late } = nativeTables(n);
  const given = new Set(nftTables(n));
  return new Map([...early, ...late].map((table) => [`${table.family} ${table.name}`, { table, whole: given.has(table) }]));
});

/** The native table of a line in the dump; of a table that iptables-nft has chains in as well, if the line's chain is nft's own. */
export function nativeTable(n: NodeState, l: ChainName): NftTable | undefined {
  const t = nativeByName(n).get(`${l.nftFamily} ${l.table}`);
  return t && (t.whole || byName(t.table.chains, l.chain)) ? t.table : undefined;
}

export class Places {
  readonly #known: ReadonlyMap<string, BasePlace>;
  /** Of tables that the dump does not have: chains that told a policy, or with which a packet was shown. */
  readonly #seen = new Set<string>();
  /** Tables that iptables-nft made, by what the log shows of them: with one of its base chains. */
  readonly #xtables = new Set<string>();
  /** Base chains that iptables-nft does not make, in whatever table. */
  readonly #own = new Set<string>();

  constructor(
    readonly node: NodeState,
    lines: readonly TraceLogLine[],
  ) {
    this.#known = knownChains(node);
    for (const [i, l] of lines.entries()) {
      if (l.kind === 'policy' || l.packet !== lines[i - 1]?.packet) this.#seen.add(nameOf(l));
      if (l.kind === 'policy' && !isBuiltin(l)) this.#own.add(nameOf(l));
      if ((l.nftFamily === 'ip' || l.nftFamily === 'ip6') && isBuiltin(l)) this.#xtables.add(`${l.nftFamily} ${l.table}`);
    }
  }

  /** Is the line of a table or chain that nft itself made? */
  isNative(l: ChainName): boolean {
    if (l.nftFamily === null) return false;
    if (nativeTable(this.node, l) || this.#own.has(nameOf(l))) return true;
    if (l.nftFamily !== 'ip' && l.nftFamily !== 'ip6') return true;
    const model = l.nftFamily === 'ip' ? this.node.iptablesNft : this.node.ip6tablesNft;
    return !(model?.tables.some((t) => t.name === l.table) || this.#xtables.has(`${l.nftFamily} ${l.table}`));
  }

  /** Null: no base chain. */
  base(l: TraceLogLine): BasePlace | null {
    if (!this.isNative(l)) {
      const nft = l.traceId !== null;
      return isBuiltin(l) ? xtPlace(l.table, l.chain as HookPoint, nft) : null;
    }
    const known = this.#known.get(nameOf(l));
    if (known || nativeTable(this.node, l)?.chains.some((c) => c.name === l.chain)) return known ?? null;
    return this.#seen.has(nameOf(l)) ? unknownPlace(l) : null;
  }

  /** A user chain that a walk begins in, as its packet was traced from there on: the base chain that leads there and fits the devices. */
  entrance(l: TraceLogLine): BasePlace {
    if (!this.isNative(l)) return xtPlace(l.table, xtHook(l), l.traceId !== null);
    const t = nativeTable(this.node, l);
    const leading = t ? basesOf(t, l.chain).flatMap((chain) => this.#known.get(nameOf({ ...l, chain })) ?? []) : [];
    return leading.find((p) => fitsDevices(l, p.point)) ?? leading[0] ?? unknownPlace(l);
  }
}

const isBuiltin = (l: TraceLogLine): boolean =>
  Object.hasOwn(builtinChains, l.table) && (builtinChains[l.table as XtTableName] as readonly string[]).includes(l.chain);

const layerOf = (l: TraceLogLine): Layer =>
  l.nftFamily === 'bridge' ? 'bridge' : l.nftFamily === 'netdev' ? (l.packet.in === '' ? 'egress' : 'ingress') : 'ip';

const unknownPlace = (l: TraceLogLine): BasePlace => ({ layer: layerOf(l), point: byDevices(l), priority: null, stage: null });

/** iptables: the hook of a user chain, by what the devices say. */
function xtHook(l: TraceLogLine): HookPoint {
  const { in: iif, out } = l.packet;
  if (iif !== '' && out !== '') return l.table === 'nat' ? 'POSTROUTING' : 'FORWARD';
  if (iif !== '') return l.table === 'filter' || l.table === 'security' ? 'INPUT' : 'PREROUTING';
  return 'OUTPUT';
}

/** Where the name of a chain says which of two hooks it is, it is taken at its word. */
function byDevices(l: TraceLogLine): HookPoint {
  const { in: iif, out } = l.packet;
  if (l.nftFamily === 'netdev') return iif === '' ? 'EGRESS' : 'INGRESS';
  if (iif !== '' && out !== '') return /post/i.test(l.chain) ? 'POSTROUTING' : 'FORWARD';
  if (iif !== '') return /input|^in$|_in$/i.test(l.chain) ? 'INPUT' : 'PREROUTING';
  return /post/i.test(l.chain) ? 'POSTROUTING' : 'OUTPUT';
}

function fitsDevices(l: TraceLogLine, p: HookPoint): boolean {
  const { in: iif, out } = l.packet;
  if (p === 'PREROUTING' || p === 'INPUT' || p === 'INGRESS') return iif !== '' && out === '';
  if (p === 'FORWARD') return iif !== '' && out !== '';
  return out !== '' && (p === 'POSTROUTING' || iif === '');
}

/** Is the line of a chain that only the first packet of a flow passes? */
export function isNat(n: NodeState, l: ChainName | null): boolean {
  if (l === null) return false;
  const t = nativeTable(n, l);
  return t ? byName(t.chains, l.chain)?.base?.type === 'nat' : l.table === 'nat';
}

/** Base chains from which jumps, gotos and verdict maps lead to a chain. */
function basesOf(t: NftTable, chain: string): string[] {
  const found = new Set([chain]);
  for (const name of found) {
    const leads = (text: string): boolean => [...text.matchAll(/\b(?:jump|goto) ([^\s,}]+)/g)].some((m) => m[1] === name);
    const maps = t.sets.filter((s) => leads(s.text)).map((s) => s.name);
    for (const c of t.chains)
      if (c.rules.some((r) => leads(r.text) || maps.some((m) => new RegExp(`@${m.replace(/[^\w]/g, '\\$&')}(?![\\w.-])`).test(r.text)))) found.add(c.name);
  }
  return [...found].filter((name) => byName(t.chains, name)?.base);
}
