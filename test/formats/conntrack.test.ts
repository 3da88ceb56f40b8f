import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatEntry, readConntrack } from '../../src/formats/conntrack.js';
import { entryOf, insertEntry } from '../../src/netfilter/conntrack/entry.js';
import { Lab } from '../netfilter/conntrack/harness.js';

/** Printed by conntrack v1.4.7 and by Linux 6.18. */
const LIST = [
  'udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=36234 dport=54 zone-orig=6 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=54 dport=36234 packets=0 bytes=0 mark=0 use=1',
  'icmpv6   58 29 src=::1 dst=::1 type=128 code=0 id=16954 packets=1 bytes=104 src=::1 dst=::1 type=129 code=0 id=16954 packets=1 bytes=104 mark=0 use=1',
  'tcp      6 49 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=10 dport=20 packets=0 bytes=0 src=3.3.3.3 dst=1.1.1.1 sport=20 dport=10 packets=0 bytes=0 [ASSURED] mark=5 use=1',
  'gre      47 29 src=127.0.0.1 dst=127.0.0.1 srckey=0x0 dstkey=0x0 packets=1 bytes=28 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 srckey=0x0 dstkey=0x0 packets=0 bytes=0 mark=0 use=1',
  'udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=43630 dport=55 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=55 dport=43630 zone-reply=7 packets=0 bytes=0 mark=0 use=1',
  'udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=46846 dport=53 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=53 dport=46846 packets=0 bytes=0 mark=0 zone=5 use=1',
  'sctp     132 9 CLOSED src=127.0.0.1 dst=127.0.0.1 sport=1000 dport=80 packets=1 bytes=52 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=80 dport=1000 packets=0 bytes=0 mark=0 use=1',
  'unknown  99 599 src=127.0.0.1 dst=127.0.0.1 packets=1 bytes=28 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 packets=0 bytes=0 mark=0 use=1',
  'icmp     1 29 src=192.168.51.1 dst=8.8.8.8 type=8 code=0 id=48 src=8.8.8.8 dst=192.168.51.1 type=0 code=0 id=48 mark=0 use=1',
  'dccp     33 599 src=127.0.0.1 dst=127.0.0.1 sport=0 dport=0 packets=1 bytes=44 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=0 dport=0 packets=0 bytes=0 mark=0 use=1',
];
const PROC = [
  'ipv4     2 tcp      6 49 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=10 dport=20 packets=0 bytes=0 src=3.3.3.3 dst=1.1.1.1 sport=20 dport=10 packets=0 bytes=0 [ASSURED] mark=5 zone=0 use=2',
  'ipv4     2 gre      47 29 timeout=30, stream_timeout=180 src=127.0.0.1 dst=127.0.0.1 srckey=0x0 dstkey=0x0 packets=1 bytes=28 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 srckey=0x0 dstkey=0x0 packets=0 bytes=0 mark=0 zone=0 use=2',
  'ipv6     10 tcp      6 49 SYN_SENT src=2001:0db8:0000:0000:0000:0000:0000:0001 dst=2001:0db8:0000:0000:0000:0000:0000:0002 sport=10 dport=20 packets=0 bytes=0 [UNREPLIED] src=2001:0db8:0000:0000:0000:0000:0000:0002 dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=20 dport=10 packets=0 bytes=0 mark=0 zone=0 use=2',
  'ipv4     2 udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=46846 dport=53 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=53 dport=46846 packets=0 bytes=0 mark=0 zone=5 use=2',
];

describe('connection table text', () => {
  it.each(LIST)('reads and prints %s', (line) => {
    const { value, diagnostics } = readConntrack(line);
    expect(diagnostics).toEqual([]);
    expect(value.map((e) => formatEntry(e))).toEqual([line]);
    const extended = `${line.includes('::') ? 'ipv6     10' : 'ipv4     2'} ${line}`;
    expect(readConntrack(extended).value.map((e) => formatEntry(e, 'extended'))).toEqual([extended]);
  });

  it.each(PROC)('reads and prints %s', (line) => {
    const { value, diagnostics } = readConntrack(line);
    expect(diagnostics).toEqual([]);
    expect(value.map((e) => formatEntry({ ...e, use: e.use - 1 }, 'proc'))).toEqual([line]);
  });

  it.each(LIST)('survives a table: %s', (line) => {
    const lab = new Lab();
    const [entry] = readConntrack(line).value;
    expect(insertEntry(lab.ct, entry)).not.toBeNull();
    expect(insertEntry(lab.ct, entry)).toBeNull();
    expect([...lab.ct.entries()].map((c) => formatEntry(entryOf(c, lab.time, entry.acct !== null)))).toEqual([line]);
  });

  it.each([
    ['tcp      6', 'bad-conntrack-entry', 1],
    ['tcp      6 20 ESTABLISHED src=1.1.1.1', 'bad-conntrack-entry', 1],
    ['tcp      6 20 FOO src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 mark=0', 'bad-conntrack-entry', 15],
    ['udp      17 20 src=1.1.1.1 dst=2.2.2.2 sport=70000 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 mark=0', 'bad-number', 40],
    ['udp      17 20 src=1.1.1.x dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 mark=0', 'bad-address', 16],
  ])('points at what is wrong: %s', (line, code, col) => {
    const { value, diagnostics } = readConntrack(`\n${line}`);
    expect(value).toEqual([]);
    expect(diagnostics.map((d) => [d.code, d.span?.line, d.span?.column])).toEqual([[code, 2, col]]);
  });

  const dumps = ['aceq-proxy', 'ovnk-hairpin'].map((n) => new URL(`../../../shared/dumps/conntrack/${n}.conntrack`, import.meta.url).pathname);
  it.skipIf(!existsSync(dumps[0])).each(dumps)('reads %s', (file) => {
    const text = readFileSync(file, 'utf8');
    const { value, diagnostics } = readConntrack(text);
    expect(diagnostics).toEqual([]);
    expect(value.length).toBe(text.split('\n').filter((l) => l.trim()).length);
  });
});
