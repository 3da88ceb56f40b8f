/** Everything about flows that is not TCP, SCTP or the rewriting of packets. */
import { describe, expect, it } from 'vitest';
import { type Addr, parseAddr } from '../../../src/base/addr.js';
import { ctState } from '../../../src/netfilter/conntrack/index.js';
import { type CtTemplate, NAT_NOTHING } from '../../../src/netfilter/env.js';
import { IPS, type NetDevice } from '../../../src/packet/types.js';
import { icmp, ip4, Lab, tcp, udp } from './harness.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const template = (zone: number, zoneDir: CtTemplate['zoneDir'] = 'both', zoneMark = false): CtTemplate => ({
  zone,
  zoneDir,
  helper: null,
  ctevents: 0,
  expevents: 0,
  timeout: null,
  zoneMark,
});

describe('ICMP', () => {
  it.each([
    [8, 'NEW'],
    [13, 'NEW'],
    [15, 'NEW'],
    [17, 'NEW'],
    [0, 'INVALID'],
    [14, 'INVALID'],
    [3, 'INVALID'],
    [11, 'INVALID'],
    [9, 'INVALID'],
    [42, 'INVALID'],
  ])('a first message of type %i is %s', (type, state) => {
    const lab = new Lab();
    expect(lab.forward(lab.skb(icmp(A, B, type, 0, 7)))).toBe(state);
    expect([...lab.ct.entries()].length).toBe(state === 'NEW' ? 1 : 0);
  });

  it('relates an error to the flow it quotes, and only when it goes back to the sender', () => {
    const lab = new Lab();
    const request = udp(A, 1000, B, 53);
    lab.forward(lab.skb(request));
    expect(lab.forward(lab.skb(icmp(B, A, 3, 3, 0, request)))).toBe('RELATED');
    expect(lab.forward(lab.skb(icmp('10.0.0.9', A, 11, 0, 0, request)))).toBe('RELATED');
    expect(lab.forward(lab.skb(icmp(B, '10.0.0.3', 3, 3, 0, request)))).toBe('INVALID');
    expect(lab.forward(lab.skb(icmp(B, A, 3, 3, 0, udp(A, 1001, B, 53))))).toBe('INVALID');
  });
});

describe('UDP and others', () => {
  it('is ASSURED once it is a stream', () => {
    const lab = new Lab();
    const assured = (): boolean => [...lab.ct.entries()].every((c) => (c.status & IPS.ASSURED) !== 0);
    expect(lab.forward(lab.skb(udp(A, 1, B, 2)))).toBe('NEW');
    expect(lab.forward(lab.skb(udp(A, 1, B, 2)))).toBe('NEW');
    expect(lab.forward(lab.skb(udp(B, 2, A, 1)))).toBe('ESTABLISHED');
    expect(lab.forward(lab.skb(udp(A, 1, B, 2)))).toBe('ESTABLISHED');
    expect(assured()).toBe(false);
    lab.time = 2001;
    lab.forward(lab.skb(udp(A, 1, B, 2)));
    expect(assured()).toBe(true);
  });

  it('tracks unknown protocols by addresses', () => {
    const lab = new Lab();
    expect(lab.forward(lab.skb(ip4(A, B, 99, new Uint8Array(8))))).toBe('NEW');
    expect(lab.forward(lab.skb(ip4(B, A, 99, new Uint8Array(0))))).toBe('ESTABLISHED');
  });

  it.each([
    ['a wrong checksum', 'nf_conntrack_checksum', 1, 'INVALID'],
    ['a wrong checksum nobody looks at', 'nf_conntrack_checksum', 0, 'NEW'],
  ])('%s', (_name, sysctl, value, state) => {
    const lab = new Lab();
    lab.sysctls.set(`net/netfilter/${sysctl}`, value);
    const skb = lab.skb(udp(A, 1, B, 2));
    skb.csum = 'bad';
    expect(lab.forward(skb)).toBe(state);
  });

  it('drops what a full table has no room for', () => {
    const lab = new Lab();
    lab.sysctls.set('net/netfilter/nf_conntrack_max', 1);
    lab.forward(lab.skb(udp(A, 1, B, 2)));
    expect(lab.ct.conntrackIn(lab.skb(udp(A, 3, B, 2)), 'PREROUTING')).toBe('DROP');
    expect(lab.ct.conntrackIn(lab.skb(udp(B, 2, A, 1)), 'PREROUTING')).toBe('ACCEPT');
  });
});

describe('templates', () => {
  it('keeps zones apart', () => {
    const lab = new Lab();
    const inZone = (t: CtTemplate, data: Uint8Array, mark = 0): string => {
      const skb = lab.skb(data);
      skb.mark = mark;
      lab.ct.attachTemplate(skb, t);
      return lab.forward(skb);
    };
    expect(inZone(template(1), udp(A, 1, B, 2))).toBe('NEW');
    expect(lab.forward(lab.skb(udp(B, 2, A, 1)))).toBe('NEW');
    expect(inZone(template(1), udp(B, 2, A, 1))).toBe('ESTABLISHED');
    expect(inZone(template(0, 'both', true), udp(B, 2, A, 1), 1)).toBe('ESTABLISHED');
    expect(inZone(template(2, 'orig'), udp(A, 5, B, 6))).toBe('NEW');
    expect(lab.forward(lab.skb(udp(B, 6, A, 5)))).toBe('ESTABLISHED');
  });

  it('leaves untracked packets alone', () => {
    const lab = new Lab();
    const skb = lab.skb(udp(A, 1, B, 2));
    lab.ct.untrack(skb);
    expect(lab.forward(skb)).toBe('UNTRACKED');
    expect(lab.ct.size).toBe(0);
  });
});

describe('entries', () => {
  it('die with a packet that is dropped on its way', () => {
    const lab = new Lab();
    const skb = lab.skb(udp(A, 1, B, 2));
    lab.ct.conntrackIn(skb, 'PREROUTING');
    lab.ct.nat(lab.ctx(skb, 'PREROUTING'), []);
    lab.ct.release(skb);
    expect(lab.ct.size).toBe(0);
    expect(lab.forward(lab.skb(udp(B, 2, A, 1)))).toBe('NEW');
    expect(lab.told.some((e) => e.t === 'conntrack' && e.what === 'died')).toBe(true);
  });

  it('of TCP are closed when REJECT answers with a reset', () => {
    const lab = new Lab();
    const syn = lab.skb(tcp(A, 1, B, 2, 'S', 1));
    lab.ct.conntrackIn(syn, 'PREROUTING');
    lab.ct.setClosing(syn);
    lab.ct.confirm(syn);
    expect(lab.tcpState()).toBe('SYN_SENT');
    const answer = lab.skb(tcp(B, 2, A, 1, 'SA', 9, 2));
    lab.ct.conntrackIn(answer, 'PREROUTING');
    lab.ct.setClosing(answer);
    expect(lab.tcpState()).toBe('CLOSE');
    const reset = lab.skb(tcp(A, 1, B, 2, 'R', 2));
    lab.ct.attach(reset, answer);
    expect(ctState(reset)).toBe('RELATED');
  });

  it('keep the packet of a loopback round', () => {
    const lab = new Lab();
    const skb = lab.skb(udp('127.0.0.1', 1, '127.0.0.1', 2));
    lab.ct.conntrackIn(skb, 'OUTPUT');
    lab.ct.nat(lab.ctx(skb, 'OUTPUT'), []);
    lab.ct.nat(lab.ctx(skb, 'POSTROUTING'), []);
    lab.ct.confirm(skb);
    lab.ct.conntrackIn(skb, 'PREROUTING');
    let walked = 0;
    lab.ct.nat(lab.ctx(skb, 'PREROUTING'), [
      () => {
        walked++;
        return 'ACCEPT';
      },
    ]);
    expect([ctState(skb), walked]).toEqual(['NEW', 0]);
  });

  it('share the table when two first packets of one UDP flow race; TCP loses one', () => {
    for (const [make, verdict] of [
      [() => udp(A, 1, B, 2), 'ACCEPT'],
      [() => tcp(A, 1, B, 2, 'S', 1), 'DROP'],
    ] as const) {
      const lab = new Lab();
      const [first, second] = [lab.skb(make()), lab.skb(make())];
      lab.ct.conntrackIn(first, 'PREROUTING');
      lab.ct.conntrackIn(second, 'PREROUTING');
      expect(lab.ct.confirm(first)).toBe('ACCEPT');
      expect(lab.ct.confirm(second)).toBe(verdict);
      expect(lab.ct.size).toBe(1);
      if (verdict === 'ACCEPT') expect(second.ct).toBe(first.ct);
    }
  });

  it('of a masqueraded flow go when its device does, or when it leaves by another', () => {
    const dev = (ifindex: number): NetDevice => ({ ifindex, name: `eth${ifindex}` }) as NetDevice;
    const lab = new Lab();
    const through = (data: Uint8Array, out: NetDevice): unknown => {
      const skb = lab.skb(data);
      lab.ct.conntrackIn(skb, 'PREROUTING');
      lab.ct.nat(lab.ctx(skb, 'PREROUTING'), []);
      const addr = parseAddr('192.0.2.1') as Addr;
      const verdict = lab.ct.nat(lab.ctx(skb, 'POSTROUTING', out), [
        (c) => {
          if (skb.ct) skb.ct.masqIndex = out.ifindex;
          return lab.ct.natSetup(c, { ...NAT_NOTHING, minAddr: addr, maxAddr: addr }, 'SNAT') ? 'ACCEPT' : 'DROP';
        },
      ]);
      return verdict === 'ACCEPT' ? lab.ct.confirm(skb) : verdict;
    };
    expect(through(udp(A, 1, B, 2), dev(3))).toBe('ACCEPT');
    expect(through(udp(A, 1, B, 2), dev(3))).toBe('ACCEPT');
    expect(through(udp(A, 1, B, 2), dev(4))).toBe('DROP');
    expect(lab.ct.size).toBe(0);
    through(udp(A, 1, B, 2), dev(3));
    expect(lab.ct.masqueradeGone(4, null)).toBe(0);
    expect(lab.ct.masqueradeGone(3, parseAddr('192.0.2.1'))).toBe(1);
    expect(lab.ct.size).toBe(0);
  });
});

describe('connlimit', () => {
  it('counts what a rule has seen, closed connections no longer', () => {
    const lab = new Lab();
    const key = parseAddr(A) as Addr;
    const rule = { backend: 'legacy', family: 'ipv4', table: 'filter', chain: 'FORWARD', num: 1 } as const;
    const count = (data: Uint8Array, num = 1): number => {
      const skb = lab.skb(data);
      lab.ct.conntrackIn(skb, 'PREROUTING');
      const n = lab.ct.countConnections({ ...lab.ctx(skb, 'FORWARD'), rule: { ...rule, num } }, key);
      lab.ct.confirm(skb);
      return n;
    };
    expect(count(tcp(A, 1, B, 80, 'S', 1))).toBe(1);
    expect(count(tcp(A, 1, B, 80, 'S', 1))).toBe(1);
    expect(count(tcp(A, 2, B, 80, 'S', 1))).toBe(2);
    expect(count(tcp(A, 3, B, 80, 'S', 1), 2)).toBe(1);
    lab.forward(lab.skb(tcp(B, 80, A, 1, 'SA', 5, 2)));
    lab.forward(lab.skb(tcp(A, 1, B, 80, 'R', 2)));
    expect(count(tcp(A, 4, B, 80, 'S', 1))).toBe(2);
  });
});
