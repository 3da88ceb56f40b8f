/** Trace logs as they come: prefixes of loggers, fields of all protocols, cut and foreign lines, releases of the tools. */
import { describe, expect, it } from 'vitest';
import { formatAddr, formatMac } from '../../src/base/addr.js';
import { MAX_LINE, readTraceLog } from '../../src/formats/trace-log.js';
import type { LoggedPacket, TraceLog } from '../../src/formats/trace-log-types.js';

function read(text: string): TraceLog {
  const { value } = readTraceLog(text.split('\n'), 'x.log');
  if (value === null) throw new Error('no trace lines');
  return value;
}
const packet = (words: string): LoggedPacket => read(`TRACE: raw:PREROUTING:policy:2 ${words}`).lines[0].packet;
const SYN =
  'IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x10 PREC=0x20 TTL=64 ID=7 DF PROTO=TCP SPT=4000 DPT=80 SEQ=5 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 OPT (020405B4)';

describe('kernel log', () => {
  it.each([
    ['dmesg', `[12345.678901] TRACE: filter:INPUT:rule:3 ${SYN}`, 12345679],
    ['log level', `<4>[   45.000001] TRACE: filter:INPUT:rule:3 ${SYN}`, 45000],
    ['syslog', `Jun 22 12:47:55 host kernel: [ 1713.241250] TRACE: filter:INPUT:rule:3 ${SYN}`, 1713241],
    ['journalctl -k', `Nov 28 13:40:38 host kernel: TRACE: filter:INPUT:rule:3 ${SYN}`, null],
    ['journalctl -o short-iso', `2026-11-28T13:40:38+0000 host kernel: TRACE: filter:INPUT:rule:3 ${SYN}`, null],
    ['dmesg -T', `[Sat Nov 28 13:40:38 2026] TRACE: filter:INPUT:rule:3 ${SYN}`, null],
    ['/dev/kmsg', `4,1186,5040362841,-;TRACE: filter:INPUT:rule:3 ${SYN}`, null],
    ['carriage return', `TRACE: filter:INPUT:rule:3 ${SYN}\r`, null],
  ])('%s', (_name, text, time) => {
    const [l] = read(text).lines;
    expect([l.table, l.chain, l.kind, l.num, l.time]).toEqual(['filter', 'INPUT', 'rule', 3, time]);
    expect(l.packet.tcp).toEqual({ seq: 5, ack: 0, window: 64240, flags: 2, urgent: 0, options: '020405B4' });
  });
  it('all of a segment', () => {
    const p = packet(SYN);
    expect([formatAddr(p.src), formatAddr(p.dst), p.len, p.tos, p.ttl, p.id, p.df, p.proto, p.sport, p.dport]).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      60,
      0x30,
      64,
      7,
      true,
      6,
      4000,
      80,
    ]);
    expect([formatMac(p.mac!.dst), formatMac(p.mac!.src)]).toEqual(['02:00:00:00:00:01', '02:00:00:00:00:02']);
  });
  it('UDP has two lengths, ICMP two ids', () => {
    const udp = packet('IN= OUT=lo SRC=1.1.1.1 DST=2.2.2.2 LEN=82 TOS=0x00 PREC=0x00 TTL=64 ID=9 PROTO=UDP SPT=5 DPT=53 LEN=62 UID=1000 GID=100 MARK=0x4000');
    expect([udp.len, udp.id, udp.sport, udp.dport, udp.uid, udp.gid, udp.mark]).toEqual([82, 9, 5, 53, 1000, 100, 0x4000]);
    const icmp = packet('IN=a OUT= MAC= SRC=1.1.1.1 DST=2.2.2.2 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=9 DF PROTO=ICMP TYPE=8 CODE=0 ID=170 SEQ=3');
    expect([icmp.id, icmp.icmp?.type, icmp.icmp?.id, icmp.icmp?.seq]).toEqual([9, 8, 170, 3]);
  });
  it('an ICMP error quotes a packet', () => {
    const p = packet(
      'IN=a OUT= MAC= SRC=9.9.9.9 DST=1.1.1.1 LEN=56 TOS=0x00 PREC=0xC0 TTL=63 ID=1 PROTO=ICMP TYPE=3 CODE=4 [SRC=1.1.1.1 DST=2.2.2.2 LEN=1500 TOS=0x00 PREC=0x00 TTL=60 ID=77 DF PROTO=UDP INCOMPLETE [4 bytes] ] MTU=1400 MARK=0x1',
    );
    expect([formatAddr(p.src), p.icmp?.type, p.icmp?.code, p.icmp?.rest, p.mark]).toEqual(['9.9.9.9', 3, 4, 1400, 1]);
    expect([formatAddr(p.icmp!.quoted!.dst), p.icmp?.quoted?.id, p.icmp?.quoted?.proto, p.icmp?.quoted?.cut]).toEqual(['2.2.2.2', 77, 17, true]);
  });
  it('bridge ports, fragments, IP options, ESP', () => {
    const p = packet(
      'IN=br0 OUT=br0 PHYSIN=v1 PHYSOUT=v2 SRC=1.1.1.1 DST=2.2.2.2 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=9 MF FRAG:185 OPT (01010101) PROTO=ESP SPI=0xc0ffee01',
    );
    expect([p.physin, p.physout, p.mf, p.fragOffset, p.ipOptions, p.proto, p.spi]).toEqual(['v1', 'v2', true, 1480, '01010101', 50, 0xc0ffee01]);
  });
  it('IPv6', () => {
    const p = packet(
      'IN=a OUT=b MAC=02:00:00:00:00:01:02:00:00:00:00:02:86:dd SRC=fd00:0000:0000:0000:0000:0000:0000:0001 DST=fd00:0000:0000:0000:0000:0000:0000:0002 LEN=104 TC=3 HOPLIMIT=63 FLOWLBL=77 PROTO=ICMPv6 TYPE=128 CODE=0 ID=5 SEQ=6',
    );
    expect([p.family, formatAddr(p.src), p.len, p.tos, p.ttl, p.flowLabel, p.proto, p.icmp?.id]).toEqual(['ipv6', 'fd00::1', 104, 3, 63, 77, 58, 5]);
  });
  it('lines of others, cut ones, and what the kernel says it lost', () => {
    const log = read(
      ['eth0: up', `TRACE: nat:X:return:2 ${SYN}`, 'net_ratelimit: 12 callbacks suppressed', 'TRACE: nat:X:return:2 IN=eth0 OUT= SRC=10.0.'].join('\n'),
    );
    expect([log.lines.length, log.others, log.unusable, log.losses]).toEqual([1, 2, 1, [3]]);
  });
  it('of lines written over each other the last is read', () => {
    expect(read(`TRACE: nat:PREROUTING:rule:1 IN=eth0 OUT= MTRACE: nat:X:return:2 ${SYN}`).lines[0].chain).toBe('X');
  });
  it('an end that somebody left out', () => {
    const p = packet('IN=enp2s0 OUT= MAC=... SRC=192.168.30.252 DST=192.168.50.254 ...');
    expect([p.proto, p.cut, p.mac]).toEqual([null, true, null]);
  });
});

describe('xtables-monitor', () => {
  it('1.8.9', () => {
    const log = read(
      'PACKET: 2 29271f71 IN=r0 MACSRC=2:0:0:0:1:2 MACDST=2:0:0:0:1:1 MACPROTO=0800 SRC=10.1.0.2 DST=10.2.0.2 LEN=60 TOS=0x0 TTL=64 ID=30359 DF SPORT=4000 DPORT=80 SYN \n TRACE: 2 29271f71 filter:FORWARD:rule:0x4:JUMP:U  -4 -t filter -A FORWARD -j U\n TRACE: 2 29271f71 filter:U:rule:0x7:0xfffffffb  -4 -t filter -A U -j RETURN\n TRACE: 2 29271f71 filter:FORWARD:policy:DROP ',
    );
    expect(log.kind).toBe('xtables-monitor');
    expect(log.lines.map((l) => [l.chain, l.kind, l.handle, l.verdict, l.rule])).toEqual([
      ['FORWARD', 'rule', 4, 'jump U', '-A FORWARD -j U'],
      ['U', 'rule', 7, 'return', '-A U -j RETURN'],
      ['FORWARD', 'policy', null, 'drop', null],
    ]);
    const { packet: p } = log.lines[0];
    expect([p.proto, p.tcp?.flags, p.sport, p.dport, p.id, p.df]).toEqual([6, 2, 4000, 80, 30359, true]);
  });
  it('older: ends of chains, ID=…DF', () => {
    const log = read(
      'PACKET: 2 fc475095 IN=lo LL=0x304 0000000000000000000000000800 SRC=127.0.0.1 DST=127.0.0.1 LEN=28 TOS=0x0 TTL=64 ID=38349DF SPORT=45178 DPORT=10000\n TRACE: 2 fc475095 raw:PREROUTING:return:\n TRACE: 2 fc475095 raw:PREROUTING:policy:ACCEPT',
    );
    expect(log.lines.map((l) => l.kind)).toEqual(['return', 'policy']);
    expect([log.lines[0].packet.id, log.lines[0].packet.df, log.lines[0].packet.proto]).toEqual([38349, true, 17]);
  });
  it('a TRACE line without its PACKET line', () => {
    const { value, diagnostics } = readTraceLog([' TRACE: 2 fc475095 raw:PREROUTING:policy:ACCEPT'], 'x');
    expect(value).toBeNull();
    expect(diagnostics[0].message).toMatch(/the PACKET line of trace fc475095 is not in the log/);
  });
});

describe('nft monitor trace', () => {
  it('names become numbers', () => {
    const log = read(
      'trace id a1 ip filter FORWARD packet: iif "r0" oif "r1" ether saddr 02:00:00:00:00:02 ether daddr 02:00:00:00:00:01 ip saddr 10.1.0.2 ip daddr 10.2.0.2 ip dscp af11 ip ecn ect0 ip ttl 63 ip id 5 ip length 84 icmp type echo-request icmp code net-unreachable icmp id 13 icmp sequence 2 @th,64,96 0x31db\ntrace id a1 ip filter FORWARD rule counter packets 1 bytes 2 jump U (verdict jump U)\ntrace id a1 ip filter U unknown rule handle 11 (verdict accept)\ntrace id a1 ip filter FORWARD policy drop ',
    );
    expect(log.lines.map((l) => [l.chain, l.kind, l.handle, l.verdict])).toEqual([
      ['FORWARD', 'rule', null, 'jump U'],
      ['U', 'rule', 11, 'accept'],
      ['FORWARD', 'policy', null, 'drop'],
    ]);
    const { packet: p } = log.lines[0];
    expect([p.in, p.out, p.tos, p.ttl, p.icmp]).toEqual(['r0', 'r1', (10 << 2) | 2, 63, { type: 8, code: 0, id: 13, seq: 2, rest: 0, quoted: null }]);
  });
  it('native tables beside those of iptables-nft', () => {
    const of = (family: string, table: string, chain: string): string =>
      `trace id a1 ${family} ${table} ${chain} packet: iif "r0" ip saddr 10.1.0.2 ip daddr 10.2.0.2 ip ttl 63 ip id 5 ip length 40 tcp sport 1 tcp dport 2 tcp flags == syn\ntrace id a1 ${family} ${table} ${chain} policy accept\n`;
    const log = read(of('ip', 'filter', 'FORWARD') + of('inet', 'firewalld', 'filter_FORWARD'));
    expect(log.lines.map((l) => [l.nftFamily, l.table, l.verdict, l.mark])).toEqual([
      ['ip', 'filter', 'accept', 0],
      ['inet', 'firewalld', 'accept', 0],
    ]);
  });
});

describe('hostile', () => {
  it('reading stops when there is enough', () => {
    let given = 0;
    function* endless(): Generator<string> {
      for (;;) {
        given++;
        yield `TRACE: raw:PREROUTING:policy:2 ${SYN}`;
      }
    }
    const { value } = readTraceLog(endless(), 'x');
    expect([value?.stopped, value?.lines.length]).toEqual([true, given]);
    expect(given).toBeLessThan(20_000);
  });
  it('a line of any length', () => {
    const { value } = readTraceLog([`TRACE: filter:${'A'.repeat(1e6)}:rule:1 ${SYN}`, `TRACE: raw:OUTPUT:policy:1 ${SYN} ${'OPT ('.repeat(1e6)}`], 'x');
    expect(value?.lines).toHaveLength(1);
    expect(value?.lines[0].text.length).toBeLessThanOrEqual(MAX_LINE);
  });
  it('names of objects are no tables', () => {
    const { value } = readTraceLog([`TRACE: __proto__:constructor:rule:1 ${SYN}`, `trace id a ip __proto__ constructor policy accept`], 'x');
    expect(value).toBeNull();
  });
});
