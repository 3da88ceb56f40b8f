/** A scenario's nodes as namespaces, and one more in which all their wires end. */
import { execFileSync } from 'node:child_process';
import { readNftList } from '../formats/nft-list.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { Application, NodeCommand, NodeState, Scenario } from '../scenario/model.js';
import { nativeTables } from '../stack/nft-native.js';
import { PREFIX } from './bench.js';
import { FarEnds } from './far-ends.js';
import { LabNode, NotBuilt } from './lab-node.js';
import { tracingTable } from './nft-load.js';
import { isWired, speaksIpv6 } from './node-setup.js';
import type { Backend } from './node-state.js';
import { kernelLacks } from './probe.js';

/** Kinds of devices that a lab builds, besides veth pairs. */
const KINDS: ReadonlySet<string> = new Set(['bridge', 'vxlan']);

/** Why a scenario cannot be built or sent: what the kernel at hand lacks, or the lab; null = it can. */
export function unbuildable(s: Scenario): string | null {
  for (const n of s.nodes) {
    for (const l of n.links) {
      if (l.linkType === 'loopback' || isWired(l)) continue;
      const lack = kernelLacks(l.kind);
      if (lack !== null) return `this kernel has no ${l.kind} devices (${lack}), and ${n.name}:${l.name} is one`;
      if (!KINDS.has(l.kind)) return `the lab does not build ${l.kind} devices, and ${n.name}:${l.name} is one`;
    }
    if (n.xfrmPolicies.length > 0 || n.xfrmStates.length > 0) {
      const lack = kernelLacks('esp');
      return lack === null ? `the lab does not build IPsec, and ${n.name} uses it` : `this kernel has no ESP (${lack}), and ${n.name} uses it`;
    }
    const two = confused(n);
    if (two !== null) return two;
    const socket = n.sockets.find((k) => k.transparent || k.dev !== null);
    if (socket) return `${n.name} has a socket ${socket.transparent ? 'that is transparent' : 'bound to a device'}`;
  }
  for (const a of s.apply) if (a.text === null) return `what ${a.run?.join(' ') ?? 'a program'} prints is to be applied, and it has not run`;
  if ([...s.apply.map((a) => a.text ?? ''), ...[...s.do, ...s.packets.flatMap((p) => p.do)].map((c) => c.command)].some((t) => /\bflush\s+ruleset\b/.test(t)))
    return 'it flushes the rule set of nft, in which the lab has tables of its own';
  for (const p of s.packets) {
    const { source, spec } = p;
    if (source.kind === 'local' && !['ping', 'udp', 'tcp'].includes(spec.kind)) return `packet ${p.name} is sent by a raw IP socket`;
    if (spec.kind === 'tcp' && (spec.mark !== 0 || spec.tos !== 0 || spec.dev !== null || spec.ttl !== null))
      return `packet ${p.name} asks for a mark, TOS, TTL or device of a TCP socket, which Node has no word for`;
    if (source.kind !== 'device') continue;
    const dev = s.nodes.find((n) => n.name === source.node)?.links.find((l) => l.name === source.dev);
    if (!dev || !isWired(dev)) return `packet ${p.name} arrives at ${source.node}:${source.dev}, which has no far end`;
  }
  return null;
}

const VXLAN_PORTS = { low: 50000, high: 50001 };

/** A VXLAN device that says nothing of its source ports gets a range of one: otherwise they come from a hash with a secret of the boot. */
const withoutChance = (n: NodeState): NodeState => ({
  ...n,
  links: n.links.map((l) => (l.kind === 'vxlan' && l.data.port_range === undefined ? { ...l, data: { ...l.data, port_range: VXLAN_PORTS } } : l)),
});

/**
 * The scenario as model and kernel run it: tracing switched on, by commands on each node or a table of its own where there are rules of nft itself, and nothing
 * left to chance that can be given.
 */
export function prepared(s: Scenario, backend: Backend): Scenario {
  const families = s.nodes.some(speaksIpv6) ? ['iptables', 'ip6tables'] : ['iptables'];
  const native = new Set(s.nodes.filter((n) => usesNft(s, n)));
  const on: NodeCommand[] = s.nodes.flatMap((n) =>
    native.has(n) ? [] : families.flatMap((t) => ['PREROUTING', 'OUTPUT'].map((c) => ({ node: n.name, command: `${t} -t raw -I ${c} -j TRACE`, span: null }))),
  );
  const nodes = s.nodes.map((n) => withoutChance(native.has(n) ? withTracing(byNft(n)) : backendOf(n, backend) === 'nft' ? byNft(n) : n));
  return { ...s, traceAll: false, nodes, do: [...on, ...s.do] };
}

const isNative = ({ early, late }: ReturnType<typeof nativeTables>): boolean => early.length + late.length > 0;

/** Has the node rules of nft itself, or is it given some? */
function usesNft(s: Scenario, n: NodeState): boolean {
  const commands = [...s.do, ...s.packets.flatMap((p) => p.do)];
  return isNative(nativeTables(n)) || s.apply.some((a) => a.node === n.name && isNftText(a)) || commands.some((c) => c.node === n.name && NFT.test(c.command));
}
const NFT = /^\s*nft\b/m;
const isNftText = (a: Application): boolean => a.tool === 'nft' || (a.tool === 'commands' && NFT.test(a.text ?? ''));

function withTracing(n: NodeState): NodeState {
  const bridged = n.nftRuleset?.some((t) => t.family === 'bridge') ?? false;
  const tracing = readNftList(tracingTable('inet') + (bridged ? tracingTable('bridge') : '')).value;
  return { ...n, nftRuleset: [...(n.nftRuleset ?? []), ...tracing] };
}

/** What nft loaded cannot be told from what iptables-nft makes of the node's legacy rules. */
function confused(n: NodeState): string | null {
  const { late } = nativeTables(n);
  for (const [family, rules] of [
    ['ip', n.iptables],
    ['ip6', n.ip6tables],
  ] as const)
    for (const t of rules?.tables ?? [])
      if (late.some((x) => x.family === family && x.name === t.name)) return `${n.name} has a table ${family} ${t.name} of nft and one of iptables-legacy`;
  return null;
}

/** A node whose rules were loaded by iptables-nft stays so. */
const backendOf = (n: NodeState, asked: Backend): Backend => ((n.iptablesNft ?? n.ip6tablesNft) ? 'nft' : asked);

const noRules = (family: 'ipv4' | 'ipv6'): XtRuleset => ({ family, tables: [] });

/** The same rules, loaded by iptables-nft. */
const byNft = (n: NodeState): NodeState => ({
  ...n,
  iptables: null,
  ip6tables: null,
  iptablesNft: n.iptablesNft ?? n.iptables ?? noRules('ipv4'),
  ip6tablesNft: n.ip6tablesNft ?? n.ip6tables ?? noRules('ipv6'),
});

let labs = 0;

export class ScenarioBench {
  nodes: LabNode[] = [];
  far!: FarEnds;
  readonly #netns: string[] = [];
  readonly #id = `${PREFIX}${process.pid}-s${labs++}`;
  /** Does any node speak IPv6? Then all do. */
  readonly ipv6: boolean;

  constructor(
    readonly scenario: Scenario,
    readonly backend: Backend = 'legacy',
  ) {
    this.ipv6 = scenario.nodes.some(speaksIpv6);
    benches.add(this);
  }

  get id(): string {
    return this.#id;
  }

  async open(): Promise<void> {
    const s = this.scenario;
    const edge = this.#add('edge');
    execFileSync('ip', ['netns', 'exec', edge, 'sh', '-c', 'for f in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done']);
    this.far = new FarEnds(edge);
    const namespaces = s.nodes.map((_, i) => this.#add(`n${i}`));
    for (const [i, n] of s.nodes.entries())
      this.nodes.push(new LabNode(n, namespaces[i], this.far, { backend: backendOf(n, this.backend), ipv6: this.ipv6, sockets: this.#usesSockets(n) }));
    await this.far.open();
    await Promise.all(this.nodes.map((n) => n.open()));
    for (const a of s.apply) await this.#apply(a);
  }

  #usesSockets(n: NodeState): boolean {
    return n.sockets.length > 0 || this.scenario.packets.some((p) => p.source.node === n.name && (p.spec.kind === 'udp' || p.spec.kind === 'tcp'));
  }

  async #apply(a: Application): Promise<void> {
    const said = await this.node(a.node)?.apply(a);
    if (said) throw new NotBuilt(`${a.node}: what is applied was refused: ${said.split('\n')[0]}`);
  }

  node(name: string): LabNode | undefined {
    return this.nodes.find((n) => n.name === name);
  }

  #add(part: string): string {
    const name = `${this.#id}${part}`;
    execFileSync('ip', ['netns', 'add', name]);
    this.#netns.push(name);
    return name;
  }

  close(): void {
    benches.delete(this);
    for (const n of this.nodes) n.close();
    this.far?.close();
    for (const n of this.#netns) {
      try {
        execFileSync('ip', ['netns', 'del', n], { stdio: 'ignore' });
      } catch {
        // It had not been made.
      }
    }
  }
}

const benches = new Set<ScenarioBench>();
export function closeScenarios(): void {
  for (const b of [...benches]) b.close();
}
