/** Three namespaces, a router with rules between two hosts: built with the real tools for the capture test, and once for the recorded snapshots beside this file. */
import { execFileSync } from 'node:child_process';
import { formatDiagnostic } from '../../src/base/diagnostic.js';
import type { TracePoint } from '../../src/harness/conformance/corpus.js';
import { tracePoint } from '../../src/harness/conformance/trace-point.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/model.js';
import { newScenario } from '../../src/scenario/new-scenario.js';
import { nodeFromSnapshot } from '../../src/scenario/snapshot.js';
import { inferWires } from '../../src/scenario/wires.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import { memoryFiles } from '../diagnostics.readers.js';

/** Commands per namespace, `-` where none is meant. TRACE stands in the rules themselves, so that kernel and model run the same. */
const build = (ns: (n: string) => string): string => `
set -e
for n in ${ns('router')} ${ns('host')} ${ns('server')}; do
  ip netns add $n
  ip netns exec $n sh -c 'for f in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done; ip link set lo up'
done
ip link add eth0 address 02:00:00:00:01:09 netns ${ns('host')} type veth peer name lan0 address 02:00:00:00:01:01 netns ${ns('router')}
ip link add wan0 address 52:54:00:00:02:01 netns ${ns('router')} type veth peer name eth0 address 52:54:00:00:02:07 netns ${ns('server')}
ip -n ${ns('host')} addr add 10.0.0.9/24 dev eth0
ip -n ${ns('router')} addr add 10.0.0.1/24 dev lan0
ip -n ${ns('router')} addr add 93.184.216.1/24 brd + dev wan0
ip -n ${ns('server')} addr add 93.184.216.34/24 dev eth0
ip -n ${ns('server')} addr add 151.101.1.5/32 dev lo
ip -n ${ns('server')} addr add 151.101.1.6/32 dev lo
for d in ${ns('host')}:eth0 ${ns('server')}:eth0 ${ns('router')}:lan0 ${ns('router')}:wan0; do ip -n "\${d%:*}" link set "\${d#*:}" up; done
ip -n ${ns('host')} route add default via 10.0.0.1
ip -n ${ns('server')} route add 10.0.0.0/24 via 93.184.216.1
ip -n ${ns('router')} route add 8.0.0.0/8 via 93.184.216.34
ip -n ${ns('router')} route add 151.101.1.6 via 93.184.216.34
ip -n ${ns('router')} rule add pref 100 fwmark 0x10 lookup 100
ip -n ${ns('router')} route add 151.101.0.0/16 via 93.184.216.34 dev wan0 table 100
ip netns exec ${ns('router')} sh -c '
  echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter; echo nfnetlink_log > /proc/sys/net/netfilter/nf_log/2
  ipset create marked hash:ip; ipset add marked 151.101.1.5
  ipset create blocked hash:net comment; ipset add blocked 8.8.0.0/16 comment "dns.example.org, see 8.8.8.8"
  iptables-legacy -t raw -A PREROUTING -j TRACE
  iptables-legacy -t mangle -A PREROUTING -m set --match-set marked dst -j MARK --set-mark 0x10
  iptables-legacy -N VISITORS
  iptables-legacy -A FORWARD -m set --match-set blocked dst -j DROP
  iptables-legacy -A FORWARD -i lan0 -j VISITORS
  iptables-legacy -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  iptables-legacy -P FORWARD DROP
  iptables-legacy -A VISITORS -m iprange --dst-range 93.184.216.30-93.184.216.40 -m comment --comment "servers at www.example.org" -j ACCEPT
  iptables-legacy -A VISITORS -m mark --mark 0x10 -j ACCEPT
  iptables-legacy -t nat -A PREROUTING -i lan0 -d 93.184.216.99 -j DNAT --to-destination 93.184.216.34
  iptables-legacy -t nat -A POSTROUTING -o wan0 -d 93.184.216.34 -j MASQUERADE
'
`;

/** `ns`: the namespace of a node. */
export function buildNodes(ns: (node: string) => string): void {
  execFileSync('sh', [], { input: build(ns), stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, XTABLES_LOCKFILE: `/run/nfsim-${process.pid}.lock` } });
}

export function removeNodes(ns: (node: string) => string): void {
  for (const n of nodeNames) {
    try {
      execFileSync('ip', ['netns', 'del', ns(n)], { stdio: 'ignore' });
    } catch {
      // It had not been made.
    }
  }
}

export const nodeNames = ['router', 'host', 'server'] as const;

/** Addresses that the host asks, and what is to become of that: every way through the router's rules once. */
export const targets = ['10.0.0.1', '93.184.216.34', '93.184.216.99', '151.101.1.5', '151.101.1.6', '8.8.8.8'] as const;

// --- the model's side ---

/** The scenario that `sim new` would write for these snapshots, with pings of the host instead of its packets. */
export function importSnapshots(snapshots: ReadonlyMap<string, string>, pings: readonly string[], from = 'host'): Scenario {
  const nodes = [...snapshots].map(([name, text]) => {
    const { value, diagnostics } = nodeFromSnapshot(name, text, `${name}.snapshot`);
    if (value === null || diagnostics.length > 0) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    return { node: value, host: 'one', path: `${name}.snapshot` };
  });
  const text = newScenario('captured', nodes, inferWires(nodes)).replace(/^packets:[\s\S]*/m, '');
  const packets = pings.map((t) => `  - { name: "${t}", from: ${from}, ping: "${t}" }\n`).join('');
  const files = Object.fromEntries([...snapshots].map(([name, s]) => [`${name}.snapshot`, s]));
  const { value, diagnostics } = loadScenario('captured.yaml', memoryFiles({ ...files, 'captured.yaml': `${text}packets:\n${packets}` }));
  if (value === null) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return value;
}

/** Trace lines of a node by the name of the packet. */
export function modelTraces(s: Scenario, node = 'router'): Map<string, string[]> {
  const { packets } = runScenario(s, { execute });
  return new Map(packets.map((p) => [p.packet.name, p.events.flatMap((e) => (e.t === 'trace' && e.node === node ? [traceLine(tracePoint(e))] : []))]));
}

/** The fields that do not depend on what a sender chose. */
export function traceLine(t: TracePoint): string {
  const mark = t.mark ? ` MARK=0x${t.mark.toString(16)}` : '';
  return `${t.point} IN=${t.in ?? ''} OUT=${t.out ?? ''} SRC=${t.src} DST=${t.dst} TTL=${t.ttl} TYPE=${t.type} CODE=${t.code}${mark}`;
}
