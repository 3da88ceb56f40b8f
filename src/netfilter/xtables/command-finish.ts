/** The end of a command line: what does not go together is refused, and the rules are made (do_command4(), do_command6() behind their option loop). */
import { nearest } from '../../base/diagnostic.js';
import { parseHostList } from './address.js';
import { type CommandDraft, type HostWord, VERDICTS } from './command-draft.js';
import { type Command, type CommandLetter, MAX_CHAIN_NAME } from './command-types.js';
import { OptionError } from './extension.js';
import type { AddrMatch, MatchInstance, Target, UnknownMatch } from './model.js';
import { targetNames } from './registry.js';
import { ParsedRule, ZERO_COUNTERS } from './rule-list.js';

const RULE_COMMANDS = new Set<CommandLetter>(['A', 'C', 'D', 'I', 'R']);
const ANY_HOST: readonly null[] = [null];
const NO_TARGET: Target = { kind: 'none' };

/** commands_v_options: what does not go with a command. */
function illegalOptions(letter: CommandLetter, isRule: boolean): readonly string[] {
  if (isRule) return letter === 'D' || letter === 'C' ? ['n', 'x', '0', 'c'] : ['n', 'x', '0'];
  const rule = ['p', 's', 'd', 'i', 'o', 'f', 'j'];
  if (letter === 'L') return [...rule, 'c'];
  return letter === 'P' ? [...rule, 'n', 'x', '0'] : [...rule, 'c', 'n', 'x', '0'];
}

/** The Command that the words made. Throws CommandError. */
export function finishCommand(d: CommandDraft): Command {
  const letter = d.letter;
  const last = d.words.length - 1;
  if (letter === null) d.fail('no command specified', last);
  for (const name of [d.chain, d.newName]) {
    if (name !== null && name.length > MAX_CHAIN_NAME) d.fail(`chain name \`${name}' too long (must be under ${MAX_CHAIN_NAME + 1} chars)`, 1);
  }
  const isRule = RULE_COMMANDS.has(letter) && !(letter === 'D' && d.number !== null);
  const stray = illegalOptions(letter, isRule).find((o) => d.seen.includes(o));
  if (stray) d.fail(stray === '0' ? "Illegal option `--line-numbers' with this command" : `Illegal option \`-${stray}' with this command`, last);
  return {
    letter,
    chain: d.chain,
    newName: d.newName,
    policy: d.policy,
    number: d.number,
    rules: isRule ? rulesOfDraft(d, letter) : [],
    table: d.table,
    counters: d.counters,
  };
}

/** The rules of a command that takes a rule: one for each pair of `-s` and `-d` addresses. Throws CommandError. */
export function rulesOfDraft(d: CommandDraft, letter: CommandLetter): ParsedRule[] {
  const chain = d.chain ?? '';
  const at = d.words.length - 1;
  const sources = hostsOf(d, d.src);
  const destinations = hostsOf(d, d.dst);
  if ((sources.length > 1 || destinations.length > 1) && (d.src?.invert || d.dst?.invert)) {
    d.fail('! not allowed with multiple source or destination IP addresses', at);
  }
  if (letter === 'R' && sources.length * destinations.length > 1) d.fail('Replacement rule does not specify a unique address', at);
  if ((chain === 'PREROUTING' || chain === 'INPUT') && d.seen.includes('o')) d.fail(`Can't use -o with ${chain}`, at);
  if ((chain === 'POSTROUTING' || chain === 'OUTPUT') && d.seen.includes('i')) d.fail(`Can't use -i with ${chain}`, at);
  const matches = d.matchOrder.map((m) => ('def' in m ? (d.instance(m) as MatchInstance) : ({ def: null, name: m.name, text: m.text } satisfies UnknownMatch)));
  const target = ruleTarget(d);
  const { file, line, length } = d.ctx;
  const rule = (src: AddrMatch | null, dst: AddrMatch | null): ParsedRule =>
    new ParsedRule(
      { src, dst, in: d.in, out: d.out, proto: d.protocol, fragment: d.fragment, matches, target, counters: d.counters ?? ZERO_COUNTERS },
      file,
      line,
      length,
    );
  // Hardly ever more than one: no list that grows.
  if (sources.length === 1 && destinations.length === 1) return [rule(sources[0], destinations[0])];
  return sources.flatMap((src) => destinations.map((dst) => rule(src, dst)));
}

function hostsOf(d: CommandDraft, h: HostWord | null): readonly (AddrMatch | null)[] {
  if (h === null) return ANY_HOST;
  try {
    const hosts = parseHostList(h.text, d.ctx.family, h.invert);
    return d.checked ? hosts : hosts.map((m) => d.ctx.instances.addr(m));
  } catch (e) {
    if (e instanceof OptionError) d.fail(e.message, h.word, e.hint);
    throw e;
  }
}

function ruleTarget(d: CommandDraft): Target {
  const name = d.jump;
  if (name === null) return NO_TARGET;
  if (d.jumpsTo !== null) return { kind: d.goto ? 'goto' : 'jump', chain: d.jumpsTo };
  const isChain = d.isChain(name);
  if (d.goto) {
    if (!isChain) {
      const hint = VERDICTS.has(name) ? `-j ${name} is what is meant` : `declare it before its use: :${name} - [0:0]`;
      d.fail(`goto '${name}' is not a chain`, d.jumpWord + 1, hint, 'iptables-no-chain');
    }
    return d.ctx.instances.shared(`g ${name}`, () => ({ kind: 'goto', chain: name }));
  }
  if (VERDICTS.has(name)) return d.ctx.instances.shared(`v ${name}`, () => ({ kind: 'verdict', verdict: name as 'ACCEPT' }));
  if (isChain) {
    if (d.target && 'def' in d.target) d.ctx.onWarning?.(`using chain ${name}, not extension`, d.jumpWord);
    return d.ctx.instances.shared(`j ${name}`, () => ({ kind: 'jump', chain: name }));
  }
  const t = d.target;
  if (t === null) {
    const near = nearest(name, [...VERDICTS, ...targetNames(d.ctx.family)]);
    const hint = near ? `did you mean ${near}?` : `declare it before its use: :${name} - [0:0]`;
    d.fail(`Couldn't load target \`${name}':No such file or directory`, d.jumpWord, hint, 'iptables-unknown-target');
  }
  if (!('def' in t)) return { kind: 'unknown', name: t.name, text: t.text };
  return d.instance(t) as Target;
}
