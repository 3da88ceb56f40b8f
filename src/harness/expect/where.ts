/** `where`: the place at which it ended. NODE, `NODE PLACE`, or a map; PLACE is a hook, a box of the picture, a kernel function, TABLE:CHAIN[:NUMBER]. */
import { nearest } from '../../base/diagnostic.js';
import { chainsOf, chainWords, parseRuleName, tableOfRule, tablesOf } from '../../scenario/rule-ref.js';
import type { Direction } from '../../stack/outcome.js';
import { packetFlow } from '../../stack/packet-flow.js';
import type { HookPoint, RuleRef } from '../../trace/event.js';
import { fateWords } from './fate.js';
import { type Flow, fateOf } from './flow.js';
import { type Check, each, looked, pairsOf, type Senseless, unknownNode } from './types.js';

const hooks: readonly HookPoint[] = ['INGRESS', 'BROUTING', 'PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING', 'EGRESS'];

/** All that is known about the place where a packet ended. */
interface Place {
  readonly node: string;
  readonly box: string | null;
  readonly hook: string | null;
  readonly location: string | null;
  readonly rule: RuleRef | null;
  readonly dev: string | null;
}

function placeAt(f: Flow, at: number, dev: string | null): Place {
  const e = f.run.events[at];
  let box: string | null = null;
  let hook: string | null = null;
  let device = dev;
  for (let i = at; i >= 0 && (box === null || hook === null); i--) {
    const x = f.run.events[i];
    if (x.skb !== e.skb || x.node !== e.node) continue;
    if (x.t === 'box') box ??= x.box;
    if (x.t === 'hook') {
      hook ??= x.hook;
      device ??= x.in ?? x.out;
    }
  }
  const rule = e.t === 'drop' || e.t === 'inconclusive' ? e.rule : null;
  return { node: e.node, box, hook, location: e.t === 'drop' ? e.location : null, rule, dev: device };
}

interface Wanted {
  readonly node: string | null;
  readonly stage: string | null;
  readonly hook: string | null;
  readonly table: string | null;
  readonly chain: string | null;
  readonly rule: number | null;
  readonly dev: string | null;
}
const nowhere: Wanted = { node: null, stage: null, hook: null, table: null, chain: null, rule: null, dev: null };

function readWhere(value: unknown): Wanted {
  if (typeof value !== 'string') {
    const get = (k: string): unknown => pairsOf(value).find(([key]) => key === k)?.[1] ?? null;
    const text = (k: string): string | null => (typeof get(k) === 'string' ? (get(k) as string) : null);
    const n = get('rule');
    return {
      node: text('node'),
      stage: text('stage'),
      hook: text('hook'),
      table: text('table'),
      chain: text('chain'),
      rule: typeof n === 'number' ? n : null,
      dev: text('dev'),
    };
  }
  const words = value.trim().split(/\s+/);
  const [node, dev] = words[0].split(':');
  const rest = words.slice(1).join(' ');
  const base = { ...nowhere, node, dev: dev ?? null };
  if (rest === '') return base;
  const r = parseRuleName(rest);
  if (r) return { ...base, table: r.table, chain: r.chain, rule: r.num };
  return hooks.includes(rest as HookPoint) ? { ...base, hook: rest } : { ...base, stage: rest };
}

function senseless(f: Flow, w: Wanted, p: Place | null): Senseless | null {
  if (w.hook !== null && !hooks.includes(w.hook as HookPoint)) return { code: 'unknown-hook', message: `there is no hook ${w.hook}`, hint: hooks.join(', ') };
  const node = w.node === null ? null : unknownNode(f, [w.node]);
  if (node) return node;
  const stages = Object.keys(packetFlow);
  if (w.stage !== null && w.stage !== p?.location && !stages.includes(w.stage)) {
    const near = nearest(w.stage, stages);
    return {
      code: 'unknown-stage',
      message: `“${w.stage}” is no stage of the packet flow`,
      hint: near ? `did you mean “${near}”?` : `as ${stages.slice(0, 8).join(', ')}`,
    };
  }
  const nodes = [...f.run.nodes.values()].filter((n) => w.node === null || n.name === w.node);
  if (w.dev !== null && !nodes.some((n) => n.links.some((l) => l.name === w.dev)))
    return { code: 'unknown-device', message: `node “${w.node}” has no device “${w.dev}”` };
  if (w.chain === null) return null;
  const chains = nodes.flatMap((n) => (w.table === null ? tablesOf(n) : [w.table]).flatMap((t) => chainsOf(n, t)));
  const here = chains.filter((c) => c.name === w.chain);
  if (here.length === 0) {
    const near = nearest(
      w.chain,
      chains.map((c) => c.name),
    );
    return {
      code: 'unknown-chain',
      message: `there is no chain ${w.table ? `${w.table}:` : ''}${w.chain}`,
      ...(near ? { hint: `did you mean “${near}”?` } : {}),
    };
  }
  if (w.rule !== null && !here.some((c) => w.rule !== null && w.rule >= 1 && w.rule <= c.last))
    return { code: 'unknown-rule', message: `the chain ${w.chain} has no rule ${w.rule}` };
  return null;
}

const matches = (w: Wanted, p: Place): boolean =>
  (w.node === null || w.node === p.node) &&
  (w.stage === null || w.stage === p.box || w.stage === p.location) &&
  (w.hook === null || w.hook === p.hook) &&
  (w.table === null || (p.rule !== null && (w.table === tableOfRule(p.rule) || w.table === p.rule.table))) &&
  (w.chain === null || w.chain === p.rule?.chain) &&
  (w.rule === null || w.rule === p.rule?.num) &&
  (w.dev === null || w.dev === p.dev);

const ruleWords = (table: string | null, chain: string | null, num: number | null): string =>
  table !== null && chain !== null
    ? [chainWords(table, chain), num].filter((x) => x !== null).join(':')
    : [table, chain, num].filter((x) => x !== null).join(':');
const wantedWords = (w: Wanted): string =>
  [w.node, w.stage, w.hook, ruleWords(w.table, w.chain, w.rule), w.dev ? `device ${w.dev}` : null].filter((x) => x !== null && x !== '').join(' ');

export const where = each('where', (f: Flow, value: unknown, direction: Direction): Check => {
  const w = readWhere(value);
  const fate = fateOf(f, direction);
  const at = fate?.at ?? -1;
  const p = at >= 0 ? placeAt(f, at, fate?.dev ?? null) : null;
  const wrong = senseless(f, w, p);
  if (wrong) return wrong;
  const actual = p
    ? `${fateWords(f, direction)}${p.hook ? `, last hook ${p.hook}` : ''}${p.rule ? `, rule ${ruleWords(tableOfRule(p.rule), p.rule.chain, p.rule.num)}` : ''}`
    : fateWords(f, direction);
  return looked(p !== null && matches(w, p), `ended on ${wantedWords(w)}`, actual, at);
});
