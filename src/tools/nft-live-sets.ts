/** Sets of nftables as a run has left them: elements that packets added, what is left of their times, what stands beside them. */
import { protocolName } from '../base/well-known.js';
import { withNumbers } from '../formats/nft-print.js';
import type { NftElement } from '../netfilter/nftables/elements.js';
import type { NftSet, NftTable } from '../netfilter/nftables/model.js';
import { type SetDef, setNamed } from '../netfilter/nftables/set.js';
import { SetEdit } from '../netfilter/nftables/set-edit.js';
import { SetRun } from '../netfilter/nftables/set-run.js';
import type { Counted } from '../netfilter/nftables/stmt/counter.js';
import { NftError } from '../netfilter/nftables/tokens.js';
import type { NftType } from '../netfilter/nftables/types.js';
import type { Scalar } from '../netfilter/pred.js';
import type { NodeState } from '../scenario/model.js';
import type { NodeRun } from '../stack/node-run.js';

type Held = ReturnType<SetRun['now']>[number];

/** The set with its elements as they are; itself where no packet changed it. Times left count from `from` (virtual ms). */
export function liveSet(n: NodeRun, t: NftTable, set: NftSet, from = n.now()): NftSet {
  try {
    const def = setNamed(t, set.name);
    const run = n.kept(def);
    if (!def || !(run instanceof SetRun)) return set;
    const held = run.now(n.now());
    if (!run.changed && held.length === def.elements.length && held.every((h) => h.until === Number.POSITIVE_INFINITY)) return set;
    const edit = new SetEdit(set, t.family);
    edit.replace(held.map((h) => elementText(h, def, edit.textOf(h.element), from)));
    return edit.result(set.handle);
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    return set;
  }
}

/** The node with the sets that packets have changed as they are now: what a command changes is that. */
export function settledNft(n: NodeRun, s: NodeState): NodeState {
  const settled = (t: NftTable): NftTable => {
    // A set's times count from where the run began.
    const sets = t.sets.map((x) => (changed(n, t, x) ? liveSet(n, t, x, n.started()) : x));
    return sets.every((x, i) => x === t.sets[i]) ? t : { ...t, sets };
  };
  const tables = s.nftRuleset?.map(settled) ?? [];
  return tables.every((t, i) => t === s.nftRuleset?.[i]) ? s : { ...s, nftRuleset: tables };
}
function changed(n: NodeRun, t: NftTable, set: NftSet): boolean {
  try {
    const run = n.kept(setNamed(t, set.name));
    return run instanceof SetRun && run.changed;
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    return false;
  }
}

/** `KEY counter packets 1 bytes 2 timeout 1m expires 50s comment "x" : DATA`. `given`: as it was written; null: a packet added it. */
function elementText(h: Held, def: SetDef, given: string | null, from: number): string {
  const written = given === null ? fresh(h.element, def) : parts(given);
  const statements = withKept(written.statements || h.element.statements || def.statements, h);
  const lasts = h.element.timeout;
  const timeout = lasts === null ? '' : `timeout ${duration(lasts)}`;
  const expires = h.until === Number.POSITIVE_INFINITY ? '' : `expires ${duration(Math.max(1, h.until - from))}`;
  const head = [written.key, statements, timeout, expires, written.comment].filter((x) => x !== '').join(' ');
  return written.data === '' ? head : `${head} : ${written.data}`;
}

interface Parts {
  readonly key: string;
  readonly statements: string;
  readonly comment: string;
  readonly data: string;
}
const SPLIT =
  /^(.*?)((?:\s+(?:counter|limit|quota|last|ct count)\b.*?)?)((?:\s+timeout\s+\S+)?(?:\s+expires\s+\S+)?)((?:\s+comment\s+"[^"]*")?)((?:\s+:\s.*)?)$/s;
function parts(text: string): Parts {
  const m = SPLIT.exec(text);
  const [key, statements, , comment, data] = (m ?? ['', text, '', '', '', '']).slice(1).map((x) => x.trim());
  return { key, statements, comment, data: data.replace(/^:\s*/, '') };
}
function fresh(e: NftElement, def: SetDef): Parts {
  const key = e.key === null ? '*' : e.key.map((p, i) => shown(def.key[i], p.lo)).join(' . ');
  return { key, statements: '', comment: '', data: dataText(e) };
}
/** nft names protocols, and gives ports as numbers. */
const shown = (type: NftType, v: Scalar): string => (type.name === 'inet_proto' ? (protocolName(v as number) ?? String(v)) : type.show(v));
function dataText({ data }: NftElement): string {
  if (data === null) return '';
  if (data.kind === 'value') return data.values.map((v, i) => data.types[i].show(v)).join(' . ');
  if (data.kind === 'object') return `"${data.name}"`;
  return 'chain' in data.verdict ? `${data.verdict.code} ${data.verdict.chain}` : data.verdict.code;
}

/** Statements with what they keep; those that a rule brought are told where they are counters. */
function withKept(text: string, { kept }: Held): string {
  const counters = (kept ?? []).filter((k) => k.stateful.name === 'counter').map((k) => k.state as Counted);
  const said = text === '' ? counters.map(() => 'counter').join(' ') : text;
  return withNumbers(said, (_, was) => counters.shift() ?? was);
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;
/** As nft writes times: `1h30m`, `59s968ms`. */
function duration(ms: number): string {
  let left = Math.round(ms);
  let out = '';
  for (const [unit, size] of UNITS) {
    const n = Math.floor(left / size);
    if (n > 0) out += `${n}${unit}`;
    left -= n * size;
  }
  return out === '' ? '0s' : out;
}
