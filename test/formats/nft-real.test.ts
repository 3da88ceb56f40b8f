/**
 * Rule sets against the real nft, in a network namespace: random ones are loaded, listed, read, printed, and loaded again; and random commands are given to nft
 * and to the model, with handles. Needs root and nft; skips loudly elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyNft, readNftList } from '../../src/formats/nft-list.js';
import { writeNftRuleset } from '../../src/formats/nft-print.js';
import type { NftTable } from '../../src/netfilter/nftables/model.js';

const NETNS = 'nfsim-test-nftfmt';
const inside = (words: readonly string[], input = '') =>
  spawnSync('ip', ['netns', 'exec', NETNS, ...words], { input, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
const here =
  process.getuid?.() === 0 &&
  spawnSync('sh', ['-c', 'command -v nft']).status === 0 &&
  spawnSync('sh', ['-c', `ip netns del ${NETNS} 2>/dev/null; ip netns add ${NETNS}`]).status === 0 &&
  inside(['nft', 'list', 'ruleset']).status === 0;
if (!here) console.warn('SKIPPED: round trips through the real nft need root, network namespaces and nft');

/** NFT_REAL_CASES=100 tries more of them. */
const seeds = (from: number, few: number): number[] => Array.from({ length: Number(process.env.NFT_REAL_CASES ?? few) }, (_, i) => from + i);

/** A reproducible stream of numbers below n. */
function draws(seed: number): (n: number) => number {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s ^ (s >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return s % n;
  };
}
const MATCHES = [
  'tcp dport 22',
  'tcp dport { 22, 80-90, 443 }',
  'udp sport != 53',
  'ip saddr 10.0.0.0/8',
  'ip saddr { 10.1.0.0/16, 192.168.0.1 }',
  'ip6 daddr fe80::/10',
  'ct state established,related',
  'meta l4proto { icmp, ipv6-icmp }',
  'iifname "eth*"',
  'oifname { "a", "b" }',
  'ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 443 }',
  'ip saddr @s0',
  'meta mark & 0x000000ff == 0x00000010',
  'tcp flags & (syn | rst) == syn',
  'limit rate 10/second',
  'ip ttl 64',
];
const ENDS = [
  'accept',
  'drop',
  'counter',
  'counter accept',
  'jump c0',
  'meta mark set 0x00000001',
  'log prefix "a  b" drop',
  'reject',
  'return',
  'ct state vmap { established : accept, new : jump c0 }',
];
const BASES = [
  'type filter hook input priority 0; policy drop;',
  'type filter hook forward priority filter + 4;',
  'type filter hook prerouting priority -311; policy accept;',
];

function ruleset(seed: number): string {
  const pick = draws(seed);
  const of = <T>(all: readonly T[]): T => all[pick(all.length)];
  const out: string[] = [];
  for (let t = 0; t < 1 + pick(2); t++) {
    out.push(`table inet t${t} {`);
    const ips = Array.from({ length: 1 + pick(9) }, (_, i) => `10.${pick(200)}.${i}.${pick(250)}`);
    out.push(`  set s0 { type ipv4_addr; ${of(['', 'flags interval; ', 'size 100; flags dynamic; '])}elements = { ${ips.join(', ')} }`, '  }');
    if (pick(2)) out.push('  map m { type inet_service : verdict; elements = { 80 : accept, 22 : drop, 443 : jump c0 }', '  }');
    if (pick(2)) out.push('  counter k { packets 3 bytes 9', '  }');
    if (pick(2)) out.push('  quota q { over 20 mbytes', '  }');
    for (let c = 0; c < 2 + pick(3); c++) {
      out.push(`  chain c${c} {`);
      if (c > 0 && pick(2)) out.push(`    ${of(BASES)}`);
      for (let r = 0; r < pick(5); r++) {
        const end = c === 0 ? of(ENDS.filter((e) => !e.includes('jump'))) : of(ENDS);
        out.push(`    ${of(MATCHES)} ${end}${pick(4) === 0 ? ' comment "x y"' : ''}`);
      }
      out.push('  }');
    }
    out.push('}');
  }
  return `${out.join('\n')}\n`;
}

const list = (...options: readonly string[]): string => inside(['nft', ...options, 'list', 'ruleset']).stdout;
const load = (text: string): void => {
  const r = inside(['nft', '-f', '-'], `flush ruleset\n${text}`);
  expect(`${r.stderr}${r.status}`, text).toBe('0');
};
const read = (text: string, typed = false): readonly NftTable[] => {
  const r = readNftList(text, { typed });
  expect(r.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return r.value;
};
const handlesOf = (listing: string): string[] => listing.split('\n').flatMap((l) => (/^table/.test(l) ? [] : (/# handle \d+/.exec(l) ?? [])));

describe.skipIf(!here)('the real nft', () => {
  beforeAll(() => void inside(['ip', 'link', 'set', 'lo', 'up']));
  afterAll(() => void spawnSync('ip', ['netns', 'del', NETNS]));

  it.each(seeds(1, 4))('a listing comes out as it was, and is loaded again as itself (%i)', (seed) => {
    const text = ruleset(seed);
    load(text);
    const [plain, numbered] = [list(), list('-a')];
    expect(writeNftRuleset(read(plain))).toBe(plain);
    expect(writeNftRuleset(read(numbered), { handles: true })).toBe(numbered);
    expect(writeNftRuleset(read(plain), { stateless: true })).toBe(list('-s'));
    expect(writeNftRuleset(read(plain), { terse: true })).toBe(list('-t'));
    // What was written has the handles that the kernel gave out.
    expect(handlesOf(writeNftRuleset(read(text, true), { handles: true }))).toEqual(handlesOf(numbered));
    load(writeNftRuleset(read(text, true)));
    expect(list()).toBe(plain);
  });

  it.each(seeds(21, 3))('commands change it as they change the model (%i)', (seed) => {
    const pick = draws(seed);
    load(ruleset(seed));
    const numbered = list('-a');
    let model = read(numbered);
    for (let i = 0; i < 12; i++) {
      const table = model[pick(model.length)];
      const chain = table.chains[pick(table.chains.length)];
      const at = `inet ${table.name}`;
      const known = chain?.rules.length ? /* those of the listing */ chain.rules[pick(chain.rules.length)].handle : null;
      const commands = [
        `add rule ${at} ${chain?.name ?? 'c9'} tcp dport { 1, ${2 + i} } accept`,
        `insert rule ${at} ${chain?.name ?? 'c9'} udp dport ${1 + i} drop`,
        `add rule ${at} ${chain?.name ?? 'c9'} index ${pick(3)} ip ttl ${1 + i} accept`,
        `delete rule ${at} ${chain?.name ?? 'c9'} handle ${known ?? 999}`,
        `replace rule ${at} ${chain?.name ?? 'c9'} handle ${known ?? 999} ip ttl ${20 + i} drop`,
        `add chain ${at} n${i}`,
        `delete chain ${at} ${chain?.name ?? 'c9'}`,
        `add element ${at} s0 { 11.0.0.${i} }`,
        `delete element ${at} s0 { 11.0.0.${pick(12)} }`,
        `add set ${at} x${i} { type inet_service; elements = { ${i + 3}, 2, 1 }; }`,
        `delete set ${at} s0`,
        `flush chain ${at} ${chain?.name ?? 'c9'}`,
        `rename chain ${at} ${chain?.name ?? 'c9'} r${i}`,
        `create chain ${at} c1`,
      ];
      const command = commands[pick(commands.length)];
      const real = inside(['nft', '-f', '-'], `${command}\n`);
      const ours = applyNft(command, model);
      const errors = ours.diagnostics.filter((d) => d.severity === 'error');
      expect([command, errors.length > 0], `${real.stderr} ${JSON.stringify(errors)}`).toEqual([command, real.status !== 0]);
      model = ours.value;
      expect([command, writeNftRuleset(model, { handles: true })]).toEqual([command, list('-a')]);
    }
  });
});
