/** Rows about rules: numbers that are shifted, rules that came, went or changed, policies. */
import type { TraceLogLine } from '../../../formats/trace-log-types.js';
import { byCommands, type Case, type CauseRow, type Finding, place, untried } from './case.js';

/** Shifts that are looked for, both ways. */
const MOST = 12;
/** A rule that matches nothing and leaves no trace, one that matches everything and does nothing. */
const HOLE = '-m mark --mark 0x1/0x0';
const COUNTING = '-m comment --comment "came since"';

interface Shifted {
  readonly table: string;
  readonly chain: string;
  /** The model's number, the log's is `by` higher. */
  readonly num: number;
  readonly by: number;
  /** Numbers up to here agreed. */
  readonly known: number;
}

function shiftOf(c: Case): Shifted | null {
  const { log, model } = c;
  if (!log || !model || log.num === null || log.table !== model.table || log.chain !== model.chain || log.kind !== model.kind || c.fields.length > 0)
    return null;
  const by = log.num - model.num;
  if (by === 0 || Math.abs(by) > MOST) return null;
  const agreed = c.r.walk.lines
    .slice(0, c.at)
    .flatMap((l) => (l.table === log.table && l.chain === log.chain && l.num !== null && l.num < model.num ? [l.num] : []));
  return { table: log.table, chain: log.chain, num: model.num, by, known: Math.max(0, ...agreed) };
}

const listing = (c: Case, s: { table: string; chain: string }): string => `${c.iptables} -t ${s.table} -S ${s.chain} (and compare the numbers)`;
const rules = (n: number): string => (n === 1 ? 'one rule' : `${n} rules`);

export const rulesInserted: CauseRow = {
  id: 'rules-inserted',
  about: 'Rules came into a chain since the dump: the log’s numbers are higher from there on.',
  find(c) {
    const s = shiftOf(c);
    if (!s || s.by < 0) return [];
    const where = s.known + 1 === s.num ? `at ${s.num}` : `between ${s.known + 1} and ${s.num}`;
    return places(s.known + 1, s.num).map((at) => ({
      text: `${rules(s.by)} came into ${s.table}:${s.chain} ${where} since the dump: numbers from there on are ${s.by} higher`,
      facts: [
        `the log’s ${place(c.log!)} is the dump’s ${s.num}: ${c.rule(s.table, s.chain, s.num) ?? c.ruleFact(s.table, s.chain, s.num)}`,
        c.ruleFact(s.table, s.chain, s.num + s.by),
      ],
      decide: listing(c, s),
      ...byCommands(...new Array<string>(s.by).fill(`${c.iptables} -t ${s.table} -I ${s.chain} ${at} ${HOLE}`)),
    }));
  },
};

/** Tried of a range: its end first, which is nearest to where the numbers part, then its beginning. */
const places = (from: number, to: number): number[] => Array.from({ length: Math.min(MOST_PLACES, to - from + 1) }, (_, i) => to - i);
const MOST_PLACES = 8;

export const rulesRemoved: CauseRow = {
  id: 'rules-removed',
  about: 'Rules of the dump were not in a chain when the log was made: the log’s numbers are lower from there on.',
  find(c) {
    const s = shiftOf(c);
    if (!s || s.by > 0) return [];
    const n = -s.by;
    if (s.num - 1 - s.known < n) return [];
    return places(s.known + 1, s.num - n).map((at) => ({
      text: `${rules(n)} of the dump between ${s.known + 1} and ${s.num - 1} of ${s.table}:${s.chain} ${n === 1 ? 'was' : 'were'} not there when the log was made: numbers behind are ${n} lower`,
      facts: [
        `the log’s ${place(c.log!)} is the dump’s ${s.num}: ${c.rule(s.table, s.chain, s.num) ?? c.ruleFact(s.table, s.chain, s.num)}`,
        c.ruleFact(s.table, s.chain, at),
      ],
      decide: listing(c, s),
      ...byCommands(...new Array<string>(n).fill(`${c.iptables} -t ${s.table} -D ${s.chain} ${at}`)),
    }));
  },
};

export const ruleCame: CauseRow = {
  id: 'rule-came',
  about: 'A rule that is not in the dump matched the packet.',
  find: (c) => (c.log === null ? [] : [c.log, c.before]).flatMap((l) => came(c, l)),
};

function came(c: Case, l: TraceLogLine | null): Finding[] {
  if (l?.kind !== 'rule' || !c.chain(l.table, l.chain)) return [];
  const end = (c.chain(l.table, l.chain)?.rules.length ?? 0) + 1;
  const num = l.num ?? (c.model?.table === l.table && c.model.chain === l.chain ? c.model.num : end);
  if (num > end) return [];
  const words = l.rule?.startsWith('-A ') ? l.rule.replace(/^-A \S+ /, '') : null;
  const common = { facts: l.num === null ? [] : [c.ruleFact(l.table, l.chain, num)], decide: listing(c, l) };
  const at = `${c.iptables} -t ${l.table} -I ${l.chain} ${num} `;
  if (words !== null) return l === c.log ? [{ ...common, text: `the rule “${l.rule}” is not in the dump: it came since`, ...byCommands(at + words) }] : [];
  const next = c.r.walk.lines[c.r.walk.lines.indexOf(l) + 1];
  const jumps = next !== undefined && next.table === l.table && next.chain !== l.chain && c.chain(next.table, next.chain)?.policy === null;
  const ends: readonly (readonly [string, string])[] = [
    ...(jumps ? [[`${COUNTING} -j ${next.chain}`, `jumps to ${next.chain}`] as const] : []),
    [COUNTING, 'lets it pass (MARK, LOG, a counter)'],
    [`${COUNTING} -j ACCEPT`, 'accepts it'],
    [`${COUNTING} -j DROP`, 'drops it'],
    ...(c.chain(l.table, l.chain)?.policy === null ? [[`${COUNTING} -j RETURN`, 'returns'] as const] : []),
  ];
  return ends.map(([spec, does]) => ({
    ...common,
    text: `a rule came to ${l.table}:${l.chain}:${num} since the dump that matches this packet and ${does}`,
    ...byCommands(at + spec),
  }));
}

export const ruleGone: CauseRow = {
  id: 'rule-gone',
  about: 'A rule of the dump that matches the packet was not there when the log was made.',
  find: (c) =>
    // A rule before may have had the number that another one has in the dump.
    [c.model, c.modelBefore].flatMap((m): Finding[] => {
      const text = m && c.rule(m.table, m.chain, m.num);
      if (!m || !text) return [];
      return [
        {
          text: `the dump’s rule ${m.table}:${m.chain}:${m.num} was not there when the log was made`,
          facts: [
            `${text} matches this packet in the model${m === c.model ? ', and the log does not show it' : '; what the log shows under that number was the next one'}`,
          ],
          decide: listing(c, m),
          ...byCommands(`${c.iptables} -t ${m.table} -D ${m.chain} ${m.num}`),
        },
      ];
    }),
};

/** Matches whose answer rests on what no dump shows. */
const STATEFUL = /-m (limit|hashlimit|recent|quota|statistic|connlimit|connbytes|rateest|time|nfacct|cgroup|socket|owner|string|bpf|osf|helper|cpu)\b/g;

export const ruleState: CauseRow = {
  id: 'rule-state',
  about: 'A rule decides by a state that is in no dump: limits, counters, owners, sockets, time, payload.',
  find: (c) =>
    c.deciding().flatMap((d): Finding[] => {
      const text = c.rule(d.table, d.chain, d.num);
      const names = [...new Set([...(text ?? '').matchAll(STATEFUL)].map((m) => m[1]))];
      if (names.length === 0) return [];
      return [
        {
          text: `${d.table}:${d.chain}:${d.num} ${d.matched ? 'matches in the model and did not on the node' : 'matched on the node and does not in the model'}: it asks ${names.join(' and ')}, whose state the dump does not hold`,
          facts: [text!],
          decide: `${c.iptables} -t ${d.table} -vnL ${d.chain} (its counters before and after such a packet)`,
          ...untried,
        },
      ];
    }),
};

export const policyDiffers: CauseRow = {
  id: 'policy',
  about: 'The policy of a base chain is another than in the dump.',
  find(c) {
    const flip = (table: string, chain: string, to: 'ACCEPT' | 'DROP', fact: string): Finding => ({
      text: `the policy of ${table}:${chain} was ${to} when the log was made; the dump says ${to === 'DROP' ? 'ACCEPT' : 'DROP'}`,
      facts: [fact],
      decide: `${c.iptables} -t ${table} -S ${chain} | head -1`,
      ...byCommands(`${c.iptables} -t ${table} -P ${chain} ${to}`),
    });
    const d = c.drop();
    if (c.log && d?.cause === 'policy-drop' && d.rule && d.rule.backend === c.backend && c.model === null)
      return [flip(d.rule.table, d.rule.chain, 'ACCEPT', 'the model’s packet ends at that policy, and the log goes on')];
    const b = c.before;
    // iptables refuses a policy of DROP in nat.
    if (c.log === null && b?.kind === 'policy' && b.table !== 'nat' && c.chain(b.table, b.chain)?.policy === 'ACCEPT' && isEnd(c, b.table, b.chain, b.num))
      return [flip(b.table, b.chain, 'DROP', `the log ends with ${place(b)}, and the kernel’s TRACE prints no verdict`)];
    const { log, model } = c;
    if (log?.kind === 'policy' && model?.kind === 'policy' && log.chain === model.chain && log.table === model.table && log.verdict !== null)
      return [flip(log.table, log.chain, log.verdict === 'drop' ? 'DROP' : 'ACCEPT', `the log says policy ${log.verdict}`)];
    return [];
  },
};

/** An unconditional last rule prints “policy” as well; the policy itself has the number behind the last rule. */
const isEnd = (c: Case, table: string, chain: string, num: number | null): boolean => num === null || num === (c.chain(table, chain)?.rules.length ?? 0) + 1;
