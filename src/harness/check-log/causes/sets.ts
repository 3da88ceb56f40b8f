/** Rows about sets and maps: of ipset, and of nft's own tables. */
import { byName } from '../../../base/memo.js';
import { setNamed } from '../../../netfilter/nftables/set.js';
import { NftError } from '../../../netfilter/nftables/tokens.js';
import type { EventOf } from '../../../trace/event.js';
import { nativeTable } from '../places.js';
import { byCommands, type Case, type CauseRow, type Decider, type Finding, untried } from './case.js';
import { byNft } from './tool.js';

type Test = EventOf<'set-test'>;

export const setMember: CauseRow = {
  id: 'set-member',
  about: 'A rule decides by a set, and the set’s members were others.',
  find: (c) =>
    c.deciding().flatMap((d) => {
      const tests = c.events.filter((e): e is Test => e.t === 'set-test' && c.about(e, d)).slice(-3);
      return tests.flatMap((t) => (c.isNative(d.at) ? ofNft(c, d, t) : ofIpset(c, d, t)));
    }),
};

const factsOf = (c: Case, d: Decider, t: Test): string[] => [
  `${c.rulePlace(d.at, d.num)} is ${c.rule(d.at, d.num) ?? ''}`,
  `in the model’s set ${t.set}, ${t.member} ${t.hit ? 'is' : 'is not'} a member`,
];
const held = (set: string, member: string): string => `the set ${set} held ${member} when the log was made; in the dump it does not`;
const heldNot = (set: string, member: string): string => `the set ${set} did not hold ${member} when the log was made; in the dump it does`;

function ofIpset(c: Case, d: Decider, t: Test): Finding[] {
  const facts = factsOf(c, d, t);
  const decide = `ipset test ${t.set} ${t.member}`;
  if (!t.hit) return [{ text: held(t.set, t.member), facts, decide, ...byCommands(`ipset add ${t.set} ${t.member}`) }];
  const text = heldNot(t.set, t.member);
  return [
    { text, facts, decide, ...byCommands(`ipset del ${t.set} ${t.member}`) },
    { text, facts: [...facts, 'a network of the set covers it'], decide, ...byCommands(`ipset add ${t.set} ${t.member} nomatch`) },
  ];
}

function ofNft(c: Case, d: Decider, t: Test): Finding[] {
  const name = t.set.replace(/^@/, '');
  const table = nativeTable(c.node, d.at);
  const set = table && byName(table.sets, name);
  if (!table || !set) return [];
  const full = `${table.family} ${table.name} ${name}`;
  const facts = factsOf(c, d, t);
  const decide = `nft get element ${full} { ${t.member} }`;
  // A map's value is told by the verdict of the log's line, where it is a map of verdicts.
  const verdict = d.at === c.log && new RegExp(`\\bvmap @${name}(?![\\w.-])`).test(c.rule(d.at, d.num) ?? '') ? c.log.verdict : null;
  const value = set.kind === 'map' ? verdict : '';
  if (!t.hit) {
    const said = { text: held(t.set, t.member), facts, decide };
    if (value === null) return [{ ...said, ...untried }];
    const element = value === '' ? t.member : `${t.member} : ${value}`;
    return [{ ...said, ...byNft(`add element ${full} { ${element} }`) }];
  }
  const covering = coveringElement(c, d, name, t.member);
  if (covering === null) return [];
  const { texts, at } = covering;
  if (verdict !== null && c.model !== null && c.model.num === d.num && sameChain(c)) return [otherValue(full, t, verdict, covering, facts, decide)];
  const fact = texts[at].startsWith(t.member) ? [] : [`its element ${texts[at]} covers it`];
  return [
    {
      text: heldNot(t.set, t.member),
      facts: [...facts, ...fact],
      decide,
      ...byNft(`delete element ${full} { ${keyOf(texts[at])} }`),
    },
  ];
}

const sameChain = (c: Case): boolean => c.log?.table === c.model?.table && c.log?.chain === c.model?.chain && c.log?.nftFamily === c.model?.nftFamily;
const keyOf = (element: string): string => element.replace(/\s+:\s[\s\S]*$/, '');

interface Covering {
  /** The elements as written. */
  readonly texts: readonly string[];
  readonly at: number;
}

/** Elements as written; none where the set has no list. */
function elementsOf(text: string): string[] {
  const m = /elements\s*=\s*\{([\s\S]*)\}/.exec(text);
  return (m?.[1] ?? '').split(',').flatMap((e) => e.trim() || []);
}

/** The element of a set that a member is of. */
function coveringElement(c: Case, d: Decider, name: string, member: string): Covering | null {
  const table = nativeTable(c.node, d.at);
  const set = table && byName(table.sets, name);
  if (!table || !set) return null;
  try {
    const def = setNamed(table, name);
    const texts = elementsOf(set.text);
    if (!def || def.elements.length !== texts.length) return null;
    const parts = member.split(' . ').map((p, i) => def.key[i]?.parse(p) ?? null);
    const at = def.elements.findIndex((e) =>
      e.key?.every((r, i) => {
        const v = parts[i];
        return v !== null && r.lo <= v && v <= r.hi;
      }),
    );
    return at < 0 ? null : { texts, at };
  } catch (e) {
    if (e instanceof NftError) return null;
    throw e;
  }
}

function otherValue(full: string, t: Test, verdict: string, { texts, at }: Covering, facts: string[], decide: string): Finding {
  const key = keyOf(texts[at]);
  return {
    text: `the map ${t.set} said ${verdict} of ${t.member} when the log was made; the dump says ${texts[at]}`,
    facts: facts.slice(0, 1),
    decide,
    ...byNft(`delete element ${full} { ${key} }`, `add element ${full} { ${key} : ${verdict} }`),
  };
}
