/** iptables-nft in the hooks; the kernel corpus category `nftbackend` is the proof on real Linux. */
import { describe, expect, it } from 'vitest';
import { EVERYTHING } from '../../src/render/narrow.js';
import { renderStory } from '../../src/render/story.js';
import { renderTrace } from '../../src/render/trace.js';
import { dropsOf, routed, runFile, traceOf } from './nft-lab.js';

const traced = '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -j TRACE\nCOMMIT\n';
const filter = (rules: string, policy = 'ACCEPT', chains = ''): string =>
  `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ${policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n${chains}${rules}COMMIT\n`;
const inTable = (lines: readonly string[], table: string): string[] => lines.filter((l) => l.startsWith(`${table}:`));

describe('what nf_tables tells', () => {
  it('the TRACE rule itself, the end of the base chain and the policy', () => {
    expect(traceOf(routed({ nft: traced }))).toEqual(['raw:PREROUTING:1 continue', 'raw:PREROUTING:end', 'raw:PREROUTING:policy accept']);
  });
  it.each<[string, string, string, readonly string[], readonly string[]]>([
    [
      'RETURN of a base chain leads to its policy, without an end',
      '-A FORWARD -j RETURN\n',
      '',
      ['filter:FORWARD:1 return', 'filter:FORWARD:policy accept'],
      [],
    ],
    [
      'jump, end of the user chain, end of the base chain',
      '-A FORWARD -j U\n',
      ':U - [0:0]\n',
      ['filter:FORWARD:1 jump U', 'filter:U:end', 'filter:FORWARD:end', 'filter:FORWARD:policy accept'],
      [],
    ],
    [
      'goto from a base chain: its end is the policy',
      '-A FORWARD -g U\n-A FORWARD -j DROP\n',
      ':U - [0:0]\n',
      ['filter:FORWARD:1 goto U', 'filter:U:end', 'filter:FORWARD:policy accept'],
      [],
    ],
    ['a rule that drops', '-A FORWARD -p udp -j DROP\n', '', ['filter:FORWARD:1 drop'], ['NETFILTER_DROP nft_do_chain rule-drop']],
    ['a rule that only counts', '-A FORWARD\n-A FORWARD -j ACCEPT\n', '', ['filter:FORWARD:1 continue', 'filter:FORWARD:2 accept'], []],
  ])('%s', (_, rules, chains, trace, drops) => {
    const events = routed({ nft: traced + filter(rules, 'ACCEPT', chains) });
    expect({ trace: inTable(traceOf(events), 'filter'), drops: dropsOf(events) }).toEqual({ trace, drops });
  });
  it('a policy that drops', () => {
    const events = routed({ nft: traced + filter('', 'DROP') });
    expect({ trace: inTable(traceOf(events), 'filter'), drops: dropsOf(events) }).toEqual({
      trace: ['filter:FORWARD:end', 'filter:FORWARD:policy drop'],
      drops: ['NETFILTER_DROP nft_do_chain policy-drop'],
    });
  });
  it('the mark after the rule', () => {
    const mangle = '*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 7\nCOMMIT\n';
    expect(inTable(traceOf(routed({ nft: traced + mangle })), 'mangle').slice(0, 3)).toEqual([
      'mangle:PREROUTING:1 continue mark 7',
      'mangle:PREROUTING:end mark 7',
      'mangle:PREROUTING:policy accept mark 7',
    ]);
  });
  it('base chains that the listing lacks do not exist', () => {
    const listing = 'table ip filter { # handle 1\n\tchain INPUT { # handle 1\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n';
    expect(inTable(traceOf(routed({ nft: traced + filter(''), listing })), 'filter')).toEqual([]);
  });
});

describe('two backends on one node', () => {
  it('the recorded host: nft accepts, the legacy policy drops', () => {
    const run = runFile('two-backends.yaml');
    expect(renderTrace(run, { narrow: EVERYTHING }).trim().split('\n')).toEqual([
      'raw:PREROUTING:policy:1',
      'filter:FORWARD:rule:1',
      'filter:DOCKER-USER:return:1',
      'filter:FORWARD:rule:2',
      'filter:DOCKER-ISOLATION-STAGE-1:return:2',
      'filter:FORWARD:rule:4',
      'filter:DOCKER:return:1',
      'filter:FORWARD:policy:7',
    ]);
    expect(traceOf(run.events).at(-1)).toBe('filter:DOCKER:1 accept');
    expect(dropsOf(run.events)).toContain('NETFILTER_DROP nf_hook_slow policy-drop');
    const told = renderStory(run, { verbose: false, narrow: EVERYTHING, colour: false });
    expect(told).toContain('look at: iptables-legacy -t filter -S FORWARD');
    expect(told).toContain('note: host has two rule sets at once');
  });
  it('which runs first is said to be assumed', () => {
    const events = routed({ nft: filter(''), legacy: filter('') });
    expect(events.filter((e) => e.t === 'assumed' && e.what.includes('backend'))).toHaveLength(1);
    expect(routed({ nft: filter('') }).some((e) => e.t === 'assumed' && e.what.includes('backend'))).toBe(false);
  });
  it('one nat binding: the second backend is not asked', () => {
    const nat = (to: string): string => `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j DNAT --to-destination ${to}\nCOMMIT\n`;
    const events = routed({ nft: traced + nat('10.2.0.2:53'), legacy: nat('10.2.0.9:53') });
    expect(inTable(traceOf(events), 'nat')).toContain('nat:PREROUTING:1 accept');
    expect(events.filter((e) => e.t === 'match' && e.rule.table === 'nat' && e.rule.backend === 'legacy')).toEqual([]);
  });
});

describe('of which backend rules are', () => {
  const listing =
    'table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tmeta l4proto udp counter packets 0 bytes 0 drop\n\t}\n}\n';
  it.each<[string, string, readonly string[]]>([
    ['a listing of the same rules tells', filter('-A FORWARD -p udp -j DROP\n'), ['NETFILTER_DROP nft_do_chain rule-drop']],
    ['one of others is a rule set of its own', filter('-A FORWARD -p tcp -j DROP\n-A FORWARD -p udp -j DROP\n'), ['NETFILTER_DROP nft_do_chain rule-drop']],
  ])('%s', (_, legacy, drops) => {
    expect(dropsOf(routed({ legacy, listing }))).toEqual(drops);
  });
});

describe('commands', () => {
  it.each<[string, Parameters<typeof routed>[0], readonly string[]]>([
    ['iptables is nft where only nft rules are', { nft: filter(''), commands: ['iptables -P FORWARD DROP'] }, ['NETFILTER_DROP nft_do_chain policy-drop']],
    ['and where the node says so', { backend: 'nft', commands: ['iptables -A FORWARD -p udp -j DROP'] }, ['NETFILTER_DROP nft_do_chain rule-drop']],
    ['iptables-legacy adds a second rule set', { nft: filter(''), commands: ['iptables-legacy -P FORWARD DROP'] }, ['NETFILTER_DROP nf_hook_slow policy-drop']],
    ['iptables-nft likewise', { legacy: filter(''), commands: ['iptables-nft -A FORWARD -j DROP'] }, ['NETFILTER_DROP nft_do_chain rule-drop']],
    ['else it is legacy', { legacy: filter(''), commands: ['iptables -P FORWARD DROP'] }, ['NETFILTER_DROP nf_hook_slow policy-drop']],
  ])('%s', (_, rules, drops) => {
    expect(dropsOf(routed(rules))).toEqual(drops);
  });
});

describe('native nftables', () => {
  const native = (rule: string, policy = 'accept'): string =>
    `table inet mine {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1,\n\t\t\t     10.0.0.2 }\n\t}\n\n\tchain f {\n\t\ttype filter hook forward priority filter; policy ${policy};\n${rule}\t}\n}\n`;
  it.each<[string, string, readonly string[]]>([
    ['a rule that drops', native('\t\tip saddr { 10.0.0.1, 10.1.0.2 } drop\n'), ['NETFILTER_DROP nft_do_chain rule-drop']],
    ['one of others', native('\t\tip saddr { 10.0.0.1, 10.0.0.2 } drop\n'), []],
    ['a policy that drops', native('', 'drop'), ['NETFILTER_DROP nft_do_chain policy-drop']],
    ['an empty chain that accepts', native(''), []],
  ])('%s', (_, listing, drops) => {
    expect(dropsOf(routed({ listing }))).toEqual(drops);
  });
  it('a statement that is not evaluated: no claim', () => {
    const events = routed({ listing: native('\t\tsynproxy mss 1460\n') });
    expect(events.find((e) => e.t === 'inconclusive')).toMatchObject({ what: expect.stringContaining('synproxy') });
  });
});

describe('native expressions in place of xtables matches', () => {
  it.each<[string, string, boolean]>([
    ['a range of everything inverted is left out', '-A FORWARD -p udp -m udp ! --sport 0:65535 -j DROP\n', true],
    ['ports', '-A FORWARD -p udp -m udp --sport 1000 --dport 50:60 -j DROP\n', true],
    ['ports, inverted', '-A FORWARD -p udp -m udp ! --dport 53 -j DROP\n', false],
  ])('%s', (_, rules, drops) => {
    expect(dropsOf(routed({ nft: filter(rules) })).length > 0).toBe(drops);
  });
});
