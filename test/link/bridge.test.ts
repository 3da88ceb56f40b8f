/** Bridge and VXLAN plans from dumps, and the forwarding database as laws over random frames. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BridgeState, bridgePlans } from '../../src/link/bridge.js';
import type { FdbEntry } from '../../src/link/model.js';
import { VxlanState, vxlanPlans } from '../../src/link/vxlan.js';
import { BRIDGE_MAC, bridgeNode, link, mac } from '../stack/bridge-lab.js';

const plan = (o: Parameters<typeof bridgeNode>[0] = {}) => {
  const n = bridgeNode(o);
  return bridgePlans(n.links, n.fdb).get('br0')!;
};

describe('plan', () => {
  it('ports in descending order of their numbers, whatever the order of the dump', () => {
    expect(plan().ports.map((p) => [p.name, p.no])).toEqual([
      ['p3', 3],
      ['p2', 2],
      ['p1', 1],
    ]);
  });
  it('is one object for one dump', () => {
    const n = bridgeNode();
    expect(bridgePlans(n.links, n.fdb)).toBe(bridgePlans(n.links, n.fdb));
  });
  it('permanent entries are local, static ones are not, filters of devices are none', () => {
    const n = bridgeNode();
    const self: FdbEntry = { ...n.fdb[0], mac: mac('02:00:00:00:00:0f'), master: null, flags: ['self'] };
    const fdb = bridgePlans(n.links, [...n.fdb, self]).get('br0')!.fdb;
    expect(fdb.get(BRIDGE_MAC)).toMatchObject({ local: true, port: null });
    expect(fdb.get(mac('02:00:00:00:00:0a'))).toMatchObject({ local: false, port: 'p1' });
    expect(fdb.has(self.mac)).toBe(false);
  });
  it('without a dump the addresses of bridge and ports are local', () => {
    const n = bridgeNode();
    const fdb = bridgePlans(n.links, []).get('br0')!.fdb;
    expect([...fdb.values()].every((e) => e.local)).toBe(true);
    expect(fdb.size).toBe(4);
  });
});

describe('forwarding database', () => {
  const host = fc.integer({ min: 1, max: 6 }).map((n) => mac(`02:00:00:00:02:0${n}`));
  const seen = fc.record({ port: fc.constantFrom('p1', 'p2', 'p3'), from: host, at: fc.integer({ min: 0, max: 1000 }) });
  it('a host is where it was last seen', () => {
    fc.assert(
      fc.property(fc.array(seen), host, (frames, asked) => {
        const s = new BridgeState(plan({ known: [] }));
        let now = 1;
        for (const f of frames) s.learn(f.port, f.from, (now += f.at));
        expect(s.find(asked, now)?.port ?? null).toBe(frames.findLast((f) => f.from === asked)?.port ?? null);
      }),
    );
  });
  it('and forgotten after the ageing time', () => {
    const s = new BridgeState(plan({ known: [] }));
    const h = mac('02:00:00:00:02:01');
    expect(s.learn('p1', h, 1000)).toBe('learnt');
    expect(s.find(h, 1000 + 299_999)?.port).toBe('p1');
    expect(s.find(h, 1000 + 300_000)).toBeNull();
  });
  it('never learns its own addresses', () => {
    const s = new BridgeState(plan());
    expect(s.learn('p3', BRIDGE_MAC, 5)).toBe('own');
    expect(s.find(BRIDGE_MAC, 5)?.port).toBeNull();
  });
  it('leaves the plan alone', () => {
    const p = plan();
    const before = [...p.fdb];
    new BridgeState(p).learn('p3', mac('02:00:00:00:00:0a'), 5);
    expect([...p.fdb]).toEqual(before);
  });
});

describe('vxlan', () => {
  const dev = (data: Record<string, unknown>) => link('vx', 20, { kind: 'vxlan', data });
  const remote = (m: string, dst: number): FdbEntry => ({
    mac: mac(m),
    dev: 'vx',
    master: null,
    dst,
    vlan: null,
    state: 'permanent',
    flags: ['self'],
    port: null,
    vni: null,
    via: null,
  });
  it('reads what ip -d link prints', () => {
    const [p] = vxlanPlans(
      [dev({ id: 4096, local: '10.0.0.1', port: 4789, port_range: { low: 50000, high: 50001 }, learning: false, df: 'unset', ttl: 0, udp_csum: true })],
      [],
    );
    expect(p).toMatchObject({
      vni: 4096,
      local: 0x0a000001,
      dstPort: 4789,
      portMin: 50000,
      portMax: 50001,
      learning: false,
      df: 'unset',
      udpCsum: true,
      unsupported: [],
    });
    expect(p.fdb.size).toBe(0);
  });
  it('a default remote is the entry of the all-zero address', () => {
    const [p] = vxlanPlans([dev({ id: 1, remote: '10.0.0.9', link: 'e0' })], []);
    expect(new VxlanState(p).find(mac('02:00:00:00:00:01'))).toEqual([{ addr: 0x0a000009, port: null, vni: null, via: 'e0' }]);
  });
  it('an entry of its own goes before it; several remotes of one address stand in order', () => {
    const fdb = [remote('00:00:00:00:00:00', 1), remote('00:00:00:00:00:00', 2), remote('02:00:00:00:00:01', 3)];
    const s = new VxlanState(vxlanPlans([dev({ id: 1 })], fdb)[0]);
    expect(s.find(mac('02:00:00:00:00:01'))?.map((r) => r.addr)).toEqual([3]);
    expect(s.find(mac('02:00:00:00:00:02'))?.map((r) => r.addr)).toEqual([1, 2]);
  });
  it('learns only where it is told to', () => {
    const host = mac('02:00:00:00:00:05');
    for (const learning of [true, false]) {
      const s = new VxlanState(vxlanPlans([dev({ id: 1, learning })], [])[0]);
      s.learn(host, 77);
      expect(s.find(host)?.[0].addr).toBe(learning ? 77 : undefined);
    }
  });
  it('names what it does not do', () => expect(vxlanPlans([dev({ id: 1, external: true, gbp: true })], [])[0].unsupported).toEqual(['external', 'gbp']));
});
