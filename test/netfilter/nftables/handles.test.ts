/** Rule handles and the listing that gives them; numbers as iptables-nft-restore 1.8.9 on Linux 6.18 gave them. */
import { describe, expect, it } from 'vitest';
import { readIptablesSave } from '../../../src/formats/iptables-save.js';
import { readNftList } from '../../../src/formats/nft-list.js';
import { freshHandles, handlesOf } from '../../../src/netfilter/nftables/handles.js';

const save = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:U - [0:0]
:V - [0:0]
-A FORWARD -j U
-A FORWARD -p udp -m udp --dport 53 -g V
-A U -i r0 -j RETURN
-A V -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
const ruleset = readIptablesSave(save, { file: 'save', family: 'ipv4' }).value;
const listing = `# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter { # handle 3
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy accept;
\t}

\tchain FORWARD { # handle 2
\t\ttype filter hook forward priority filter - 5; policy drop;
\t\tcounter packets 0 bytes 0 jump U # handle 16
\t\tudp dport { 53, 54 } counter packets 0 bytes 0 goto V # handle 7
\t}

\tchain OUTPUT { # handle 3
\t\ttype filter hook output priority 0; policy accept;
\t}

\tchain U { # handle 4
\t\tiifname "r0" counter packets 0 bytes 0 return comment "a # handle 99 {" # handle 11
\t}

\tchain V { # handle 5
\t\tcounter packets 0 bytes 0 reject # handle 12
\t}
}
table inet mine {
\tmap m {
\t\ttype ipv4_addr : verdict
\t\telements = { 10.0.0.1 : drop,
\t\t\t     10.0.0.2 : accept }
\t}

\tchain pre {
\t\ttype filter hook prerouting priority dstnat + 1; policy accept;
\t\tdrop
\t}
}
`;
const rule = (chain: string, num: number) => ({ backend: 'nft', family: 'ipv4', table: 'filter', chain, num }) as const;

describe('handles', () => {
  it('a fresh load: chains first, then rules in the order of the text', () => {
    const t = freshHandles(ruleset.tables[0]);
    expect([...t].filter(([, h]) => h.length > 0)).toEqual([
      ['FORWARD', [6, 7]],
      ['U', [8]],
      ['V', [9]],
    ]);
  });
  it('those of the listing where it is of these rules', () => {
    const h = handlesOf(ruleset, 'ipv4', readNftList(listing).value);
    expect([h.listed, h.of(rule('FORWARD', 1)), h.of(rule('U', 1)), h.of(rule('FORWARD', 3)), h.of(rule('none', 1))]).toEqual([
      true,
      16,
      11,
      undefined,
      undefined,
    ]);
  });
  it.each([
    ['without a listing', ''],
    ['without -a', listing.replace(/ # handle \d+$/gm, '')],
    ['a listing of other rules', listing.replace(/\t\tudp dport.*\n/, '')],
  ])('%s: fresh ones, and it is said', (_, text) => {
    const h = handlesOf(ruleset, 'ipv4', readNftList(text).value);
    expect([h.listed, h.of(rule('FORWARD', 1)), h.of(rule('V', 1))]).toEqual([false, 6, 9]);
  });
});

describe('the listing', () => {
  const tables = readNftList(listing).value;
  it('tables and base chains with their priorities', () => {
    expect(tables.map((t) => `${t.family} ${t.name}`)).toEqual(['ip filter', 'inet mine']);
    expect(tables.flatMap((t) => t.chains.map((c) => `${c.name} ${c.base ? `${c.base.hook} ${c.base.priority} ${c.base.policy}` : ''}`.trim()))).toEqual([
      'INPUT input 0 accept',
      'FORWARD forward -5 drop',
      'OUTPUT output 0 accept',
      'U',
      'V',
      'pre prerouting -99 accept',
    ]);
  });
  it('rules are single lines in chains; sets and maps have none', () => {
    expect(tables.flatMap((t) => t.chains.flatMap((c) => c.rules.map((r) => [r.text, r.handle])))).toEqual([
      ['counter packets 0 bytes 0 jump U', 16],
      ['udp dport { 53, 54 } counter packets 0 bytes 0 goto V', 7],
      ['iifname "r0" counter packets 0 bytes 0 return comment "a # handle 99 {"', 11],
      ['counter packets 0 bytes 0 reject', 12],
      ['drop', null],
    ]);
  });
  it('any text is read in bounds, without a throw', () => {
    for (const text of [
      '',
      '{{{{',
      '}}}}',
      'table ip x {',
      'table ip x {\nchain y {\n',
      'chain {\n}',
      '"'.repeat(1000),
      'table ip x {\nchain y {\naccept comment "\u2028\r" # handle 4\n',
    ])
      expect(() => readNftList(text)).not.toThrow();
  });
});
