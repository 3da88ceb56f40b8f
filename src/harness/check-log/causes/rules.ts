/** Rows about rules: numbers that are shifted, rules that came, went or changed, policies. */
import type { TraceLogLine } from '../../../formats/trace-log-types.js';
import { sameTable } from '../compare.js';
import { sameNftWords } from '../nft-words.js';
import { byCommands, type Case, type CauseRow, type Finding, untried } from './case.js';
import type { Doing, Spot } from './tool.js';

/** Shifts that are looked for, both ways. */
const MOST = 12;
/** A rule that matches nothing and leaves no trace. */
const HOLE = '-m mark --mark 0x1/0x0';

interface Shifted extends Spot {
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
  return { nftFamily: log.nftFamily, table: log.table, chain: log.chain, num: model.num, by, known: Math.max(0, ...agreed) };
}

const listing = (c: Case, s: Spot): string => `${c.tool(s).show(s)}${c.isNative(s) ? '' : ' (and compare the numbers)'}`;
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
      facts: [`the log’s ${c.place(c.log!)} is the dump’s ${s.num}: ${c.rule(s, s.num) ?? c.ruleFact(s, s.num)}`, c.ruleFact(s, s.num + s.by)],
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
      facts: [`the log’s ${c.place(c.log!)} is the dump’s ${s.num}: ${c.rule(s, s.num) ?? c.ruleFact(s, s.num)}`, c.ruleFact(s, at)],
      decide: listing(c, s),
      ...byCommands(...new Array<string>(n).fill(`${c.iptables} -t ${s.table} -D ${s.chain} ${at}`)),
    }));
  },
};

export const ruleChanged: CauseRow = {
  id: 'rule-changed',
  about: 'A rule of the dump had other words when the log was made, which shows them.',
  find(c) {
    const l = c.log;
    if (l?.kind !== 'rule' || l.rule === null || c.logNum() !== null) return [];
    const tool = c.tool(l);
    if (!tool.native && !l.rule.startsWith('-A ')) return [];
    const words = wordsOf(c, l);
    const known = tool.length(l) ?? 0;
    const like = Array.from({ length: known }, (_, i) => ({ num: i + 1, text: tool.rule(l, i + 1) ?? '' }))
      .map((x) => ({ ...x, share: shared(words, x.text.replace(/^-A \S+ /, '')) }))
      .filter((x) => x.share >= ALIKE && !shownElsewhere(c, l, x.text));
    return like
      .toSorted((a, b) => b.share - a.share)
      .slice(0, MOST_ALIKE)
      .map(({ num, text }) => ({
        text: `the rule ${c.rulePlace(l, num)} was another when the log was made, which shows “${words}”`,
        facts: [`the dump says ${text}`],
        decide: tool.show(l),
        ...tool.replace(l, num, words),
      }));
  },
};
/** So much of two rules has to be the same for the one to be the other changed. */
const ALIKE = 0.6;
const MOST_ALIKE = 2;

/** The rule as a command takes it: what it has counted is left out. */
const wordsOf = (c: Case, l: TraceLogLine): string =>
  (l.rule ?? '').replace(/^-A \S+ /, '').replace(c.isNative(l) ? /\bcounter packets \d+ bytes \d+/g : /$^/, 'counter');

/** Words of the longer text that the other has as well. */
function shared(a: string, b: string): number {
  const [x, y] = [a, b].map((t) =>
    t
      .replace(/\bpackets \d+ bytes \d+ ?/g, '')
      .split(/[\s,{}]+/)
      .filter((w) => w !== ''),
  );
  const left = [...y];
  const both = x.filter((w) => {
    const at = left.indexOf(w);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
  return both.length / Math.max(x.length, y.length, 1);
}

/** Does another line of the log show the dump's own rule? Then it is still there. */
const shownElsewhere = (c: Case, l: TraceLogLine, text: string): boolean =>
  c.q.log.lines.some(
    (x) => x.kind === 'rule' && x.rule !== null && x.table === l.table && x.chain === l.chain && x.nftFamily === l.nftFamily && sameNftWords(x.rule, text),
  );

export const ruleCame: CauseRow = {
  id: 'rule-came',
  about: 'A rule that is not in the dump matched the packet.',
  find: (c) => (c.log === null ? [] : [c.log, c.before]).flatMap((l) => came(c, l)),
};

function came(c: Case, l: TraceLogLine | null): Finding[] {
  const length = l && c.tool(l).length(l);
  if (l?.kind !== 'rule' || length === null) return [];
  const tool = c.tool(l);
  if (tool.native && (l !== c.log || c.logNum() !== null)) return [];
  const num = l.num ?? (c.model && sameTable(l, c.model) && c.model.chain === l.chain ? c.model.num : length + 1);
  if (num > length + 1) return [];
  const common = { facts: l.num === null ? [] : [c.ruleFact(l, num)], decide: listing(c, l) };
  const at = (words: string): Pick<Finding, 'change' | 'commands'> => tool.insert(l, num, words);
  if (l.rule !== null && (tool.native || l.rule.startsWith('-A ')))
    return l === c.log ? [{ ...common, text: `the rule “${l.rule}” is not in the dump: it came since`, ...at(wordsOf(c, l)) }] : [];
  if (tool.native) {
    const does = doing(l.verdict);
    return does === null
      ? []
      : [
          {
            ...common,
            text: `a rule with handle ${l.handle} is not in the dump: it came to ${tool.place(l)} since (verdict ${l.verdict})`,
            ...at(tool.words(does)),
          },
        ];
  }
  const next = c.r.walk.lines[c.r.walk.lines.indexOf(l) + 1];
  const jumps = next !== undefined && next.table === l.table && next.chain !== l.chain && tool.length(next) !== null && tool.policy(next) === null;
  const ends: readonly (readonly [Doing, string])[] = [
    ...(jumps ? [[{ jump: next.chain }, `jumps to ${next.chain}`] as const] : []),
    ['pass', 'lets it pass (MARK, LOG, a counter)'],
    ['accept', 'accepts it'],
    ['drop', 'drops it'],
    ...(tool.policy(l) === null ? [['return', 'returns'] as const] : []),
  ];
  return ends.map(([does, told]) => ({
    ...common,
    text: `a rule came to ${c.rulePlace(l, num)} since the dump that matches this packet and ${told}`,
    ...at(tool.words(does)),
  }));
}

/** What nf_tables says of a rule's verdict. */
function doing(verdict: string | null): Doing | null {
  const [word, chain] = verdict?.split(' ') ?? [];
  if (word === 'continue') return 'pass';
  if (word === 'accept' || word === 'drop' || word === 'return') return word;
  return chain && word === 'jump' ? { jump: chain } : chain && word === 'goto' ? { goto: chain } : null;
}

export const ruleGone: CauseRow = {
  id: 'rule-gone',
  about: 'A rule of the dump that matches the packet was not there when the log was made.',
  find: (c) =>
    // A rule before may have had the number that another one has in the dump.
    [c.model, c.modelBefore].flatMap((m): Finding[] => {
      const text = m && c.rule(m, m.num);
      if (!m || !text || (m !== c.model && c.isNative(m))) return [];
      return [
        {
          text: `the dump’s rule ${c.rulePlace(m, m.num)} was not there when the log was made`,
          facts: [
            `${text} matches this packet in the model${m === c.model ? ', and the log does not show it' : '; what the log shows under that number was the next one'}`,
          ],
          decide: listing(c, m),
          ...c.tool(m).remove(m, m.num),
        },
      ];
    }),
};

/** Matches whose answer rests on what no dump shows, as iptables and as nft call them. */
const STATEFUL = /-m (limit|hashlimit|recent|quota|statistic|connlimit|connbytes|rateest|time|nfacct|cgroup|socket|owner|string|bpf|osf|helper|cpu)\b/g;
const NFT_STATEFUL =
  /\b(limit rate|limit name|quota|ct count|numgen|meta (?:time|hour|day|skuid|skgid|cgroup|cpu|random)|socket|osf|ct helper|(?:add|update) @\S+|last used)\b/g;

export const ruleState: CauseRow = {
  id: 'rule-state',
  about: 'A rule decides by a state that is in no dump: limits, counters, owners, sockets, time, payload.',
  find: (c) =>
    c.deciding().flatMap((d): Finding[] => {
      const tool = c.tool(d.at);
      const text = tool.rule(d.at, d.num);
      const names = [...new Set([...(text ?? '').matchAll(tool.native ? NFT_STATEFUL : STATEFUL)].map((m) => m[1]))];
      if (names.length === 0) return [];
      return [
        {
          text: `${c.rulePlace(d.at, d.num)} ${d.matched ? 'matches in the model and did not on the node' : 'matched on the node and does not in the model'}: it asks ${names.join(' and ')}, whose state the dump does not hold`,
          facts: [text!],
          decide: `${tool.native ? tool.show(d.at) : `${c.iptables} -t ${d.at.table} -vnL ${d.at.chain}`} (its counters before and after such a packet)`,
          ...untried,
        },
      ];
    }),
};

export const policyDiffers: CauseRow = {
  id: 'policy',
  about: 'The policy of a base chain is another than in the dump.',
  find(c) {
    const flip = (s: Spot, to: 'ACCEPT' | 'DROP', fact: string): Finding => {
      const tool = c.tool(s);
      return {
        text: `the policy of ${tool.place(s)} was ${to} when the log was made; the dump says ${to === 'DROP' ? 'ACCEPT' : 'DROP'}`,
        facts: [fact],
        decide: tool.native ? tool.show(s) : `${tool.show(s)} | head -1`,
        ...tool.setPolicy(s, to),
      };
    };
    const d = c.drop();
    const by = c.dropSpot();
    if (c.log && d?.cause === 'policy-drop' && by && c.model === null)
      return [flip(by.at, 'ACCEPT', 'the model’s packet ends at that policy, and the log goes on')];
    const b = c.before;
    // iptables refuses a policy of DROP in nat. nf_tables tells verdicts.
    if (c.log === null && b?.kind === 'policy' && b.verdict === null && b.table !== 'nat' && c.tool(b).policy(b) === 'ACCEPT' && isEnd(c, b, b.num))
      return [flip(b, 'DROP', `the log ends with ${c.place(b)}, and the kernel’s TRACE prints no verdict`)];
    const { log, model } = c;
    if (log?.kind === 'policy' && model?.kind === 'policy' && log.chain === model.chain && sameTable(log, model) && log.verdict !== null)
      return [flip(log, log.verdict === 'drop' ? 'DROP' : 'ACCEPT', `the log says policy ${log.verdict}`)];
    return [];
  },
};

/** An unconditional last rule prints “policy” as well; the policy itself has the number behind the last rule. */
const isEnd = (c: Case, s: Spot, num: number | null): boolean => num === null || num === (c.tool(s).length(s) ?? 0) + 1;
