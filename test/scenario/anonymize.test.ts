/** Anonymized snapshots: nothing of what was public is left, and a packet takes the same way, up to the addresses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Addr, formatAddr, inPrefix, networkOf, parseAddr } from '../../src/base/addr.js';
import { readSnapshot, type Snapshot, writeSnapshot } from '../../src/formats/snapshot.js';
import { type Anonymized, anonymize } from '../../src/scenario/anonymize.js';
import { type Key, Renumber } from '../../src/scenario/renumber.js';
import { importSnapshots, modelTraces, nodeNames, targets } from '../lab/capture-nodes.js';

const KEY: Key = [1, 2, 3, 4];
const recorded = nodeNames.map((n) => readFileSync(join(import.meta.dirname, `../lab/snapshots/${n}.snapshot`), 'utf8'));
const read = (text: string): Snapshot => readSnapshot(text, { file: 'x' }).value as Snapshot;
const names = ['node1', 'node2', 'node3'];

/** One part of text, anonymized. */
function part(text: string, name = 'iptables-legacy-save', hostname = 'gw-7.example.net', key = KEY): { text: string; a: Anonymized } {
  const parts = [
    { name: 'hostname', command: 'uname -n', end: { kind: 'exit', status: 0 } as const, text: `${hostname}\n`, errors: [], line: 1 },
    { name, command: 'cmd', end: { kind: 'exit', status: 0 } as const, text, errors: [], line: 1 },
  ];
  const a = anonymize([{ file: 'x', parts, complete: true }], ['node1'], key);
  return { text: read(a.texts[0]).parts[1].text, a };
}

/** The text with each address replaced as the anonymizer says: what must come out. */
const mapped = (text: string, a: Anonymized): string =>
  text.replace(/\d+\.\d+\.\d+\.\d+/g, (t) => {
    const v = parseAddr(t);
    return v === null ? t : formatAddr(a.addr(v));
  });

describe('the trace', () => {
  const keys: readonly Key[] = [KEY, [7, 8, 9, 10], [0xffffffff, 0, 5, 0x80000000]];
  it.each(keys)('is the same up to the mapping (key %s…)', (...key) => {
    const a = anonymize(recorded.map(read), names, key);
    const to = (t: string): string => mapped(t, a);
    const anonymous = new Map(names.map((n, i) => [n, a.texts[i]]));
    const after = modelTraces(importSnapshots(anonymous, targets.map(to), 'node2'), 'node1');
    const before = modelTraces(importSnapshots(new Map(nodeNames.map((n, i) => [n, recorded[i]])), targets));
    for (const t of targets) {
      expect(before.get(t)?.length).toBeGreaterThanOrEqual(3);
      expect(after.get(to(t))).toEqual(before.get(t)?.map(to));
    }
    expect(to('93.184.216.34')).not.toBe('93.184.216.34');
  });
});

describe('texts', () => {
  it('of the recorded nodes hold nothing of what was public, and the rest as it was', () => {
    const a = anonymize(recorded.map(read), names, KEY);
    const all = a.texts.join('');
    expect(all).not.toMatch(/\b93\.184\.|\b151\.101\.|\b8\.8\.|52:54:00|02:00:00:00:0[12]|example\.org/);
    for (const kept of [
      '"local":"10.0.0.1","prefixlen":24',
      '-A FORWARD -i lan0 -j VISITORS',
      'dev lan0',
      '127.0.0.0/8',
      '--set-xmark 0x10/0xffffffff',
      'net/ipv4/ip_forward = 1',
    ])
      expect(all).toContain(kept);
    expect(a.notes).toEqual([]);
    // Again the same, and written as they were read.
    expect(anonymize(recorded.map(read), names, KEY).texts).toEqual(a.texts);
    for (const t of [...recorded, ...a.texts]) expect(writeSnapshot(read(t))).toBe(t);
  });

  // What becomes of a text, with @ for every address that the mapping gives.
  it.each([
    ['an interface, its network and broadcast', 'inet 5.9.7.130/22 brd 5.9.7.255 via 5.9.4.1, 5.9.4.0/22'],
    ['ports stay', '-A X -d 5.9.7.130/32 -p tcp --dport 8443 -j DNAT --to-destination 5.9.7.1:8443-8444'],
    ['ranges', '--dst-range 5.9.7.10-5.9.7.200 5.9.7.99'],
    ['short prefixes cover what they covered', '5.0.0.0/8 5.0.0.0/11 5.9.7.1 5.40.0.1'],
    ['words around it', 'src=5.9.7.1 (5.9.7.1) [5.9.7.1] "5.9.7.1",5.9.7.1,tcp:80 5.9.7.1.'],
  ])('%s', (_name, text) => {
    const r = part(text);
    expect(r.text).not.toMatch(/\b5\.9\./);
    const originals = [...text.matchAll(/(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?/g)].map((m) => ({ a: parseAddr(m[1]) as Addr, len: Number(m[2] ?? 32) }));
    const images = [...r.text.matchAll(/(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?/g)].map((m) => ({ a: parseAddr(m[1]) as Addr, len: Number(m[2] ?? 32) }));
    expect(images.map((x) => x.len)).toEqual(originals.map((x) => x.len));
    expect(r.text.replace(/\d+\.\d+\.\d+\.\d+/g, '@')).toBe(text.replace(/\d+\.\d+\.\d+\.\d+/g, '@'));
    for (const [i, x] of originals.entries())
      for (const [j, y] of originals.entries()) {
        if (x.len >= y.len) expect(inPrefix(images[i].a, images[j].a, images[j].len)).toBe(inPrefix(x.a, y.a, y.len));
        expect(networkOf(images[i].a, images[i].len) === images[i].a).toBe(networkOf(x.a, x.len) === x.a);
      }
  });

  it.each([
    [
      '10.1.2.3 192.168.0.0/16 172.20.1.1 100.64.0.1 127.0.0.53 169.254.1.1 224.0.0.251 255.255.255.255 192.0.2.1 198.51.100.7 203.0.113.9 0.0.0.0/0 198.18.0.1',
    ],
    ['fe80::1 fd00::7/64 ::1 :: ff02::1 2001:db8::9 ::/0 fe80::/10 12:30:45 10:00:00'],
    ['1.2.3 v1.8.9.1 a1.2.3.4 300.1.2.3 1.2.3.4.5 0x10/0xffffffff 10.0.0.0/255.254.0.0 10.0.0.0/128.0.0.0'],
    ['00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 01:00:5e:00:00:01 33:33:00:00:00:01'],
  ])('stays: %s', (text) => {
    expect(part(text).text).toBe(text);
  });

  it('MAC addresses, also in interface identifiers and bridge ids', () => {
    const text =
      'link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff 8000.52:54:00:12:34:56 --mac-source 00:1b:21:aa:bb:cc fe80::5054:ff:fe12:3456/64 2a01:4f8:1:2:5054:ff:fe12:3456';
    const r = part(text).text;
    // The given one is local (02), the other of a maker (00).
    const ours = /link\/ether (\S+)/.exec(r)?.[1] ?? '';
    expect(ours).toMatch(/^02:00:5e:00:53:/);
    expect(r).toContain(`8000.${ours} --mac-source 00:00:5e:00:53:`);
    const tail = ours.split(':').slice(3).join('');
    expect(r).toContain(`fe80::5eff:fe00:${tail.slice(2)}/64`);
    expect(r).toMatch(new RegExp(` [23][0-9a-f]{3}:[0-9a-f:]+::?5eff:fe00:${tail.slice(2)}$`));
    expect(r).not.toMatch(/2a01:4f8|1234|3456/);
  });

  it('hosts, their names in comments, aliases, cgroups', () => {
    const r = part('-m comment --comment "to gw-7.example.net and gw-7, see db.internal.example.com or db.internal.example.com" -j gw-70\ncgroup:/x');
    expect(r.text).toBe('-m comment --comment "to node1 and node1, see host1.example or host1.example" -j gw-70\ncgroup:/x');
  });

  it('/proc/net/tcp', () => {
    const text = '  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A x\n   1: 82070905:0016 01020304:A000 01 x\n5.9.7.130\n';
    const r = part(text, 'sockets.txt');
    const a = r.a.addr(parseAddr('5.9.7.130') as Addr) as number;
    const hex = [0, 8, 16, 24].map((s) => ((a >>> s) & 255).toString(16).padStart(2, '0').toUpperCase()).join('');
    expect(r.text).toContain('0: 0100007F:1F90 00000000:0000 0A');
    expect(r.text).toContain(`1: ${hex}:0016 `);
    expect(r.text).not.toContain('82070905');
    expect(r.text).not.toContain('01020304');
  });

  it('what cannot be mapped is said', () => {
    expect(part('172.0.0.0/8 172.217.1.1').a.notes).toEqual(['left as they are, since they hold public and other addresses at once: 172.0.0.0/8']);
    expect(part('172.0.0.0/8 172.217.1.1').text).toBe('172.0.0.0/8 172.217.1.1');
    expect(part('-A X -m u32 --u32 "0=1" -j DROP').a.notes).toEqual([
      'rules with -m u32 are left as they are: they look at bytes, which may be those of an address',
    ]);
  });
});

describe('the mapping', () => {
  const public4 = fc.integer({ min: 0, max: 0xffffffff }).filter((a) => !new Renumber(KEY).stays(a));
  const net4 = fc.tuple(public4, fc.integer({ min: 1, max: 32 })).map(([a, len]) => [networkOf(a, len) as number, len] as const);
  it('keeps what is in what, is one to one, and leaves the kinds of addresses apart', () => {
    fc.assert(
      fc.property(
        fc.array(net4, { minLength: 1, maxLength: 12 }),
        fc.array(public4, { minLength: 1, maxLength: 12 }),
        fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
        (list, hosts, key) => {
          const r = new Renumber(key);
          for (const [a, len] of list) r.use(a, len, `${a}/${len}`);
          for (const h of hosts) r.use(h, 32, `${h}`);
          const nets = list.filter(([a, len]) => !r.left.has(`${a}/${len}`) && !r.stays(a));
          const image = (a: number, len: number): number => r.mapPrefix(a, len) as number;
          for (const h of hosts) {
            expect(r.stays(r.map(h))).toBe(false);
            for (const g of hosts) expect(r.map(h) === r.map(g)).toBe(h === g);
            for (const [a, len] of nets) {
              expect(networkOf(image(a, len), len)).toBe(image(a, len));
              expect(inPrefix(r.map(h), image(a, len), len)).toBe(inPrefix(h, a, len));
            }
          }
          for (const [a, len] of nets)
            for (const [b, blen] of nets) if (blen <= len) expect(inPrefix(image(a, len), image(b, blen), blen)).toBe(inPrefix(a, b, blen));
        },
      ),
      { numRuns: 150 },
    );
  });
});
