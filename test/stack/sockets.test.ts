/** What sockets do with segments and datagrams (tcp_input.c, tcp_minisocks.c, udp.c). The kernel corpus proves the everyday ones; here are those it has few or none of. */
import { describe, expect, it } from 'vitest';
import { parseIp4, parseMac } from '../../src/base/addr.js';
import type { CaseInput, InjectStep, LocalStep, SockCloseStep, SockSendStep, StepInput } from '../../src/harness/conformance/corpus.js';
import { bytesHex, hexBytes } from '../../src/harness/conformance/hex.js';
import { modelCase } from '../../src/harness/conformance/model-case.js';
import { buildIcmp, buildIp4, buildTcp, buildUdp, TCP_FLAG } from '../../src/packet/build.js';
import { Skb } from '../../src/packet/skb.js';
import { readSegment } from '../../src/stack/sockets/tcp-reset.js';

const NODE = '10.0.0.1';
const PEER = '10.0.0.9';
const { SYN, ACK, PSH, FIN, RST } = TCP_FLAG;
const ip = (t: string): number => parseIp4(t) as number;
const link = (name: string, ifindex: number, loopback: boolean): unknown => ({
  ifname: name,
  ifindex,
  flags: loopback ? ['LOOPBACK', 'UP', 'LOWER_UP'] : ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: loopback ? 65536 : 1500,
  link_type: loopback ? 'loopback' : 'ether',
  operstate: 'UP',
  address: loopback ? '00:00:00:00:00:00' : '02:00:00:00:00:10',
  broadcast: loopback ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff',
});

interface ListenOn {
  readonly proto: 'tcp' | 'udp';
  readonly addr: string;
  readonly port: number;
}

function caseOf(steps: readonly StepInput[], sockets: readonly ListenOn[]): CaseInput {
  return {
    id: 'test',
    category: 'test',
    scenario: '',
    tags: [],
    schema: 1,
    kernel: '6.18',
    backend: 'legacy',
    family: 'ipv4',
    links: [{ name: 'eth0', mac: '02:00:00:00:00:10', far_mac: '02:fe:00:00:00:10', up: true }],
    ephemeral_ports: [],
    steps,
    state: {
      link: [link('lo', 1, true), link('eth0', 2, false)],
      addr: [
        { ifname: 'lo', ifindex: 1, addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host', label: 'lo' }] },
        { ifname: 'eth0', ifindex: 2, addr_info: [{ family: 'inet', local: NODE, prefixlen: 24, broadcast: '10.0.0.255', scope: 'global', label: 'eth0' }] },
      ],
      neigh: [{ dev: 'eth0', dst: PEER, lladdr: '02:aa:0a:00:00:09', state: ['PERMANENT'] }],
      route_text: [
        '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1',
        'local 10.0.0.1 dev eth0 table local proto kernel scope host src 10.0.0.1',
        'broadcast 10.0.0.255 dev eth0 table local proto kernel scope link src 10.0.0.1',
        'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
        'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
        '',
      ].join('\n'),
      route: [],
      rule_text: '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
      rule: [],
      iptables_save: '',
      sysctl: { 'net/ipv4/ip_forward': '1' },
      sockets: sockets.map((s, i) => ({ id: `srv${i}`, ...s })),
    },
  };
}

function frame(l4: Uint8Array, proto: number, dst = NODE): string {
  const b = buildIp4({ src: ip(PEER), dst: ip(dst), proto, id: 7, payload: l4 });
  const eth = new Uint8Array(14 + b.length);
  for (const [at, mac] of [
    [0, '02:00:00:00:00:10'],
    [6, '02:aa:0a:00:00:09'],
  ] as const) {
    const v = parseMac(mac) as number;
    for (let i = 0; i < 6; i++) eth[at + i] = Math.floor(v / 256 ** (5 - i)) % 256;
  }
  eth.set([8, 0], 12);
  eth.set(b, 14);
  return bytesHex(eth);
}

const segment = (flags: number, seq: number, ack: number, data = ''): string =>
  frame(buildTcp({ sport: 40000, dport: 80, seq, ack, flags, window: 64240, payload: hexBytes(data) }, ip(PEER), ip(NODE)), 6);
const inject = (f: string): Omit<InjectStep, 'n'> => ({ kind: 'inject', dev: 'eth0', frame: f });
const datagram = (dst: string, dport: number): Omit<InjectStep, 'n'> =>
  inject(frame(buildUdp({ sport: 5000, dport, payload: hexBytes('aa') }, ip(PEER), ip(dst)), 17, dst));

interface Seen {
  readonly sent: readonly string[];
  readonly delivered: readonly string[];
  readonly drops: readonly string[];
  readonly result: string | undefined;
}

const letters = (flags: number): string => [...'FSRPA'].filter((_, i) => (flags >> i) & 1).join('');

/** Runs steps and says of each what left (TCP: flags seq ack, relative to nothing), what sockets got and what was dropped. */
function play(
  steps: readonly (Omit<InjectStep, 'n'> | Omit<LocalStep, 'n'> | Omit<SockSendStep, 'n'> | Omit<SockCloseStep, 'n'>)[],
  sockets: readonly ListenOn[],
): Seen[] {
  const model = modelCase(
    caseOf(
      steps.map((s, n) => ({ ...s, n }) as StepInput),
      sockets,
    ),
  );
  return model.steps.map((s) => {
    expect(s.inconclusive).toBeUndefined();
    const o = s.observed!;
    const sent = o.emitted.map((e) => {
      const skb = new Skb(0, { kind: 'received', of: null }, hexBytes(e.frame).slice(14), 0x800);
      const t = skb.l4proto === 6 ? readSegment(skb) : null;
      return t ? `${letters(t.flags)} ${t.seq} ${t.ack}` : `proto ${skb.l4proto} ${skb.u8(skb.thoff)}/${skb.u8(skb.thoff + 1)}`;
    });
    const delivered = (o.delivered ?? []).map((d) => [d.socket, d.event, d.data ?? d.error ?? ''].join(' ').trim());
    return { sent, delivered, drops: o.drops.map((d) => d.reason), result: s.result?.error ?? (s.result?.ok ? 'ok' : undefined) };
  });
}

const LISTEN: ListenOn = { proto: 'tcp', addr: '0.0.0.0', port: 80 };
/** SYN and ACK of a handshake in which the node's initial number is 5000. */
const HANDSHAKE = [inject(segment(SYN, 1000, 0)), inject(segment(ACK, 1001, 5001))];

describe('a TCP connection that was accepted', () => {
  it('shakes hands', () => {
    const [syn, ack] = play(HANDSHAKE, [LISTEN]);
    expect(syn).toMatchObject({ sent: ['SA 5000 1001'], delivered: [], drops: [] });
    expect(ack).toMatchObject({ sent: [], delivered: ['srv0 accept'], drops: [] });
  });

  it.each<[string, string, Partial<Seen>]>([
    ['data is delivered and acknowledged', segment(PSH | ACK, 1001, 5001, '4142'), { sent: ['A 5001 1003'], delivered: ['srv0 data 4142'], drops: [] }],
    ['FIN is the end of the stream', segment(FIN | ACK, 1001, 5001), { sent: ['A 5001 1002'], delivered: ['srv0 eof'], drops: [] }],
    ['data and FIN at once', segment(FIN | PSH | ACK, 1001, 5001, '41'), { sent: ['A 5001 1003'], delivered: ['srv0 data 41', 'srv0 eof'], drops: [] }],
    ['RST with the expected number resets', segment(RST, 1001, 0), { sent: [], drops: [] }],
    ['RST elsewhere in the window is challenged', segment(RST, 1500, 0), { sent: ['A 5001 1001'], delivered: [], drops: ['TCP_RESET'] }],
    ['SYN is challenged', segment(SYN, 1001, 0), { sent: ['A 5001 1001'], delivered: [], drops: ['TCP_INVALID_SYN'] }],
    [
      'a number beyond the window is answered by the right one',
      segment(PSH | ACK, 1001 + 70000, 5001, '41'),
      { sent: ['A 5001 1001'], delivered: [], drops: ['TCP_INVALID_SEQUENCE'] },
    ],
    ['no ACK flag: dropped', segment(PSH, 1001, 0, '41'), { sent: [], delivered: [], drops: ['TCP_FLAGS'] }],
    ['a bare ACK says nothing', segment(ACK, 1001, 5001), { sent: [], delivered: [], drops: [] }],
  ])('%s', (_, f, expected) => {
    expect(play([...HANDSHAKE, inject(f)], [LISTEN])[2]).toMatchObject(expected);
  });

  it('data that came already is acknowledged again', () => {
    const data = inject(segment(PSH | ACK, 1001, 5001, '4142'));
    const [, , , again] = play([...HANDSHAKE, data, data], [LISTEN]);
    expect(again).toMatchObject({ sent: ['A 5001 1003'], delivered: [] });
    expect(again.drops).toHaveLength(1);
  });

  it('sends on the last accepted connection', () => {
    expect(play([...HANDSHAKE, { kind: 'sock_send', socket: 'srv0', payload: '73' }], [LISTEN])[2]).toMatchObject({ sent: ['PA 5001 1001'], result: 'ok' });
  });

  it('small writes wait for the acknowledgement of the one before; the end takes along what waits', () => {
    const send = (payload: string): Omit<SockSendStep, 'n'> => ({ kind: 'sock_send', socket: 'srv0', payload });
    const close: Omit<SockCloseStep, 'n'> = { kind: 'sock_close', socket: 'srv0' };
    const acked = inject(segment(ACK, 1001, 5002));
    const sent = (...steps: Parameters<typeof play>[0]): unknown =>
      play([...HANDSHAKE, send('01'), send('0203'), send('04'), ...steps], [LISTEN]).map((x) => x.sent);
    expect(sent(acked, send('05'))).toEqual([['SA 5000 1001'], [], ['PA 5001 1001'], [], [], ['PA 5002 1001'], []]);
    expect(sent(inject(segment(PSH | ACK, 1001, 5002, '41')))).toEqual([['SA 5000 1001'], [], ['PA 5001 1001'], [], [], ['PA 5002 1002']]);
    expect(sent(close)).toEqual([['SA 5000 1001'], [], ['PA 5001 1001'], [], [], ['FPA 5002 1001']]);
  });
});

describe('a handshake that fails', () => {
  /** What later acknowledges 7777 tells that the node began with 7776. */
  const later = segment(ACK, 1001, 7777);
  it.each<[string, readonly string[], Partial<Seen>]>([
    ['RST ends the request', [segment(RST, 1001, 0)], { sent: [], drops: ['NOT_SPECIFIED'] }],
    ['SYN-ACK is refused', [segment(SYN | ACK, 1001, 5001)], { sent: ['R 5001 0'], drops: ['NOT_SPECIFIED'] }],
    ['the SYN again: the SYN-ACK again', [segment(SYN, 1000, 0), later], { sent: ['SA 7776 1001'], drops: ['NOT_SPECIFIED'] }],
    ['after a reset the ACK is the listener’s', [segment(SYN | ACK, 1001, 5001), segment(ACK, 1001, 5001)], { sent: ['R 5001 0'], drops: ['NOT_SPECIFIED'] }],
  ])('%s', (_, frames, expected) => {
    expect(play([HANDSHAKE[0], ...frames.map(inject)], [LISTEN])[1]).toMatchObject(expected);
  });

  it.each<[string, number, Partial<Seen>]>([
    ['ACK', ACK, { sent: ['R 9 0'], drops: ['TCP_FLAGS'] }],
    ['RST', RST, { sent: [], drops: ['TCP_RESET'] }],
    ['SYN and FIN', SYN | FIN, { sent: [], drops: ['TCP_FLAGS'] }],
    ['no flags', 0, { sent: [], drops: ['TCP_FLAGS'] }],
  ])('a listener and %s', (_, flags, expected) => {
    expect(play([inject(segment(flags, 1000, 9))], [LISTEN])[0]).toMatchObject(expected);
  });

  it('a closed port resets', () => {
    expect(play([inject(segment(SYN, 1000, 0))], [])[0]).toMatchObject({ sent: ['RA 0 1001'], drops: ['NO_SOCKET'] });
  });
});

describe('connect', () => {
  const connect: Omit<LocalStep, 'n'> = { kind: 'local', proto: 'tcp', dst: PEER, dport: 80, sport: 40001 };
  const answer = (flags: number, ack: number): Omit<InjectStep, 'n'> => ({
    ...inject(frame(buildTcp({ sport: 80, dport: 40001, seq: 100, ack, flags, window: 64240 }, ip(PEER), ip(NODE)), 6)),
    derived_from: 0,
  });
  it.each<[string, number, Partial<Seen>]>([
    ['SYN-ACK connects', SYN | ACK, { sent: ['A 3000 101'], delivered: ['local0 connected'], drops: [] }],
    ['RST refuses', RST | ACK, { sent: [], delivered: ['local0 error ECONNREFUSED'], drops: [] }],
    ['a bare ACK is dropped', ACK, { sent: [], delivered: [], drops: ['TCP_FLAGS'] }],
  ])('%s', (_, flags, expected) => {
    const [syn, reply] = play([connect, answer(flags, 3000)], []);
    expect(syn).toMatchObject({ sent: ['S 2999 0'], result: 'ok' });
    expect(reply).toMatchObject(expected);
  });

  it('an ICMP error that quotes the SYN ends it', () => {
    const quoted = buildIp4({
      src: ip(NODE),
      dst: ip(PEER),
      proto: 6,
      payload: buildTcp({ sport: 40001, dport: 80, seq: 2999, flags: SYN }, ip(NODE), ip(PEER)).slice(0, 8),
    });
    const error = { ...inject(frame(buildIcmp({ type: 3, code: 1, payload: quoted }), 1)), derived_from: 0 };
    expect(play([connect, error], [])[1]).toMatchObject({ delivered: ['local0 error EHOSTUNREACH'], drops: [] });
  });

  it('reaches a listener of the same node over lo', () => {
    expect(play([{ ...connect, dst: NODE }], [LISTEN])[0]).toMatchObject({ sent: [], delivered: ['srv0 accept', 'local1 connected'], result: 'ok' });
  });

  it.each([
    ['10.9.9.9', 'ENETUNREACH'],
    ['10.0.0.255', 'ENETUNREACH'],
  ])('to %s fails with %s', (dst, error) => {
    expect(play([{ ...connect, dst }], [])[0].result).toBe(error);
  });

  it('a port that is listened on is taken', () => {
    expect(play([{ ...connect, sport: 80 }], [LISTEN])[0].result).toBe('bind:EADDRINUSE');
  });
});

describe('UDP', () => {
  const any: ListenOn = { proto: 'udp', addr: '0.0.0.0', port: 53 };
  const bound: ListenOn = { proto: 'udp', addr: NODE, port: 53 };
  it.each<[string, readonly ListenOn[], string, Partial<Seen>]>([
    ['an exact address comes before any', [any, bound], NODE, { delivered: ['srv1 data aa'] }],
    ['whatever the order', [bound, any], NODE, { delivered: ['srv0 data aa'] }],
    ['of equals the latest', [any, any], NODE, { delivered: ['srv1 data aa'] }],
    ['a broadcast reaches all that are bound to any', [any, bound, any], '10.0.0.255', { delivered: ['srv0 data aa', 'srv2 data aa'] }],
    ['nobody: port unreachable', [], NODE, { sent: ['proto 1 3/3'], drops: ['NO_SOCKET'] }],
    ['a broadcast for nobody is silent', [bound], '10.0.0.255', { sent: [], drops: ['NOT_SPECIFIED'] }],
  ])('%s', (_, sockets, dst, expected) => {
    expect(play([datagram(dst, 53)], sockets)[0]).toMatchObject(expected);
  });

  it('answers the last peer, and has none at first', () => {
    const send: Omit<SockSendStep, 'n'> = { kind: 'sock_send', socket: 'srv0', payload: '01' };
    const [none, , ok] = play([send, datagram(NODE, 53), send], [any]);
    expect([none.result, ok.result, ok.sent.length]).toEqual(['EDESTADDRREQ', 'ok', 1]);
  });

  it('broadcasting needs leave', () => {
    const send: Omit<LocalStep, 'n'> = { kind: 'local', proto: 'udp', dst: '10.0.0.255', dport: 53, sport: 5000, payload: 'aa' };
    expect(play([send], [])[0].result).toBe('EACCES');
    expect(play([{ ...send, broadcast: true }], [])[0].result).toBe('ok');
  });
});

describe('identification of packets from sockets without a peer (ip_select_ident_segs(), ip_build_and_send_pkt())', () => {
  const idsOf = (steps: readonly StepInput[], sockets: readonly ListenOn[]): number[] =>
    modelCase(caseOf(steps, sockets)).steps.flatMap((s) =>
      s.observed!.emitted.map((e) => new Skb(0, { kind: 'received', of: null }, hexBytes(e.frame).slice(14), 0x800).ipId),
    );
  it('SYN-ACK and RST carry 0, an established connection does not', () => {
    const data = inject(segment(PSH | ACK, 1001, 5001, '41'));
    const [synAck, ack] = idsOf(
      [...HANDSHAKE, data].map((s, n) => ({ ...s, n }) as StepInput),
      [LISTEN],
    );
    expect(synAck).toBe(0);
    expect(ack).not.toBe(0);
    expect(idsOf([{ ...inject(segment(SYN, 1000, 0)), n: 0 } as StepInput], [])).toEqual([0]);
  });
});

describe('a socket that is closed in the case', () => {
  const connect = { kind: 'local', proto: 'tcp', dst: PEER, dport: 80, sport: 40000 } as const;
  it('a connection that was never made goes silently, and its port is free', () => {
    const steps = [connect, { kind: 'sock_close', socket: 'local0' }, connect].map((s, n) => ({ ...s, n }) as StepInput);
    const model = modelCase(caseOf(steps, []));
    expect(model.steps.map((s) => [s.result?.ok, s.observed?.emitted.length])).toEqual([
      [true, 1],
      [true, 0],
      [true, 1],
    ]);
  });
  it('one that is accepted ends with FIN; datagrams to one that is gone are refused', () => {
    const close: StepInput = { kind: 'sock_close', n: 2, socket: 'srv0' };
    const fin = modelCase(caseOf([...HANDSHAKE.map((s, n) => ({ ...s, n }) as StepInput), close], [LISTEN])).steps[2];
    expect(
      fin.observed?.emitted.map((e) => letters(readSegment(new Skb(0, { kind: 'received', of: null }, hexBytes(e.frame).slice(14), 0x800))!.flags)),
    ).toEqual(['FA']);
    const udp = [
      { ...datagram(NODE, 53), n: 0 },
      { kind: 'sock_close', n: 1, socket: 'srv0' },
      { ...datagram(NODE, 53), n: 2 },
    ] as StepInput[];
    const steps = modelCase(caseOf(udp, [{ proto: 'udp', addr: '0.0.0.0', port: 53 }])).steps;
    expect(steps.map((s) => s.observed?.delivered?.length ?? 0)).toEqual([1, 0, 0]);
    expect(steps[2].observed?.emitted).toHaveLength(1);
  });
});
