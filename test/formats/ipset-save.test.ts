import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyIpsetCommand, readIpsetSave, writeIpsetList, writeIpsetSave } from '../../src/formats/ipset-save.js';

const restore = (text: string) => readIpsetSave(text, { file: 'sets' });
const body = (text: string): string[] =>
  writeIpsetSave(restore(text).value)
    .split('\n')
    .filter((l) => l.startsWith('add'))
    .map((l) => l.slice(4));

describe('what is saved', () => {
  const table: readonly (readonly [string, string, readonly string[]])[] = [
    ['hash:ip', '10.0.0.0/30', ['s 10.0.0.0', 's 10.0.0.1', 's 10.0.0.2', 's 10.0.0.3']],
    ['hash:net', '10.0.0.0-10.0.0.6', ['s 10.0.0.0/30', 's 10.0.0.4/31', 's 10.0.0.6']],
    ['hash:net', '10.1.2.3/8', ['s 10.0.0.0/8']],
    ['hash:net timeout 7', '10.0.0.1 nomatch timeout 9', ['s 10.0.0.1 timeout 9 nomatch']],
    ['hash:net timeout 7', '10.0.0.1', ['s 10.0.0.1 timeout 7']],
    ['hash:ip,port', '1.1.1.1,http', ['s 1.1.1.1,tcp:80']],
    ['hash:ip,port', '1.1.1.1,udp:7-9', ['s 1.1.1.1,udp:7', 's 1.1.1.1,udp:8', 's 1.1.1.1,udp:9']],
    ['hash:ip,port', '1.1.1.1,icmp:8/0', ['s 1.1.1.1,icmp:echo-request']],
    ['hash:ip,port', '1.1.1.1,icmp:13/7', ['s 1.1.1.1,icmp:13/7']],
    ['hash:ip,port,net family inet6', '1::1,icmpv6:135/0,2::/64', ['s 1::1,ipv6-icmp:neighbour-solicitation,2::/64']],
    ['hash:net,iface', '10.0.0.0/8,physdev:eth0 nomatch', ['s 10.0.0.0/8,physdev:eth0 nomatch']],
    ['hash:net,iface', '0.0.0.0/0,veth wildcard', ['s 0.0.0.0/0,veth wildcard']],
    ['hash:ip,mark', '1.1.1.1,0x63', ['s 1.1.1.1,0x00000063']],
    ['hash:mac', 'aa:b:cc:dd:ee:ff', ['s AA:0B:CC:DD:EE:FF']],
    ['bitmap:ip range 10.0.0.0/24 netmask 30', '10.0.0.9-10.0.0.20', ['s 10.0.0.8', 's 10.0.0.12', 's 10.0.0.16']],
    ['bitmap:port range 0-99', 'tcp:80', ['s 80']],
    [
      'hash:ip counters comment skbinfo',
      '1.1.1.1 comment "a b" packets 3 skbmark 0x11/0xff skbprio 1:10',
      ['s 1.1.1.1 packets 3 bytes 0 comment "a b" skbmark 0x11/0xff skbprio 1:10'],
    ],
  ];
  for (const [create, add, saved] of table) it(`${create}: ${add}`, () => expect(body(`create s ${create}\nadd s ${add}\n`)).toEqual(saved));

  it('prints create as the tool does', () => {
    const create = (text: string): string => writeIpsetSave(restore(`create s ${text}`).value).trim();
    expect(create('iphash -6 hashsize 5')).toBe('create s hash:ip family inet6 hashsize 64 maxelem 65536 bucketsize 12 initval 0x00000000');
    expect(create('hash:ip,port netmask 24 initval 5')).toBe(
      'create s hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000005 netmask 24',
    );
    expect(create('list:set size 2 timeout 5')).toBe('create s list:set size 4 timeout 5');
    expect(create('bitmap:ip range 10.0.0.9-10.0.0.1 counters')).toBe('create s bitmap:ip range 10.0.0.1-10.0.0.9 counters');
  });
});

describe('what is refused', () => {
  const table: readonly (readonly [string, string])[] = [
    ['create s hash:foo', "Syntax error: typename 'hash:foo' is unknown"],
    ['create s hash:ip foo', "Unknown argument: `foo'"],
    ['create s bitmap:ip', "Mandatory option `range' is missing"],
    ['create s bitmap:ip range 10.0.0.0/8', 'The range you specified exceeds the size limit of the set type'],
    ['create s hash:ip timeout 5 timeout 6', 'Syntax error: timeout already specified'],
    ['add s 1.1.1.1', 'The set with the given name does not exist'],
    ['create s hash:ip\nadd s 1.1.1.1\nadd s 1.1.1.1', "Element cannot be added to the set: it's already added"],
    ['create s hash:ip\ndel s 1.1.1.1', "Element cannot be deleted from the set: it's not added"],
    ['create s hash:ip\nadd s 0.0.0.0', 'Null-valued element, cannot be stored in a hash type of set'],
    ['create s hash:ip maxelem 1\nadd s 1.1.1.0/31', 'Hash is full, cannot add more elements'],
    ['create s hash:ip\nadd s 1.1.1.1 timeout 4', 'Timeout cannot be used: set was created without timeout support'],
    ['create s hash:ip\nadd s 1.1.1.1 comment "x', 'Missing close quote!'],
    ['create s hash:ip,port\nadd s 1.1.1.1', 'Syntax error: Second element is missing from 1.1.1.1.'],
    ['create s hash:net\nadd s 0.0.0.0/0', 'The value of the CIDR parameter of the IP address is invalid'],
    ['create s hash:ip\ncreate l list:set\nadd l s\ndestroy s', 'Set cannot be destroyed: it is in use by a kernel component'],
    ['create s hash:ip\ncreate t hash:net\nswap s t', 'The sets cannot be swapped: their type does not match'],
    ['bla', 'No command specified: unknown argument bla'],
  ];
  for (const [text, message] of table) {
    it(message, () => {
      const r = restore(text);
      expect(r.diagnostics.map((d) => d.message)).toEqual([message]);
      expect(r.diagnostics[0].span?.line).toBe(text.split('\n').length);
    });
  }
  it('points at the word', () => {
    const [d] = restore('create s hash:ip\nadd s 1.1.1.300\n').diagnostics;
    expect(d.span).toEqual({ file: 'sets', line: 2, column: 7, length: 9 });
  });
});

describe('commands', () => {
  it('takes single commands and leaves untouched sets as they are', () => {
    const { value } = restore('create a hash:ip\nadd a 1.1.1.1\ncreate b hash:ip\n');
    const added = applyIpsetCommand(['add', 'b', '2.2.2.2'], value);
    expect(added.diagnostics).toEqual([]);
    expect(added.value[0]).toBe(value[0]);
    expect(value[1].members.size).toBe(0);
    expect(added.value[1].members.size).toBe(1);
    expect(applyIpsetCommand(['test', 'a', '1.1.1.1'], value).output).toBe('1.1.1.1 is in set a.\n');
    const swapped = applyIpsetCommand(['swap', 'a', 'b'], value).value;
    expect(swapped.map((s) => [s.name, s.members.size])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });
  it('lists', () => {
    const { value } = restore('create a hash:ip initval 0x1\nadd a 1.1.1.1\ncreate l list:set\nadd l a\n');
    expect(writeIpsetList(value, { names: true })).toBe('a\nl\n');
    expect(writeIpsetList(value).split('\n')).toContain('References: 1');
  });
  it('orders a list by before and after', () => {
    const text = 'create a hash:ip\ncreate b hash:ip\ncreate c hash:ip\ncreate l list:set\nadd l a\nadd l b before a\nadd l c after b\n';
    expect(body(text)).toEqual(['l b', 'l c', 'l a']);
  });
});

const ip = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(3), fc.nat(3)).map(([a, b, c]) => `10.${a}.${b}.${c}`);
const net = fc.tuple(ip, fc.integer({ min: 1, max: 32 })).map(([a, l]) => `${a}/${l}`);
const port = fc.constantFrom('tcp:80', 'udp:53', 'icmp:echo-request', 'gre:0', '81');
const members: Record<string, fc.Arbitrary<string>> = {
  'hash:ip': ip,
  'hash:net': net,
  'hash:ip,port': fc.tuple(ip, port).map((x) => x.join()),
  'hash:net,port,net': fc.tuple(net, port, net).map((x) => x.join()),
  'hash:net,iface': fc.tuple(net, fc.constantFrom('eth0', 'eth1', 'physdev:eth0')).map((x) => x.join()),
  'hash:ip,mac': fc.tuple(ip, fc.constantFrom('0:0:0:0:0:1', 'AA:BB:CC:DD:EE:FF')).map((x) => x.join()),
};

describe('laws', () => {
  for (const [type, member] of Object.entries(members)) {
    it(`${type}: add and del are those of a mathematical set`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.boolean(), member), { maxLength: 40 }), (steps) => {
          const model = new Set<string>();
          let sets = restore(`create s ${type}`).value;
          for (const [add, m] of steps) {
            const one = body(`create s ${type}\nadd s ${m}\n`)[0].slice(2);
            const r = applyIpsetCommand([add ? 'add' : 'del', 's', m], sets);
            expect(r.diagnostics.length === 0).toBe(model.has(one) !== add);
            if (add) model.add(one);
            else model.delete(one);
            sets = r.value;
          }
          expect([...sets[0].members.text()].sort()).toEqual([...model].sort());
          const text = writeIpsetSave(sets);
          expect(writeIpsetSave(restore(text).value)).toBe(text);
        }),
        { numRuns: 30 },
      );
    });
  }
  it('never throws', () => {
    const word = fc.constantFrom(
      'create',
      'add',
      'del',
      'test',
      's',
      'l',
      'hash:ip',
      'hash:net,iface',
      'list:set',
      '1.1.1.1',
      '1.1.1.1/0',
      '::/0',
      ',',
      '"',
      'timeout',
      '-1',
      'before',
      '\u0000',
      '__proto__',
      'range',
      '0-1',
      'netmask',
      '/',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.string({ maxLength: 12 })), { maxLength: 30 }),
        fc.array(fc.constantFrom(' ', '\n', ''), { minLength: 30, maxLength: 30 }),
        (words, gaps) => {
          const text = words.map((w, i) => w + gaps[i]).join('');
          writeIpsetSave(restore(text).value);
          writeIpsetList(restore(text).value);
        },
      ),
      { numRuns: 300 },
    );
  });
});

const DUMPS = new URL('../../../shared/dumps', import.meta.url).pathname;
describe.skipIf(!existsSync(DUMPS))('dumps of real hosts read and print as ipset -s save does', () => {
  const files = existsSync(DUMPS)
    ? ['ipset', 'blocklist', 'gameserver'].flatMap((d) =>
        readdirSync(`${DUMPS}/${d}`)
          .filter((f) => f.endsWith('.ipset'))
          .map((f) => `${d}/${f}`),
      )
    : [];
  // initval is random, the hash size grows by it, and a second may have passed.
  const fixed = (s: string): string => s.replace(/hashsize \d+|initval 0x[0-9a-f]+|timeout 7[89]/g, 'X').trimEnd();
  for (const f of files) {
    it(f, () => {
      const r = restore(readFileSync(`${DUMPS}/${f}`, 'utf8'));
      expect(r.diagnostics).toEqual([]);
      expect(fixed(writeIpsetSave(r.value, { sorted: true }))).toBe(fixed(readFileSync(`${DUMPS}/${f}.canon`, 'utf8')));
    });
  }
});
