/** What a verdict offers is tried: the changes that save the packet, how few they are, and what they cost others. */
import { describe, expect, it } from 'vitest';
import { diskFiles, libraryDir } from '../../src/cli/files.js';
import { triedRepairs } from '../../src/harness/repairs.js';
import { failed } from '../../src/render/fates.js';
import { commandsOf, type Tried, triedLines } from '../../src/render/mend.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { FileSource, Scenario } from '../../src/scenario/model.js';
import { type RunOptions, runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute } from '../../src/tools/execute.js';
import { memoryFiles } from '../diagnostics.readers.js';

const how: RunOptions = { execute, apply: applyAll };

function load(file: string, files: FileSource): Scenario {
  const { value, diagnostics } = loadScenario(file, files);
  if (!value) throw new Error(diagnostics[0].message);
  return value;
}

function tried(s: Scenario): readonly Tried[] | null {
  const run = runScenario(s, how);
  const first = run.packets.find(failed);
  if (!first) throw new Error('no packet fails');
  return triedRepairs(run, first, how);
}
const ofLibrary = (name: string): readonly Tried[] => tried(load(`${libraryDir}/${name}.yaml`, diskFiles)) ?? [];
const said = (list: readonly Tried[]): string[] => list.map((t) => `${t.saves ? '+' : '-'} ${commandsOf(t.changes).join(' & ')} = ${t.fate}`);

/** A server behind two port forwardings, which takes ssh from outside only. */
const TWO_WAYS = `version: 1
nodes:
  inside: { address: 10.0.1.2/24, gateway: 10.0.1.1 }
  outside: { address: 10.0.2.9/24, gateway: 10.0.2.1 }
  router:
    addresses: { lan: 10.0.1.1/24, wan: 10.0.2.1/24 }
    sysctl: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.send_redirects: 0, net.ipv4.conf.lan.send_redirects: 0 }
    iptables: |
      *nat
      -A PREROUTING -d 10.0.2.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.1.3:8080
      -A PREROUTING -d 10.0.2.1/32 -p tcp -m tcp --dport 22 -j DNAT --to-destination 10.0.1.3:22
      COMMIT
  server:
    address: 10.0.1.3/24
    gateway: 10.0.1.1
    listen: [tcp/8080, tcp/22]
    iptables: |
      *filter
      :INPUT DROP [0:0]
      -A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT
      -A INPUT -s 10.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
      COMMIT
wires:
  - { switch: lan, ends: [inside:eth0, router:lan, server:eth0] }
  - [router:wan, outside:eth0]
packets:
  - { name: ssh, from: outside, tcp: 10.0.2.1:22 }
  - { name: web, from: inside, tcp: 10.0.2.1:80 }
`;
const twoWays = (): Scenario => load('s.yaml', memoryFiles({ 's.yaml': TWO_WAYS }));

describe('repairs', () => {
  it('those that save the packet come first, the others with what becomes of it', () =>
    expect(said(ofLibrary('fabedge-edge-to-node'))).toEqual([
      '+ edge1: ipset add FABEDGE-PEER-CIDR 10.234.102.161 = answered',
      '- node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=2 = its answer is LOST on edge1: XFRM_POLICY (xfrm-policy)',
    ]));

  it('where one change is not enough, they are put together', () =>
    expect(said(ofLibrary('bridge/pod-to-its-own-service'))[0]).toBe(
      '+ node: bridge link set dev va hairpin on & pod: sysctl -w net.ipv4.conf.eth0.accept_local=1 & node: iptables -t nat -I POSTROUTING 1 -d 10.5.0.2 -j MASQUERADE = connected',
    ));

  it('names packets that fail only with the change', () => {
    const first = (tried(twoWays()) ?? []).find((t) => t.harms.length > 0);
    if (!first) throw new Error('none');
    expect(said([first])).toEqual(['+ router: iptables -t nat -I POSTROUTING 1 -d 10.0.1.3 -j MASQUERADE = connected']);
    expect(first.harms).toEqual(['ssh']);
    expect(triedLines([first])[0]).toMatch(/^try: --do '.*' {2}\(then: connected, but ssh fails\)$/);
  });

  it('is left alone where the run is too large to be run again', () => {
    const run = runScenario(twoWays(), how);
    expect(triedRepairs({ ...run, events: new Array(1_000_000).fill(run.events[0]) }, run.packets[1], how)).toBe(null);
  });

  it('of several packets costs together what that of one may', () => {
    const run = runScenario(twoWays(), how);
    const spent = { events: 0 };
    const packet = run.packets.find(failed)!;
    expect(triedRepairs(run, packet, how, spent)).not.toEqual([]);
    expect(spent.events).toBeGreaterThan(0);
    expect(triedRepairs(run, packet, how, { events: 200_000 })).toBe(null);
  });

  it('says the same twice', () => expect(said(ofLibrary('dnat/hairpin-nat'))).toEqual(said(ofLibrary('dnat/hairpin-nat'))));
});
