import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIpsetSave, writeIpsetSave } from '../../../src/formats/ipset-save.js';
import type { SetTestOptions } from '../../../src/netfilter/env.js';
import { lintSetUse } from '../../../src/netfilter/ipset/lint.js';
import { SetStore } from '../../../src/netfilter/ipset/store.js';
import type { PacketCtx } from '../../../src/netfilter/pred.js';
import { ListRecorder } from '../../../src/trace/event.js';
import { dirsOf, packet } from './packet.js';

const sets = (text: string) => {
  const r = readIpsetSave(text, { file: 'sets' });
  expect(r.diagnostics).toEqual([]);
  return r.value;
};
const options = (dirs: string, more: Partial<SetTestOptions> = {}): SetTestOptions => ({
  dirs: dirsOf(dirs),
  returnNomatch: false,
  updateCounters: true,
  updateSubcounters: true,
  ...more,
});

/** Sets, one `add` a line; then packets: `+` is in the set, `-` is not, `n+`/`n-` with --return-nomatch. */
const TABLE = `
create s hash:ip
add s 10.0.0.1
+ src  tcp 10.0.0.1:1 > 10.0.0.2:2
- dst  tcp 10.0.0.1:1 > 10.0.0.2:2
+ src,dst  tcp 10.0.0.1:1 > 10.0.0.2:2
- src  tcp 1::1 > 1::2

create s hash:ip netmask 24
add s 10.0.0.1
+ src  tcp 10.0.0.200:1 > 10.0.0.2:2
- src  tcp 10.0.1.200:1 > 10.0.0.2:2
- src  tcp 0.0.0.5:1 > 10.0.0.2:2

create s hash:ip family inet6
add s 2001:db8::1
+ dst  tcp 1::1 > 2001:db8::1
- dst  tcp 1.1.1.1:1 > 10.0.0.1:5
- src  tcp 1::1 > 2001:db8::1

create s hash:ip,port
add s 9.9.9.9,udp:100
add s 9.9.9.9,icmp:echo-request
add s 9.9.9.9,gre:0
+ dst,dst  udp 1.1.1.1:5 > 9.9.9.9:100
- dst,src  udp 1.1.1.1:5 > 9.9.9.9:100
- src,src  udp 1.1.1.1:5 > 9.9.9.9:100
- dst  udp 1.1.1.1:5 > 9.9.9.9:100
- dst,dst  tcp 1.1.1.1:5 > 9.9.9.9:100
- dst,dst  udplite 1.1.1.1:5 > 9.9.9.9:100
- dst,dst  udp 1.1.1.1:5 > 9.9.9.9:100 frag
+ dst,dst  icmp 1.1.1.1 > 9.9.9.9 type=8/0
+ dst,src  icmp 1.1.1.1 > 9.9.9.9 type=8/0
- dst,dst  icmp 1.1.1.1 > 9.9.9.9 type=0/0
+ dst,dst  gre 1.1.1.1 > 9.9.9.9
+ dst,dst  gre 1.1.1.1 > 9.9.9.9 frag

create s hash:ip,port,ip
add s 10.0.0.1,80,10.0.0.2
+ src,dst,dst  tcp 10.0.0.1:5 > 10.0.0.2:80
- src,dst,src  tcp 10.0.0.1:5 > 10.0.0.2:80
- src,dst  tcp 10.0.0.1:5 > 10.0.0.2:80

create s hash:ip,port,net
add s 10.0.0.1,80,10.0.0.0/8
add s 10.0.0.1,80,10.1.0.0/16 nomatch
+ src,dst,dst  tcp 10.0.0.1:5 > 10.0.0.2:80
- src,dst,dst  tcp 10.0.0.1:5 > 10.1.0.2:80
n+ src,dst,dst  tcp 10.0.0.1:5 > 10.1.0.2:80
n- src,dst,dst  tcp 10.0.0.1:5 > 10.0.0.2:80

create s hash:net
add s 10.0.0.0/8
add s 10.1.0.0/16 nomatch
add s 10.1.2.0/24
+ src  tcp 10.200.0.1:5 > 1.1.1.1:80
- src  tcp 10.1.1.1:5 > 1.1.1.1:80
n+ src  tcp 10.1.1.1:5 > 1.1.1.1:80
+ src  tcp 10.1.2.3:5 > 1.1.1.1:80
n- src  tcp 10.1.2.3:5 > 1.1.1.1:80
- src  tcp 11.0.0.1:5 > 1.1.1.1:80

create s hash:net,net
add s 10.0.0.0/8,0.0.0.0/0
add s 10.1.0.0/16,192.168.0.0/16 nomatch
+ src,dst  tcp 10.1.0.1:5 > 1.1.1.1:80
- src,dst  tcp 10.1.0.1:5 > 192.168.1.1:80
+ src,dst  tcp 10.2.0.1:5 > 192.168.1.1:80

create s hash:net,port
add s 10.0.0.0/8,tcp:80
+ dst,dst  tcp 1.1.1.1:5 > 10.2.3.4:80
- dst,dst  udp 1.1.1.1:5 > 10.2.3.4:80

create s hash:net,port,net
add s 10.0.0.0/8,tcp:80,0.0.0.0/0
+ dst,dst,src  tcp 1.1.1.1:5 > 10.2.3.4:80
- src,dst,src  tcp 1.1.1.1:5 > 10.2.3.4:80

create s hash:net,iface
add s 10.0.0.0/8,eth0
add s 10.1.0.0/16,eth1
add s 0.0.0.0/0,veth wildcard
add s 12.0.0.0/8,physdev:eth0
+ src,src  tcp 10.2.0.1:5 > 1.1.1.1:80 in=eth0 out=eth9
- src,dst  tcp 10.2.0.1:5 > 1.1.1.1:80 in=eth0 out=eth9
# The longest network with members at all decides: eth0 is not tried for 10.1/16.
- src,src  tcp 10.1.0.1:5 > 1.1.1.1:80 in=eth0
+ src,src  tcp 10.1.0.1:5 > 1.1.1.1:80 in=eth1
+ src,src  tcp 99.1.0.1:5 > 1.1.1.1:80 in=veth123
- src,src  tcp 99.1.0.1:5 > 1.1.1.1:80
- src,src  tcp 12.1.0.1:5 > 1.1.1.1:80 in=eth0

create s hash:ip,mark markmask 0xff
add s 10.0.0.1,0x105
+ src,src  tcp 10.0.0.1:5 > 1.1.1.1:80 mark=0x205
- src,src  tcp 10.0.0.1:5 > 1.1.1.1:80 mark=0x6

create s hash:mac
add s 02:00:00:00:00:01
+ src  tcp 10.0.0.1:5 > 1.1.1.1:80 in=eth0
- dst  tcp 10.0.0.1:5 > 1.1.1.1:80 in=eth0
- src  tcp 10.0.0.1:5 > 1.1.1.1:80 nomac

create s hash:ip,mac
add s 10.0.0.1,02:00:00:00:00:01
+ src,src  tcp 10.0.0.1:5 > 1.1.1.1:80 in=eth0
- src,dst  tcp 10.0.0.1:5 > 1.1.1.1:80 in=eth0

create s bitmap:ip range 10.0.0.0/24
add s 10.0.0.5
+ src  tcp 10.0.0.5:5 > 1.1.1.1:80
- src  tcp 10.0.0.6:5 > 1.1.1.1:80
- dst  tcp 10.0.0.5:5 > 1.1.1.1:80

create s bitmap:ip range 10.0.0.0/24 netmask 30
add s 10.0.0.5
+ src  tcp 10.0.0.7:5 > 1.1.1.1:80
- src  tcp 10.0.0.8:5 > 1.1.1.1:80

create s bitmap:ip,mac range 10.0.0.0/24
add s 10.0.0.5,02:00:00:00:00:01
+ src,src  tcp 10.0.0.5:5 > 1.1.1.1:80 in=eth0
- src,dst  tcp 10.0.0.5:5 > 1.1.1.1:80 in=eth0

create s bitmap:port range 0-1000
add s 80
+ dst  tcp 10.0.0.5:5 > 1.1.1.1:80
+ dst  udp 10.0.0.5:5 > 1.1.1.1:80
- dst  sctp 10.0.0.5:5 > 1.1.1.1:80
- src  tcp 10.0.0.5:5 > 1.1.1.1:80
+ dst  tcp 1::1 > [2::2]:80

create a hash:ip
create b hash:ip,port
create s list:set
add a 10.0.0.1
add b 10.0.0.2,80
add s a
add s b
+ src  tcp 10.0.0.1:5 > 1.1.1.1:80
- src  tcp 10.0.0.2:5 > 1.1.1.1:80
+ src,dst  tcp 10.0.0.2:5 > 1.1.1.1:80
`;

describe('a packet against a set', () => {
  for (const block of TABLE.trim().split(/\n\n+/)) {
    const lines = block.split('\n').filter((l) => !l.startsWith('#'));
    const text = lines.filter((l) => /^(create|add)/.test(l)).join('\n');
    for (const line of lines.filter((l) => /^n?[+-] /.test(l))) {
      it(`${lines[0].slice(7)}: ${line}`, () => {
        const m = /^(n?)([+-]) (\S+)\s+(.*)$/.exec(line) as RegExpExecArray;
        const store = new SetStore(sets(text), () => 0);
        expect(store.test('s', packet(m[4]), options(m[3], { returnNomatch: m[1] === 'n' })).hit).toBe(m[2] === '+');
      });
    }
  }
});

const saved = (store: SetStore): string[] =>
  writeIpsetSave(store.snapshot())
    .split('\n')
    .filter((l) => l.startsWith('add'));

describe('the SET target', () => {
  const p = packet('tcp 10.1.2.3:5 > 1.1.1.1:80 in=eth0');

  it('adds hosts to an empty set, else networks of the longest prefix that the set has', () => {
    const given = sets('create s hash:net\n');
    const store = new SetStore(given, () => 0);
    store.add('s', p, [true], null, false);
    expect(saved(store)).toEqual(['add s 10.1.2.3']);
    expect(given[0].members.size).toBe(0);
    const other = new SetStore(sets('create s hash:net\nadd s 11.0.0.0/16\nadd s 12.0.0.0/8\n'), () => 0);
    other.add('s', p, [true], null, false);
    expect(saved(other)).toContain('add s 10.1.0.0/16');
    other.del('s', p, [true]);
    expect(saved(other)).not.toContain('add s 10.1.0.0/16');
  });

  it('gives snapshots that later packets do not change', () => {
    const store = new SetStore(sets('create s hash:ip\n'), () => 0);
    store.add('s', p, [true], null, false);
    const then = store.snapshot();
    store.del('s', p, [true]);
    store.add('s', packet('tcp 10.9.9.9:5 > 1.1.1.1:80'), [true], null, false);
    expect([...then[0].members.text()]).toEqual(['10.1.2.3']);
  });

  it('adds nothing where a direction is missing', () => {
    const store = new SetStore(sets('create s hash:ip,port\n'), () => 0);
    store.add('s', p, [true], null, false);
    expect(saved(store)).toEqual([]);
  });

  it('deletes given members without touching them', () => {
    const given = sets('create s hash:ip\nadd s 10.1.2.3\n');
    const store = new SetStore(given, () => 0);
    store.del('s', p, [true]);
    expect(store.test('s', p, options('src')).hit).toBe(false);
    expect(given[0].members.size).toBe(1);
    expect(new SetStore(given, () => 0).test('s', p, options('src')).hit).toBe(true);
  });

  it('keeps time: default, given, and renewed by --exist', () => {
    let now = 5000;
    const store = new SetStore(sets('create s hash:ip timeout 10\n'), () => now);
    store.add('s', p, [true], null, false);
    now += 9000;
    expect(store.test('s', p, options('src')).hit).toBe(true);
    store.add('s', p, [true], 100, false);
    now += 2000;
    expect(store.test('s', p, options('src')).hit).toBe(false);
    store.add('s', p, [true], null, false);
    now += 5000;
    store.add('s', p, [true], 100, true);
    now += 90_000;
    expect(store.test('s', p, options('src')).hit).toBe(true);
    expect(saved(store)).toEqual(['add s 10.1.2.3 timeout 10']);
  });

  it('stops at maxelem; forceadd makes room', () => {
    const text = 'maxelem 1\nadd s 9.9.9.9\n';
    const full = new SetStore(sets(`create s hash:ip ${text}`), () => 0);
    full.add('s', p, [true], null, false);
    expect(saved(full)).toEqual(['add s 9.9.9.9']);
    const forced = new SetStore(sets(`create s hash:ip forceadd ${text}`), () => 0);
    forced.add('s', p, [true], null, false);
    expect(saved(forced)).toEqual(['add s 10.1.2.3']);
  });

  it('starts counters with the packet that adds', () => {
    const store = new SetStore(sets('create s hash:ip counters\n'), () => 0);
    store.add('s', p, [true], null, false);
    expect(saved(store)).toEqual(['add s 10.1.2.3 packets 1 bytes 44']);
  });

  it('adds to the first set of a list that takes it', () => {
    const store = new SetStore(sets('create a hash:ip family inet6\ncreate b hash:ip\ncreate s list:set\nadd s a\nadd s b\n'), () => 0);
    store.add('s', p, [true], null, false);
    expect(saved(store)).toContain('add b 10.1.2.3');
  });
});

describe('extensions', () => {
  const p = packet('tcp 10.1.2.3:5 > 1.1.1.1:80 in=eth0');

  it('counts before it compares', () => {
    const store = new SetStore(sets('create s hash:ip counters\nadd s 10.1.2.3 packets 5 bytes 100\n'), () => 0);
    expect(store.test('s', p, options('src', { packets: { op: 'eq', value: 5 } })).hit).toBe(false);
    expect(store.test('s', p, options('src', { packets: { op: 'eq', value: 7 } })).hit).toBe(true);
    expect(store.test('s', p, options('src', { updateCounters: false, bytes: { op: 'gt', value: 187 } })).hit).toBe(true);
    expect(saved(store)).toEqual(['add s 10.1.2.3 packets 7 bytes 188']);
  });

  it('gives skbinfo', () => {
    const store = new SetStore(sets('create s hash:ip skbinfo\nadd s 10.1.2.3 skbmark 0x11/0xff skbprio 1:10 skbqueue 3\n'), () => 0);
    expect(store.test('s', p, options('src')).skbinfo).toEqual({ mark: 0x11, markMask: 0xff, prio: 0x10010, queue: 3 });
  });

  it('lets given members expire', () => {
    let now = 0;
    const store = new SetStore(sets('create s hash:ip timeout 10\nadd s 10.1.2.3 timeout 3\n'), () => now);
    now = 2999;
    expect(store.test('s', p, options('src')).hit).toBe(true);
    now = 3001;
    expect(store.test('s', p, options('src')).hit).toBe(false);
  });

  it('completes a member of bitmap:ip,mac', () => {
    const store = new SetStore(sets('create s bitmap:ip,mac range 10.1.2.0/24\nadd s 10.1.2.3\n'), () => 0);
    expect(store.test('s', p, options('src,src')).hit).toBe(true);
    expect(saved(store)).toEqual(['add s 10.1.2.3,02:00:00:00:00:01']);
    expect(store.test('s', p, options('src,dst')).hit).toBe(false);
  });

  it('leaves sets that nothing changed as they are', () => {
    const given = sets('create s hash:ip\nadd s 10.1.2.3\ncreate t list:set\nadd t s\n');
    const store = new SetStore(given, () => 0);
    store.test('t', p, options('src'));
    expect(store.snapshot().map((s, i) => s === given[i])).toEqual([true, true]);
  });
});

/** The same packet for a recorder that listens: the long way of every test. */
const told = (c: PacketCtx): PacketCtx => ({ ...c, env: { ...c.env, rec: new ListRecorder() } });

describe('laws', () => {
  const ip = fc.tuple(fc.integer({ min: 10, max: 11 }), fc.nat(2), fc.nat(255)).map(([a, b, c]) => `${a}.0.${b}.${c}`);
  const net = fc.tuple(ip, fc.integer({ min: 6, max: 32 }), fc.boolean()).map(([a, l, no]) => `${a}/${l}${no ? ' nomatch' : ''}`);
  const change = fc.tuple(fc.constantFrom('add', 'del'), ip);
  for (const [type, member] of [
    ['hash:ip', ip],
    ['hash:ip netmask 28', ip],
    ['hash:net', net],
  ] as const) {
    it(`${type}: the short way of an untold test says what the long one says, with members added and deleted by rules`, () => {
      fc.assert(
        fc.property(
          fc.array(member, { maxLength: 20 }),
          fc.array(change, { maxLength: 8 }),
          fc.array(ip, { minLength: 1, maxLength: 10 }),
          fc.boolean(),
          (members, changes, asked, returnNomatch) => {
            const given = readIpsetSave(`create s ${type}\n${members.map((m) => `add s ${m}\n`).join('')}`, { file: 's' }).value;
            const store = new SetStore(given, () => 0);
            for (const [what, a] of changes) {
              const p = packet(`tcp ${a}:1 > 1.1.1.1:2`);
              if (what === 'add') store.add('s', p, [true], null, true);
              else store.del('s', p, [true]);
            }
            for (const a of asked) {
              const p = packet(`tcp ${a}:1 > 1.1.1.1:2`);
              const o = options('src', { returnNomatch });
              expect(store.test('s', p, o).hit).toBe(store.test('s', told(p), o).hit);
            }
          },
        ),
        { numRuns: 200 },
      );
    });
  }
});

describe('what is told', () => {
  it('names the member that was looked for', () => {
    const store = new SetStore(sets('create s hash:ip,port,net\ncreate i hash:net,iface\n'), () => 0);
    const p = told(packet('udp 10.0.0.1:53 > 9.9.9.9:80 in=eth0'));
    expect(store.test('s', p, options('src,dst,dst')).member).toBe('10.0.0.1,udp:80,9.9.9.9');
    expect(store.test('i', p, options('dst,src')).member).toBe('9.9.9.9,eth0');
  });
  it('finds sets that cannot match', () => {
    const [a, b, l] = sets('create a hash:ip,port\ncreate b hash:ip family inet6\nadd b 1::1\ncreate l list:set\nadd l a\n');
    const codes = (...args: Parameters<typeof lintSetUse>): string[] => lintSetUse(...args).map((f) => f.code);
    expect(codes(a, [true], 'ipv4')).toEqual(['set-too-few-directions', 'set-empty']);
    expect(codes(b, [true], 'ipv4')).toEqual(['set-wrong-family']);
    expect(codes(l, [true], 'ipv4', [a, b])).toEqual(['set-too-few-directions', 'set-empty']);
  });
});
