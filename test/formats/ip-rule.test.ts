import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/base/addr.js';
import { readIpRule, writeIpRule, writeIpRuleJson } from '../../src/formats/ip-rule.js';
import { parseRuleArgs } from '../../src/formats/ip-rule-args.js';

// As iproute2 6.1 printed them.
const text = `0:	from all lookup local
100:	from 10.0.0.0/8 to 1.2.3.4 tos 0x10 fwmark 0x10/0xff iif eth7 [detached] oif d0 uidrange 100-200 ipproto tcp sport 5 dport 80-90 lookup 77 suppress_prefixlength 0 suppress_ifgroup 3
101:	not from 10.0.0.1 blackhole
102:	from all prohibit
103:	from all to 10.0.0.0/16 unreachable
104:	from all goto 200 [unresolved]
105:	from all nop
106:	from 1.0.0.0/8 ipproto ipproto-99 lookup main realms 3
107:	from all ipproto icmp tun_id 5 lookup 300 proto static
109:	from all tos 0x08 goto 32766
110:	from all fwmark 0x5 lookup 12345
111:	from 0.0.0.0/1 lookup 5
1000:	from all lookup [l3mdev-table]
32766:	from all lookup main
32767:	from all lookup default
`;
const json =
  '[{"priority":0,"src":"all","table":"local"},{"priority":100,"src":"10.0.0.0","srclen":8,"dst":"1.2.3.4","tos":"0x10","fwmark":"0x10","fwmask":"0xff","iif":"eth7","iif_detached":null,"oif":"d0","uid_start":100,"uid_end":200,"ipproto":"tcp","sport":5,"dport_start":80,"dport_end":90,"table":"77","suppress_prefixlen":0,"suppress_ifgroup":"3"},{"priority":101,"not":null,"src":"10.0.0.1","action":"blackhole"},{"priority":102,"src":"all","action":"prohibit"},{"priority":103,"src":"all","dst":"10.0.0.0","dstlen":16,"action":"unreachable"},{"priority":104,"src":"all","goto":200,"unresolved":null},{"priority":105,"src":"all","nop":null},{"priority":106,"src":"1.0.0.0","srclen":8,"ipproto":"ipproto-99","table":"main","flow_to":"3"},{"priority":107,"src":"all","ipproto":"icmp","tun_id":5,"table":"300","protocol":"static"},{"priority":109,"src":"all","tos":"0x08","goto":32766},{"priority":110,"src":"all","fwmark":"0x5","table":"12345"},{"priority":111,"src":"0.0.0.0","srclen":1,"table":"5"},{"priority":1000,"src":"all","l3mdev":null},{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]\n';
const hasDevice = (n: string): boolean => n === 'd0';
const read = (t: string, family: Family = 'ipv4') => readIpRule(t, { file: 'x', family });

describe('ip rule', () => {
  it('reads and prints the same, text and JSON', () => {
    const p = read(text);
    expect(p.diagnostics).toEqual([]);
    expect(writeIpRule(p.value, { family: 'ipv4', hasDevice })).toBe(text);
    expect(writeIpRuleJson(p.value, { family: 'ipv4', hasDevice })).toBe(json);
    expect(read(json)).toEqual(p);
  });

  it('IPv6 with a named TOS', () => {
    const t = '0:\tfrom all lookup local\n5:\tfrom 2001:db8::/32 tos CS1 lookup 5\n6:\tfrom all iif lo lookup 9\n32766:\tfrom all lookup main\n';
    expect(writeIpRule(read(t, 'ipv6').value, { family: 'ipv6' })).toBe(t);
  });

  it('says where a table’s name is unknown and goes on', () => {
    const p = read('5:\tfrom all lookup vlan40\n6:\tfrom all lookup mainn\n7:\tfrom all lookup main\n');
    expect(p.value.map((r) => r.priority)).toEqual([7]);
    expect(p.diagnostics.map((d) => `${d.code} ${d.span?.line}:${d.span?.column} ${d.hint}`)).toEqual([
      'route-table-unknown 1:20 write the table’s number, or state the node’s rt_tables (lines “NUMBER NAME”)',
      'route-table-unknown 2:20 did you mean “main”?',
    ]);
  });

  it('never throws, whatever the text', () => {
    const word = fc.constantFrom(
      '5:',
      '99999999999:',
      'from',
      'all',
      'to',
      '10.0.0.0/8',
      'lookup',
      'main',
      'goto',
      'none',
      '[unresolved]',
      'not',
      'fwmark',
      '0x1/0xf',
      '\n',
      'sport',
      '5-1',
      'uidrange',
      '[{',
      '"priority":',
      '}]',
      'tos',
      'CS1',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 120 }),
          fc.array(word, { maxLength: 30 }).map((w) => w.join(' ')),
        ),
        (t) => {
          const p = read(t);
          const again = read(writeIpRule(p.value, { family: 'ipv4' })).value;
          expect(again).toHaveLength(p.value.length);
        },
      ),
      { numRuns: 400, seed: 3 },
    );
  });
});

describe('arguments of ip rule', () => {
  const parse = (line: string) => parseRuleArgs('add', line === '' ? [] : line.split(' '), { family: null });
  it.each([
    ['from 10.0.0.0/8 table 7 prio 5', '5:\tfrom 10.0.0.0/8 lookup 7'],
    ['not fwmark 0x1/0xf lookup main', '0:\tnot from all fwmark 0x1/0xf lookup main'],
    [
      'iif eth0 oif eth1 ipproto udp dport 53 sport 1-9 uidrange 0-99 prohibit',
      '0:\tfrom all iif eth0 oif eth1 uidrange 0-99 ipproto udp sport 1-9 dport 53 prohibit',
    ],
    ['to 2001:db8::/32 goto 500 pref 9', '9:\tfrom all to 2001:db8::/32 goto 500'],
    ['lookup main suppress_prefixlength 0', '0:\tfrom all lookup main suppress_prefixlength 0'],
  ])('%s', (line, want) => {
    const p = parse(line);
    expect(p.diagnostics).toEqual([]);
    expect(p.value && writeIpRule([p.value.rule], { family: p.value.rule.family }).replace(' [unresolved]', '')).toBe(`${want}\n`);
  });
  // What iproute2 6.1 says on stderr.
  it.each([
    ['from foo', 'Error: any valid prefix is expected rather than "foo".'],
    ['lookup foo', 'Error: argument "foo" is wrong: invalid table ID'],
    ['table', 'Command line is not complete. Try option "help"'],
    ['prio x', 'Error: argument "x" is wrong: preference value is invalid'],
    ['fwmark x', 'Error: argument "x" is wrong: fwmark value is invalid'],
    ['bogus 1', 'Error: argument "bogus" is wrong: Failed to parse rule type'],
    ['ipproto foo', 'Error: argument "foo" is wrong: Invalid "ipproto" value'],
    ['sport x', 'Error: argument "x" is wrong: invalid port range'],
    ['uidrange 5', 'Error: argument "5" is wrong: invalid UID range'],
    ['tos x', 'Error: argument "x" is wrong: TOS value is invalid'],
    ['', '"ip rule add" requires arguments.'],
  ])('%s: %s', (line, message) => expect(parse(line).diagnostics[0]?.message).toBe(message));
});

const dumps = new URL('../../../shared/dumps/', import.meta.url).pathname;
describe.skipIf(!existsSync(dumps))('the rules of shared dumps (skipped where ../shared is absent)', () => {
  it.each([
    'policy-routing/cilium-node.iprule',
    'openshift-sos/ip4.iprule',
    'openshift-sos/ip6.iprule6',
    'netnetwork/tum-2016-06.iprule',
    'netnetwork/tum-v6-2016-06.iprule6',
  ])('%s', (f) => {
    const t = readFileSync(dumps + f, 'utf8');
    const family = f.endsWith('6') ? 'ipv6' : 'ipv4';
    const p = read(t, family);
    expect(p.diagnostics).toEqual([]);
    expect(writeIpRule(p.value, { family })).toBe(t.replace(/ $/gm, ''));
  });
});
