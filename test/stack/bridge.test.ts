/** The bridge's decisions, case by case (net/bridge/br_input.c, br_forward.c); the kernel corpus category `bridge` is the proof on real Linux. */
import { describe, expect, it } from 'vitest';
import { buildIp4, buildUdp } from '../../src/packet/build.js';
import { BRIDGE_MAC, type BridgeOptions, bridgeNode, frame, HOST, mac, send } from './bridge-lab.js';

const BROADCAST = 0xffffffffffff;
const GROUP = mac('01:00:5e:01:02:03');
const NOBODY = mac('02:00:00:00:00:77');
const OTHER = mac('02:00:00:00:00:99');

describe('bridging decision', () => {
  const off = { hairpin: false };
  it.each<[string, BridgeOptions, number, readonly string[], readonly string[]]>([
    ['a known host: one port', {}, HOST.b, ['p2'], []],
    ['an unknown host: all other ports, highest number first', {}, NOBODY, ['p3', 'p2'], []],
    ['broadcast: all other ports, and up', {}, BROADCAST, ['p3', 'p2'], ['UNHANDLED_PROTO proto-unknown']],
    ['multicast: the same', {}, GROUP, ['p3', 'p2'], ['UNHANDLED_PROTO proto-unknown']],
    ['the bridge itself: up', {}, BRIDGE_MAC, [], ['UNHANDLED_PROTO proto-unknown']],
    ['back out of its own port: no', {}, HOST.a, [], ['NOT_SPECIFIED bridge-hairpin']],
    ['back out of its own port in hairpin mode: yes', { ports: { p1: { hairpin: true } } }, HOST.a, ['p1'], []],
    ['flood includes a hairpin port', { ports: { p1: { hairpin: true } } }, NOBODY, ['p3', 'p2', 'p1'], []],
    ['both ports isolated', { ports: { p1: { isolated: true }, p2: { isolated: true } } }, HOST.b, [], ['NOT_SPECIFIED bridge-isolated']],
    ['one port isolated', { ports: { p1: { isolated: true } } }, HOST.b, ['p2'], []],
    ['flood passes isolated ports over', { ports: { p1: { isolated: true }, p2: { isolated: true } } }, NOBODY, ['p3'], []],
    ['a port that does not flood unknown hosts', { ports: { p3: { flood: false, ...off } } }, NOBODY, ['p2'], []],
    ['no port floods', { ports: { p2: { flood: false }, p3: { flood: false } } }, NOBODY, [], ['NO_TX_TARGET bridge-flood-off']],
    ['bcast_flood off', { ports: { p2: { bcast_flood: false } } }, BROADCAST, ['p3'], ['UNHANDLED_PROTO proto-unknown']],
    ['mcast_flood off', { ports: { p3: { mcast_flood: false } } }, GROUP, ['p2'], ['UNHANDLED_PROTO proto-unknown']],
    ['the target port blocks', { ports: { p2: { state: 'blocking' } } }, HOST.b, [], ['NOT_SPECIFIED bridge-port-state']],
    ['the ingress port blocks', { ports: { p1: { state: 'blocking' } } }, HOST.b, [], ['BRIDGE_INGRESS_STP_STATE bridge-port-state']],
    ['the ingress port only learns', { ports: { p1: { state: 'learning' } } }, HOST.b, [], ['BRIDGE_INGRESS_STP_STATE bridge-port-state']],
    ['numbers as ip -d prints them', { ports: { p2: { hairpin: 'off', flood: 'on', state: 3 } } }, HOST.b, ['p2'], []],
    ['too long for the port', { mtu: { p2: 40 } }, HOST.b, [], ['NOT_SPECIFIED too-big']],
    ['pause frames never pass', {}, mac('01:80:c2:00:00:01'), [], ['MAC_IEEE_MAC_CONTROL bridge-local-frame']],
    ['BPDUs pass a bridge without STP', {}, mac('01:80:c2:00:00:00'), ['p3', 'p2'], ['UNHANDLED_PROTO proto-unknown']],
    ['LLDP stays on its link', {}, mac('01:80:c2:00:00:0e'), [], ['UNHANDLED_PROTO proto-unknown']],
    ['unless group_fwd_mask lets it', { bridge: { group_fwd_mask: '0x4000' } }, mac('01:80:c2:00:00:0e'), ['p3', 'p2'], ['UNHANDLED_PROTO proto-unknown']],
  ])('%s', (_, options, dst, out, drops) => {
    const came = send(bridgeNode(options), ['p1', frame(dst, HOST.a)]);
    expect({ out: came.out, drops: came.drops, inconclusive: came.inconclusive }).toEqual({ out, drops, inconclusive: [] });
  });

  it('a promiscuous bridge takes a copy of what is for others', () => {
    const n = bridgeNode();
    const node = { ...n, links: n.links.map((l) => (l.name === 'br0' ? { ...l, flags: [...l.flags, 'PROMISC'] } : l)) };
    const came = send(node, ['p1', frame(HOST.b, HOST.a)]);
    expect([came.out, came.drops]).toEqual([['p2'], ['UNHANDLED_PROTO proto-unknown']]);
  });

  it.each([0, BROADCAST, GROUP])('no frame may come from %i', (src) => {
    expect(send(bridgeNode(), ['p1', frame(HOST.b, src)]).drops).toEqual(['MAC_INVALID_SOURCE bridge-local-frame']);
  });

  it('what it does not know is said', () => {
    expect(send(bridgeNode({ bridge: { vlan_filtering: 1 } }), ['p1', frame(HOST.b, HOST.a)]).inconclusive).toHaveLength(1);
  });
});

describe('VLAN tags on a bridge that does not filter', () => {
  const tagged = (dst: number, tci: number): Uint8Array => {
    const f = frame(dst, HOST.a);
    return Uint8Array.from([...f.slice(0, 12), 0x81, 0, tci >>> 8, tci & 255, ...f.slice(12)]);
  };
  it('pass with their tag', () => {
    const came = send(bridgeNode(), ['p1', tagged(HOST.b, 5)]);
    expect(came.out).toEqual(['p2']);
    expect(came.frames[0]).toEqual(tagged(HOST.b, 5));
  });
  it('reach nobody here without a VLAN device', () =>
    expect(send(bridgeNode(), ['p1', tagged(BRIDGE_MAC, 5)]).drops).toEqual(['UNHANDLED_PROTO proto-unknown']));
  it('do not meet iptables unless bridge-nf-filter-vlan-tagged says so', () => {
    const ip = buildIp4({ src: 0x0a00000a, dst: 0x0a00000b, proto: 17, payload: buildUdp({ sport: 1, dport: 2 }, 0x0a00000a, 0x0a00000b) });
    const f = frame(HOST.b, HOST.a, 0x0800, ip);
    const t = Uint8Array.from([...f.slice(0, 12), 0x81, 0, 0, 5, ...f.slice(12)]);
    const met = (value: string) =>
      send(bridgeNode({ sysctls: [['net/bridge/bridge-nf-filter-vlan-tagged', value]] }), ['p1', t]).events.some((e) => e.t === 'hook' && e.family === 'ipv4');
    expect([met('0'), met('1')]).toEqual([false, true]);
  });
});

describe('learning', () => {
  const seen: readonly [string, Uint8Array] = ['p2', frame(HOST.a, OTHER)];
  const answer: readonly [string, Uint8Array] = ['p1', frame(OTHER, HOST.a)];
  it('the answer goes to the port where the host was seen', () => expect(send(bridgeNode(), seen, answer).out).toEqual(['p2']));
  it('a port that does not learn: the answer is flooded', () =>
    expect(send(bridgeNode({ ports: { p2: { learning: false } } }), seen, answer).out).toEqual(['p3', 'p2']));
  it('ageing 0 learns nothing', () => expect(send(bridgeNode({ bridge: { ageing_time: 0 } }), seen, answer).out).toEqual(['p3', 'p2']));
  it('a static entry moves as well', () => expect(send(bridgeNode(), ['p3', frame(HOST.a, HOST.b)], ['p1', frame(HOST.b, HOST.a)]).out).toEqual(['p3']));
  it('the node’s own address does not', () => expect(send(bridgeNode(), ['p3', frame(HOST.a, BRIDGE_MAC)], ['p1', frame(BRIDGE_MAC, HOST.a)]).out).toEqual([]));
  it('a locked port lets only known hosts in', () => {
    const node = bridgeNode({ ports: { p1: { locked: true } } });
    expect(send(node, ['p1', frame(HOST.b, HOST.a)]).out).toEqual(['p2']);
    expect(send(node, ['p1', frame(HOST.b, OTHER)]).out).toEqual([]);
  });
});

describe('ebtables in the bridge', () => {
  const udp = (src: number, dst: number): Uint8Array => buildIp4({ src, dst, proto: 17, payload: buildUdp({ sport: 1000, dport: 53 }, src, dst) });
  const A = 0x0a00000a;
  const B = 0x0a00000b;
  it.each<[string, string, readonly string[], readonly string[]]>([
    ['FORWARD drops', '*filter\n-A FORWARD -i p1 -o p2 -p IPv4 --ip-proto udp --ip-dport 53 -j DROP\n', [], ['NETFILTER_DROP ebtables-drop']],
    ['another port passes', '*filter\n-A FORWARD -p IPv4 --ip-proto udp --ip-dport 54 -j DROP\n', ['p2'], []],
    ['a policy drops', '*filter\n:FORWARD DROP\n', [], ['NETFILTER_DROP ebtables-drop']],
    ['a user chain returns', '*filter\n:FORWARD DROP\n:u RETURN\n-A FORWARD -j u\n-A FORWARD -j ACCEPT\n-A u -p ARP -j DROP\n', ['p2'], []],
    ['a user chain’s policy decides', '*filter\n:u DROP\n-A FORWARD -j u\n', [], ['NETFILTER_DROP ebtables-drop']],
    ['redirect takes it up, to be routed', '*nat\n-A PREROUTING -p IPv4 -j redirect\n', [], ['IP_INADDRERRORS forwarding-off']],
    ['dnat sends it elsewhere', '*nat\n-A PREROUTING -i p1 -j dnat --to-dst 02:00:00:00:00:0c --dnat-target ACCEPT\n', ['p3'], []],
    [
      'mark and mark match',
      '*nat\n-A PREROUTING -j mark --mark-set 0x7 --mark-target ACCEPT\n*filter\n-A FORWARD --mark 0x7 -j DROP\n',
      [],
      ['NETFILTER_DROP ebtables-drop'],
    ],
    ['an unknown option is never guessed at', '*filter\n-A FORWARD --colour blue -j DROP\n', [], []],
  ])('%s', (name, ebtables, out, drops) => {
    const came = send(bridgeNode({ ebtables }), ['p1', frame(HOST.b, HOST.a, 0x0800, udp(A, B))]);
    expect({ out: came.out, drops: came.drops, unknown: came.inconclusive.length }).toEqual({ out, drops, unknown: name.startsWith('an unknown') ? 1 : 0 });
  });

  it('snat rewrites the source on the way out', () => {
    const came = send(bridgeNode({ ebtables: '*nat\n-A POSTROUTING -o p2 -j snat --to-src 02:00:00:00:00:ee --snat-target ACCEPT\n' }), [
      'p1',
      frame(HOST.b, HOST.a),
    ]);
    expect(came.frames[0].slice(6, 12)).toEqual(Uint8Array.from([2, 0, 0, 0, 0, 0xee]));
  });

  it('limit lets its burst pass', () => {
    const node = bridgeNode({ ebtables: '*filter\n:FORWARD DROP\n-A FORWARD --limit 1/hour --limit-burst 2 -j ACCEPT\n' });
    const f: readonly [string, Uint8Array] = ['p1', frame(HOST.b, HOST.a)];
    expect([send(node, f).out, send(node, f, f).out, send(node, f, f, f).out]).toEqual([['p2'], ['p2'], []]);
  });

  it('broute DROP routes instead of bridging', () => {
    const came = send(bridgeNode({ ebtables: '*broute\n-A BROUTING -p IPv4 -i p1 -j DROP\n' }), ['p1', frame(HOST.b, HOST.a, 0x0800, udp(A, B))]);
    expect(came.out).toEqual([]);
    expect(came.drops).toEqual(['OTHERHOST not-for-us']);
    expect(send(bridgeNode({ ebtables: '*broute\n-A BROUTING -p ARP -j DROP\n' }), ['p1', frame(HOST.b, HOST.a, 0x0800, udp(A, B))]).out).toEqual(['p2']);
  });
});

describe('br_netfilter', () => {
  const ipFrame = (): Uint8Array =>
    frame(HOST.b, HOST.a, 0x0800, buildIp4({ src: 0x0a00000a, dst: 0x0a00000b, proto: 17, payload: buildUdp({ sport: 1, dport: 2 }, 0x0a00000a, 0x0a00000b) }));
  const hooks = (o: BridgeOptions): readonly string[] =>
    send(bridgeNode(o), ['p1', ipFrame()]).events.flatMap((e) => (e.t === 'hook' ? [`${e.family} ${e.hook} ${e.in ?? '-'} ${e.out ?? '-'}`] : []));
  const bridged = ['bridge PREROUTING p1 -', 'bridge FORWARD p1 p2', 'bridge POSTROUTING - p2'];
  it('runs the inet hooks inside the bridge’s, with the bridge as device', () => {
    expect(hooks({})).toEqual([bridged[0], 'ipv4 PREROUTING br0 -', bridged[1], 'ipv4 FORWARD br0 br0', bridged[2], 'ipv4 POSTROUTING - br0']);
  });
  it('or not at all', () => expect(hooks({ sysctls: [['net/bridge/bridge-nf-call-iptables', '0']] })).toEqual(bridged));
  it('per bridge', () => expect(hooks({ sysctls: [['net/bridge/bridge-nf-call-iptables', '0']], bridge: { nf_call_iptables: 1 } })).toHaveLength(6));
  describe('a port with a smaller MTU', () => {
    const big = (df: boolean): Uint8Array =>
      frame(
        HOST.b,
        HOST.a,
        0x0800,
        buildIp4({
          src: 0x0a00000a,
          dst: 0x0a00000b,
          proto: 17,
          df,
          payload: buildUdp({ sport: 1, dport: 2, payload: new Uint8Array(1000) }, 0x0a00000a, 0x0a00000b),
        }),
      );
    const node = (called: string) => {
      const n = bridgeNode({ mtu: { p2: 600 }, sysctls: [['net/bridge/bridge-nf-call-iptables', called]] });
      return { ...n, links: n.links.map((l) => (l.name === 'br0' ? { ...l, mtu: 600 } : l)) };
    };
    it('is met with fragments', () => {
      const came = send(node('1'), ['p1', big(false)]);
      expect(came.frames.map((f) => f.length)).toEqual([14 + 20 + 576, 14 + 20 + 432]);
    });
    it('but not where DF is set', () => expect(send(node('1'), ['p1', big(true)]).drops).toEqual(['NOT_SPECIFIED too-big']));
    it('and not by a plain bridge', () => expect(send(node('0'), ['p1', big(false)]).drops).toEqual(['NOT_SPECIFIED too-big']));
  });

  it('a damaged header is dropped inside the bridge', () => {
    const bad = ipFrame();
    bad[24] ^= 1;
    expect(send(bridgeNode(), ['p1', bad]).drops).toEqual(['IP_INHDR bad-header']);
    expect(send(bridgeNode({ sysctls: [['net/bridge/bridge-nf-call-iptables', '0']] }), ['p1', bad]).out).toEqual(['p2']);
  });
});
