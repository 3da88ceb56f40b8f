/** Base chains of nftables in the hooks: which families, devices and priorities, and in which order. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute } from '../../src/tools/execute.js';

/** a -- r -- b; what `nft` is loaded on r, and which of r's rules matched the ping from a to b (or to r), and what dropped it. */
function ping(nft: string, { to = '10.1.0.2', iptables = '', byNft = false } = {}): { readonly matched: readonly string[]; readonly drop: string | null } {
  const indented = (text: string): string => text.replaceAll('\n', '\n      ');
  const text = `version: 1
name: t
nodes:
  a: { addresses: { eth0: 10.0.0.1/24 }, gateway: 10.0.0.2 }
  r:
    addresses: { eth0: 10.0.0.2/24, eth1: 10.1.0.1/24 }
    sysctl: { net.ipv4.ip_forward: 1 }
${iptables === '' ? '' : `    iptables${byNft ? '-nft' : ''}: |\n      ${indented(iptables)}\n`}    nft: |
      ${indented(nft)}
  b: { addresses: { eth0: 10.1.0.2/24 }, gateway: 10.1.0.1 }
wires: [[a:eth0, r:eth0], [r:eth1, b:eth0]]
packets: [{ name: p, from: a, ping: ${to} }]
`;
  const { value, diagnostics } = parseScenario(text, 't.yaml', { read: () => null, list: () => null });
  if (!value) throw new Error(diagnostics[0]?.message);
  const { events, outcome } = runScenario(value, { execute, apply: applyAll }).packets[0];
  const request = (skb: number): boolean => outcome.skbs.get(skb)?.answers === 0;
  const place = (r: { family: string; table: string; chain: string; num: number }): string => `${r.family} ${r.table} ${r.chain}:${r.num}`;
  const drop = events.find((e) => e.t === 'drop' && e.node === 'r' && e.cause !== 'no-socket');
  return {
    matched: events.flatMap((e) => (e.t === 'match' && e.node === 'r' && request(e.skb) ? [place(e.rule)] : [])),
    drop: drop?.t === 'drop' && drop.rule ? place(drop.rule) : null,
  };
}

const chain = (name: string, hook: string, priority: string, rules: string, policy = 'accept'): string =>
  `chain ${name} {\n    type filter hook ${hook} priority ${priority}; policy ${policy};\n    ${rules}\n  }\n`;
const table = (head: string, ...chains: readonly string[]): string => `table ${head} {\n  ${chains.join('  ')}}\n`;

describe('order', () => {
  it('is that of priorities, of equal ones the last made first', () => {
    const nft =
      table('inet a', chain('late', 'forward', '10', 'counter'), chain('zero', 'forward', 'filter', 'counter')) +
      table('ip b', chain('zero', 'forward', '0', 'counter'), chain('early', 'forward', 'filter - 5', 'counter'));
    expect(ping(nft).matched).toEqual(['ip b early:1', 'ip b zero:1', 'inet a zero:1', 'inet a late:1']);
  });
  it('iptables-legacy, loaded before, comes behind', () => {
    const iptables = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p icmp -j ACCEPT\nCOMMIT';
    const nft = table('inet a', chain('f', 'forward', '0', 'accept'));
    expect(ping(nft, { iptables }).matched).toEqual(['inet a f:1', 'ipv4 filter FORWARD:1']);
  });
  it('nat is hooked with the first of its chains: a filter chain of its priority runs before it only if it is younger', () => {
    const nat = 'chain n {\n    type nat hook prerouting priority dstnat; policy accept;\n    ct state new counter\n  }\n';
    const old = chain('old', 'prerouting', 'dstnat', 'counter');
    const young = chain('young', 'prerouting', 'dstnat', 'counter');
    expect(ping(table('inet a', old, nat, young)).matched).toEqual(['inet a young:1', 'inet a n:1', 'inet a old:1']);
  });
  it('nat chains of equal priority: the youngest first, whoever made it', () => {
    const iptables = '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p icmp -m comment --comment x\nCOMMIT';
    const nat = (name: string): string => `chain ${name} {\n    type nat hook prerouting priority dstnat; policy accept;\n    ct state new counter\n  }\n`;
    const nft = table('ip a', nat('old')) + table('ip nat', nat('PREROUTING')) + table('ip b', nat('young'));
    expect(ping(nft, { iptables, byNft: true }).matched).toEqual(['ip b young:1', 'ipv4 nat PREROUTING:1', 'ip a old:1']);
  });
  it('chains that nft hung into a table of iptables-nft come before or behind its own, as they were made', () => {
    const iptables = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p icmp -j ACCEPT\nCOMMIT';
    const own = chain('FORWARD', 'forward', 'filter', 'meta l4proto icmp accept');
    const nft = table('ip filter', chain('old', 'forward', 'filter', 'counter'), own, chain('young', 'forward', 'filter', 'counter'));
    expect(ping(nft, { iptables, byNft: true }).matched).toEqual(['ip filter young:1', 'ipv4 filter FORWARD:1', 'ip filter old:1']);
  });
});

describe('an accept ends its own base chain', () => {
  it('and a later drop is final', () => {
    const nft = table('inet b', chain('f', 'forward', '0', '', 'drop')) + table('inet a', chain('f', 'forward', '0', 'accept'));
    expect(ping(nft)).toEqual({ matched: ['inet a f:1'], drop: 'inet b f:1' });
  });
});

describe('families and devices', () => {
  it.each<[string, string, readonly string[]]>([
    ['ip', table('ip t', chain('f', 'forward', '0', 'counter')), ['ip t f:1']],
    ['ip6: not for IPv4', table('ip6 t', chain('f', 'forward', '0', 'drop')), []],
    ['arp: not for IPv4', table('arp t', chain('f', 'input', '0', 'counter')), []],
    ['netdev ingress', table('netdev t', chain('f', 'ingress device "eth0"', '0', 'ip protocol icmp counter')), ['netdev t f:1']],
    ['another device', table('netdev t', chain('f', 'ingress device "eth1"', '0', 'ip protocol icmp ip saddr 10.0.0.1 drop')), []],
    ['netdev egress', table('netdev t', chain('f', 'egress devices = { eth0, eth1 }', '0', 'ip protocol icmp ip daddr 10.1.0.2 counter')), ['netdev t f:1']],
    ['inet ingress', table('inet t', chain('f', 'ingress device eth0', '0', 'meta nfproto ipv4 ip protocol icmp counter')), ['inet t f:1']],
    ['a dormant table', 'table inet t {\n  flags dormant\n  chain f {\n    type filter hook forward priority 0; policy drop;\n  }\n}\n', []],
  ])('%s', (_, nft, matched) => {
    expect(ping(nft)).toEqual({ matched, drop: null });
  });
  it('arp: a request that is dropped is not answered', () => {
    expect(ping(table('arp t', chain('f', 'input', '0', 'drop')), { to: '10.0.0.2' }).drop).toBe('arp t f:1');
  });
});
