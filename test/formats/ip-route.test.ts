import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/base/addr.js';
import { readIpRoute, writeIpRoute, writeIpRouteJson } from '../../src/formats/ip-route.js';
import { parseRouteArgs } from '../../src/formats/ip-route-args.js';
import { readRtTables } from '../../src/formats/rt-names.js';

// As iproute2 6.1 printed them for a namespace with one of everything, line by line; blanks at line ends are its own.
const text4 = [
  'multicast 239.0.0.0/8 dev d0 table 5 scope link ',
  '10.8.0.0/24 tos 0x10 via 10.1.0.2 dev d0 table 77 ',
  'default proto static metric 100 ',
  '\tnexthop via 10.1.0.2 dev d0 weight 2 ',
  '\tnexthop via 10.1.0.3 dev d0 weight 1 ',
  '10.1.0.0/24 dev d0 proto kernel scope link src 10.1.0.1 ',
  'unreachable 10.6.0.0/16 metric 5 ',
  'throw 10.6.1.0/24 ',
  '10.7.0.0/16 nhid 5 via 10.1.0.9 dev d0 ',
  '10.8.1.0/24 via inet6 fe80::1 dev d0 onlink ',
  '10.8.2.0/24 tos 0x08 dev d0 scope link rto_min lock 300ms ',
  '10.9.0.0/24 via 10.1.0.2 dev d0 realms 3/4 mtu lock 1400 window 1000 rtt 6ms rttvar 2s advmss 1360 hoplimit 9 initcwnd 10 features ecn quickack 1 congctl reno ',
  '172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown ',
  'local 10.6.2.0/24 dev lo table local scope host ',
  'broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1 ',
  '',
].join('\n');
const json4 =
  '[{"type":"multicast","dst":"239.0.0.0/8","dev":"d0","table":"5","scope":"link","flags":[]},{"dst":"10.8.0.0/24","tos":"0x10","gateway":"10.1.0.2","dev":"d0","table":"77","flags":[]},{"dst":"default","protocol":"static","metric":100,"flags":[],"nexthops":[{"gateway":"10.1.0.2","dev":"d0","weight":2,"flags":[]},{"gateway":"10.1.0.3","dev":"d0","weight":1,"flags":[]}]},{"dst":"10.8.1.0/24","via":{"family":"inet6","host":"fe80::1"},"dev":"d0","flags":["onlink"]},{"dst":"10.9.0.0/24","gateway":"10.1.0.2","dev":"d0","flags":[],"flow":{"from":"3","to":"4"},"metrics":[{"mtu":1400,"window":1000,"rtt":6,"rttvar":2000,"advmss":1360,"hoplimit":9,"initcwnd":10,"ecn":null,"quickack":1,"congestion":"reno"}]},{"type":"local","dst":"10.6.2.0/24","dev":"lo","table":"local","scope":"host","flags":[]}]\n';
const text6 = [
  '2001:db8:1::/64 metric 1024 pref medium',
  '\tnexthop via 2001:db8::2 dev d0 weight 1 ',
  '\tnexthop via 2001:db8::3 dev d0 weight 3 ',
  'unreachable 2001:db8:2::/64 dev lo metric 1024 pref medium',
  '2001:db8:6::/64 from 2001:db8::/64 via 2001:db8::2 dev d0 metric 1024 expires 299sec mtu 1300 pref high',
  '2001:db8:7::/64 via 2001:db8::2 dev d0 proto openr src 2001:db8::1 metric 30 pref medium',
  'unreachable default dev lo metric 4294967295 error -101 pref medium',
  'multicast ff00::/8 dev d1 table local proto kernel metric 256 pref medium',
  '',
].join('\n');
const json6 =
  '[{"dst":"2001:db8:1::/64","metric":1024,"flags":[],"pref":"medium","nexthops":[{"gateway":"2001:db8::2","dev":"d0","weight":1,"flags":[]},{"gateway":"2001:db8::3","dev":"d0","weight":3,"flags":[]}]},{"type":"unreachable","dst":"2001:db8:2::/64","dev":"lo","metric":1024,"flags":[],"pref":"medium"},{"dst":"2001:db8:6::/64","from":"2001:db8::/64","gateway":"2001:db8::2","dev":"d0","metric":1024,"flags":[],"expires":299,"metrics":[{"mtu":1300}],"pref":"high"}]\n';

const read = (text: string, family: Family) => readIpRoute(text, { file: 'x', family });

describe('ip route show table all', () => {
  it.each<[string, string, Family, typeof writeIpRoute]>([
    ['text, IPv4', text4, 'ipv4', writeIpRoute],
    ['JSON, IPv4', json4, 'ipv4', writeIpRouteJson],
    ['text, IPv6', text6, 'ipv6', writeIpRoute],
    ['JSON, IPv6', json6, 'ipv6', writeIpRouteJson],
  ])('%s: reads and prints the same', (_name, text, family, write) => {
    const p = read(text, family);
    expect(p.diagnostics).toEqual([]);
    expect(write(p.value, { family, table: 'all' })).toBe(text);
  });

  it('shows one table without naming it', () => {
    const { value } = read(text4, 'ipv4');
    expect(writeIpRoute(value, { family: 'ipv4', table: 77 })).toBe('10.8.0.0/24 tos 0x10 via 10.1.0.2 dev d0 \n');
    expect(writeIpRoute(value, { family: 'ipv4' }).split('\n')[0]).toBe('default proto static metric 100 ');
  });

  it('goes on with IPv6 where `ip` was not told a family', () => {
    const p = read(
      `default via 10.0.0.1 dev eth0 \n::1 dev lo proto kernel metric 256 pref medium\ndefault via fe80::1 dev eth0 metric 1024 pref medium\n`,
      'ipv4',
    );
    expect(p.diagnostics).toEqual([]);
    expect(p.value.map((r) => r.family)).toEqual(['ipv4', 'ipv6', 'ipv6']);
  });

  it('knows tables by rt_tables only where it is stated', () => {
    const line = '10.0.0.0/8 dev eth0 table vpn \n';
    expect(read(line, 'ipv4').diagnostics.map((d) => d.code)).toEqual(['route-table-unknown']);
    const tables = readRtTables('# c\n255 local\n 100\tvpn # x\n0x20 hex\n');
    expect([...tables]).toEqual([
      ['local', 255],
      ['vpn', 100],
      ['hex', 32],
    ]);
    expect(readIpRoute(line, { file: 'x', family: 'ipv4', tables }).value[0].table).toBe(100);
  });

  it('goes on behind a bad line', () => {
    const p = read('10.0.0.0/8 dev eth0\n10.0.0.0/99 dev eth0\n10.1.0.0/16 devv eth0\n10.2.0.0/16 dev\n10.3.0.0/16 dev eth0\n', 'ipv4');
    expect(p.value).toHaveLength(2);
    expect(p.diagnostics.map((d) => `${d.code} ${d.span?.line}:${d.span?.column}`)).toEqual(['bad-prefix 2:1', 'route-word 3:13', 'value-missing 4:13']);
    expect(p.diagnostics[1].hint).toBe('did you mean “dev”?');
  });

  const word = fc.constantFrom(
    'default',
    '10.0.0.0/8',
    '2001:db8::/32',
    'via',
    'dev',
    'eth0',
    'metric',
    'table',
    'nexthop',
    'weight',
    '10.0.0.1',
    'lock',
    'mtu',
    'features',
    'ecn',
    '\n',
    '\n\tnexthop',
    '__proto__',
    '999999999999999999',
    '-1',
    '[',
    '{"dst":',
    '"default"}',
    ']',
  );
  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.array(word, { maxLength: 30 }).map((w) => w.join(' ')),
        ),
        fc.constantFrom<Family>('ipv4', 'ipv6'),
        (t, family) => {
          const p = read(t, family);
          expect(read(writeIpRoute(p.value, { family, table: 'all' }), family).value).toEqual(p.value.filter((r) => r.family === family));
        },
      ),
      { numRuns: 400, seed: 3 },
    );
  });
});

describe('arguments of ip route', () => {
  const parse = (line: string, family: Family | null = null) => parseRouteArgs('add', line === '' ? [] : line.split(' '), { family });
  it.each([
    ['10.0.0.0/8 dev d0', '10.0.0.0/8 dev d0 scope link '],
    ['10.1/16 via 10.0.0.1', '10.1.0.0/16 via 10.0.0.1 '],
    ['default via 10.0.0.1 dev d0 metric 5 table 100 onlink', 'default via 10.0.0.1 dev d0 table 100 metric 5 onlink '],
    ['default via 2001:db8::1', 'default via 2001:db8::1 metric 1024 pref medium'],
    ['blackhole 10.0.0.0/8', 'blackhole 10.0.0.0/8 '],
    ['local 10.0.0.1 dev lo', 'local 10.0.0.1 dev lo table local scope host '],
    ['to 10.0.0.0/8 dev d0 proto 99 src 10.0.0.1 mtu lock 1400', '10.0.0.0/8 dev d0 proto openr scope link src 10.0.0.1 mtu lock 1400 '],
    ['default nexthop via 10.0.0.1 weight 2 nexthop dev d0', 'default \n\tnexthop via 10.0.0.1 weight 2 \n\tnexthop dev d0 weight 1 '],
  ])('%s', (line, want) => {
    const p = parse(line);
    expect(p.diagnostics).toEqual([]);
    expect(p.value && writeIpRoute([p.value.route], { family: p.value.route.family, table: 'all' })).toBe(`${want}\n`);
  });

  // What iproute2 6.1 says on stderr.
  it.each([
    ['foo via 10.1.0.2', 'Error: any valid prefix is expected rather than "foo".'],
    ['10.0.0.0/33 via 10.1.0.2', 'Error: any valid prefix is expected rather than "10.0.0.0/33".'],
    ['10.0.0.0/8 via xx', 'Error: inet address is expected rather than "xx".'],
    ['10.0.0.0/8 foo', 'Error: either "to" is duplicate, or "foo" is a garbage.'],
    ['10.0.0.0/8 via', 'Command line is not complete. Try option "help"'],
    ['10.0.0.0/8 via 10.1.0.2 table foo', 'Error: argument "foo" is wrong: "table" value is invalid'],
    ['10.0.0.0/8 metric x via 10.1.0.2', 'Error: argument "x" is wrong: "metric" value is invalid'],
    ['10.0.0.0/8 scope x dev d0', 'Error: argument "x" is wrong: invalid "scope" value'],
    ['10.0.0.0/8 proto xx dev d0', 'Error: argument "xx" is wrong: "protocol" value is invalid'],
    ['10.0.0.0/8 mtu x dev d0', 'Error: argument "x" is wrong: "mtu" value is invalid'],
    ['blackhole', 'Command line is not complete. Try option "help"'],
    ['10.0.0.0/8 nexthop via 10.1.0.2 weight 0', 'Error: argument "0" is wrong: "weight" is invalid'],
    ['10.0.0.0/8 nexthop foo', 'Error: "nexthop" or end of line is expected instead of "foo"'],
    ['10.0.0.0/8 tos x dev d0', 'Error: argument "x" is wrong: "tos" value is invalid'],
    ['2001:db8:99::/64 via 10.1.0.2', 'Error: inet6 address is expected rather than "10.1.0.2".'],
    ['10.0.0.0/8 dev d0 hoplimit 300', 'Error: argument "300" is wrong: "hoplimit" value is invalid'],
  ])('%s: %s', (line, message) => {
    const p = parse(line);
    expect(p.value).toBeNull();
    expect(p.diagnostics[0].message).toBe(message);
    expect(p.diagnostics[0].span?.column).toBeGreaterThan('ip route add '.length - 1);
  });

  it('never throws', () => {
    const word = fc.constantFrom(
      'default',
      '10.0.0.0/8',
      'via',
      'dev',
      'eth0',
      'metric',
      'table',
      'nexthop',
      'weight',
      '::1',
      'lock',
      'mtu',
      'to',
      'blackhole',
      'src',
      'p',
      '',
      'onlink',
      '-1',
      '0x',
      '08',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }), fc.constantFrom(null, 'ipv4' as const, 'ipv6' as const), (w, family) => {
        const p = parseRouteArgs('replace', w, { family });
        expect(p.value === null).toBe(p.diagnostics.length > 0);
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

const dumps = new URL('../../../shared/dumps/', import.meta.url).pathname;
describe.skipIf(!existsSync(dumps))('the routes of shared dumps (skipped where ../shared is absent)', () => {
  const blanks = (t: string): string => t.replace(/[ \t]+/g, ' ').replace(/ $/gm, '');
  const files = existsSync(dumps)
    ? ['iproute-json', 'openshift-sos', 'netnetwork', 'tool-outputs'].flatMap((d) => readdirSync(dumps + d).map((f) => `${d}/${f}`))
    : [];
  // Old releases print two blanks between fields and no `pref`; that is all that may differ.
  it.each(files.filter((f) => /\.routes6?$/.test(f) && !f.includes('ip4-all')))('%s', (f) => {
    const text = readFileSync(dumps + f, 'utf8');
    const family = f.endsWith('6') ? 'ipv6' : 'ipv4';
    const p = read(text, family);
    expect(p.diagnostics).toEqual([]);
    expect(blanks(writeIpRoute(p.value, { family, table: 'all' }))).toBe(blanks(text));
  });
});
