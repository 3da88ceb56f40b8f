/** A scenario's nodes as namespaces, wired as the scenario says; what leaves the map ends in a namespace of its own. */
import { execFileSync } from 'node:child_process';
import { formatAddr, formatMac } from '../base/addr.js';
import { writeIpRoute } from '../formats/ip-route.js';
import { writeIpRule } from '../formats/ip-rule.js';
import { writeIpsetSave } from '../formats/ipset-save.js';
import { readIptablesSave, writeIptablesSave } from '../formats/iptables-save.js';
import type { Link } from '../link/model.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { NodeState, Scenario } from '../scenario/model.js';
import { SocketAgent } from './agent.js';
import { PREFIX } from './bench.js';
import { CaptureStream } from './capture-stream.js';
import { hereDoc, Shell } from './shell.js';

const KINDS: ReadonlySet<string> = new Set(['', 'veth', 'bridge', 'vxlan']);

/** Why this scenario cannot be built on the kernel at hand; null = it can. */
export function unbuildable(s: Scenario): string | null {
  for (const n of s.nodes) {
    for (const l of n.links) if (l.linkType !== 'loopback' && !KINDS.has(l.kind)) return `${n.name}:${l.name} is a ${l.kind} device`;
    if (n.xfrmPolicies.length > 0 || n.xfrmStates.length > 0) return `${n.name} uses IPsec`;
    if (n.iptablesNft || n.ip6tablesNft || n.nftRuleset) return `${n.name} uses the nft backend`;
    if (n.ebtables) return `${n.name} uses ebtables`;
    if (n.conntrack) return `${n.name} starts with connections`;
  }
  if (s.apply.length > 0) return 'it applies what a generator wrote';
  for (const p of s.packets)
    if (p.source.kind === 'device' || !['ping', 'udp', 'tcp'].includes(p.spec.kind))
      return `packet ${p.name} is a ${p.spec.kind} ${p.source.kind === 'device' ? 'that arrives at a device' : ''}`;
  return null;
}

/** The scenario with tracing switched on as a rule of each node, so that model and kernel run the same rules. */
export function traced(s: Scenario): Scenario {
  const nodes = s.nodes.map((n) => ({
    ...n,
    iptables: withTrace(n, n.iptables, 'ipv4'),
    ip6tables: hasIpv6(s) ? withTrace(n, n.ip6tables, 'ipv6') : n.ip6tables,
  }));
  return { ...s, nodes };
}

export const hasIpv6 = (s: Scenario): boolean => s.nodes.some((n) => n.addrs.some((a) => a.family === 'ipv6' && a.scope !== 'link' && a.dev !== 'lo'));

function withTrace(n: NodeState, r: XtRuleset | null, family: 'ipv4' | 'ipv6'): XtRuleset {
  const text = r === null ? '' : writeIptablesSave(r);
  const raw = '-A PREROUTING -j TRACE\n-A OUTPUT -j TRACE\n';
  const at = /\*raw\n(:.*\n)*/.exec(text);
  const whole = at
    ? text.slice(0, at.index + at[0].length) + raw + text.slice(at.index + at[0].length)
    : `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${raw}COMMIT\n${text}`;
  return readIptablesSave(whole, { file: n.name, family }).value;
}

export interface LabNode {
  readonly name: string;
  readonly netns: string;
  readonly shell: Shell;
  readonly agent: SocketAgent;
  readonly log: CaptureStream;
  readonly names: ReadonlyMap<number, string>;
}

const wired = (l: Link): boolean => l.linkType === 'ether' && (l.kind === '' || l.kind === 'veth');

export class ScenarioBench {
  readonly nodes: LabNode[] = [];
  readonly #netns: string[] = [];
  readonly #id = `${PREFIX}${process.pid}-s${benches.size}`;

  constructor(readonly scenario: Scenario) {
    benches.add(this);
  }

  async open(): Promise<void> {
    const s = this.scenario;
    const edge = this.#add('edge');
    const ns = new Map(s.nodes.map((n, i) => [n.name, this.#add(`n${i}`)]));
    const v6 = hasIpv6(s);
    for (const n of this.#netns) {
      const v =
        v6 && n !== edge
          ? 'for f in all default; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done'
          : 'for f in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done';
      this.#run(n, ['sh', '-c', `${v}; ip link set lo up`]);
    }
    this.#wires(ns, edge);
    for (const n of s.nodes) await this.#node(n, ns.get(n.name) as string, v6);
  }

  #add(part: string): string {
    const name = `${this.#id}${part}`;
    execFileSync('ip', ['netns', 'add', name]);
    this.#netns.push(name);
    return name;
  }

  #run(netns: string, command: readonly string[], input = ''): void {
    try {
      execFileSync('ip', ['netns', 'exec', netns, ...command], { input, stdio: ['pipe', 'ignore', 'pipe'] });
    } catch (e) {
      throw new Error(`${command.join(' ')}: ${(e as { stderr?: Buffer }).stderr?.toString().trim() ?? ''}`);
    }
  }

  /** Two ends are a veth pair; a segment is a bridge in the edge namespace, and what hangs on no wire a veth pair that ends there. */
  #wires(ns: ReadonlyMap<string, string>, edge: string): void {
    const done = new Set<string>();
    let far = 0;
    const make = (node: string, dev: string, ns2: string, dev2: string): void => {
      execFileSync('ip', ['link', 'add', dev, 'netns', ns.get(node) as string, 'type', 'veth', 'peer', 'name', dev2, 'netns', ns2]);
      done.add(`${node}\0${dev}`);
    };
    for (const [i, w] of this.scenario.wires.entries()) {
      const [a, b] = w.ends;
      if (w.ends.length === 2) {
        make(a.node, a.dev, ns.get(b.node) as string, b.dev);
        done.add(`${b.node}\0${b.dev}`);
        continue;
      }
      this.#run(edge, ['ip', '-batch', '-'], `link add sw${i} type bridge\nlink set sw${i} up\n`);
      for (const e of w.ends) {
        make(e.node, e.dev, edge, `f${++far}`);
        this.#run(edge, ['ip', '-batch', '-'], `link set f${far} master sw${i}\nlink set f${far} up\n`);
      }
    }
    for (const n of this.scenario.nodes)
      for (const l of n.links) {
        if (!wired(l) || done.has(`${n.name}\0${l.name}`)) continue;
        make(n.name, l.name, edge, `f${++far}`);
        this.#run(edge, ['ip', 'link', 'set', `f${far}`, 'up']);
      }
  }

  async #node(n: NodeState, netns: string, v6: boolean): Promise<void> {
    const shell = new Shell(netns);
    const agent = new SocketAgent(netns);
    await shell.run('iptables() { iptables-legacy "$@"; }; ip6tables() { ip6tables-legacy "$@"; }; true');
    const settings = [
      ...['2', '10'].map((f) => ['net/netfilter/nf_log/' + f, 'nfnetlink_log']),
      ['net/ipv4/tcp_timestamps', '0'],
      ['net/ipv4/icmp_ratelimit', '0'],
    ];
    for (const l of n.links) {
      if (l.linkType === 'loopback') continue;
      if (l.kind === 'bridge') this.#run(netns, ['ip', 'link', 'add', l.name, 'type', 'bridge']);
      if (l.kind === 'vxlan') this.#run(netns, ['ip', ...vxlanArgs(l)]);
    }
    const up = n.links.flatMap((l) => [
      ...(l.linkType === 'ether' ? [`link set ${l.name} address ${formatMac(l.mac)} mtu ${l.mtu}`] : []),
      ...(l.master === null ? [] : [`link set ${l.name} master ${l.master}`]),
      ...(l.flags.includes('UP') ? [`link set ${l.name} up`] : []),
    ]);
    this.#run(netns, ['ip', '-batch', '-'], up.join('\n'));
    await shell.run(
      [...settings, ...n.sysctls.map((c) => [c.name, c.value])].map(([k, v]) => `[ -e /proc/sys/${k} ] && echo '${v}' > /proc/sys/${k}`).join('\n'),
    );
    const families = v6 ? (['ipv4', 'ipv6'] as const) : (['ipv4'] as const);
    const addrs = n.addrs
      .filter((a) => a.dev !== 'lo' || a.scope !== 'host')
      .filter((a) => families.includes(a.family as 'ipv4') && !(a.family === 'ipv6' && a.scope === 'link'));
    const lines = addrs.map(
      (a) =>
        `addr add ${formatAddr(a.local)}${a.peer === null ? '' : ` peer ${formatAddr(a.peer)}`}/${a.prefixlen}${a.broadcast === null ? '' : ` brd ${formatAddr(a.broadcast)}`} dev ${a.dev}`,
    );
    for (const g of n.neighs)
      if (g.lladdr !== null && families.includes(g.family as 'ipv4'))
        lines.push(`neigh replace ${formatAddr(g.dst)} lladdr ${formatMac(g.lladdr)} dev ${g.dev} nud permanent`);
    const lines6: string[] = [];
    for (const family of families) {
      const to = family === 'ipv6' ? lines6 : lines;
      const routes = writeIpRoute(n.routes ?? [], { family, table: 'all' }).split('\n');
      for (const r of routes) if (r !== '' && !/table local|proto kernel/.test(r)) to.push(`route replace ${r.replace(/ (linkdown|dead)\b/g, '')}`);
      for (const r of writeIpRule(n.rules ?? [], { family }).split('\n')) {
        const m = /^(\d+):\t(.*)$/.exec(r);
        if (m && !['0', '32766', '32767'].includes(m[1])) to.push(`rule add pref ${m[1]} ${m[2].replace(/\blookup\b/, 'table')}`);
      }
    }
    const fdb = n.fdb.filter((e) => e.dst !== null).map((e) => `bridge fdb append ${formatMac(e.mac)} dev ${e.dev} dst ${formatAddr(e.dst as never)}`);
    const out = await shell.run(
      `${hereDoc('ip -force -batch -', lines.join('\n'))}\n${hereDoc('ip -6 -force -batch -', lines6.join('\n'))}\n${fdb.join('\n')}`,
    );
    if (out.out.trim() !== '') throw new Error(`${n.name}: ${out.out.trim().split('\n')[0]}`);
    if (n.sets.length > 0) this.#run(netns, ['ipset', 'restore'], writeIpsetSave(n.sets));
    if (n.iptables) this.#run(netns, ['iptables-legacy-restore'], writeIptablesSave(n.iptables));
    if (v6 && n.ip6tables) this.#run(netns, ['ip6tables-legacy-restore'], writeIptablesSave(n.ip6tables));
    await agent.ready;
    const failed = await agent.ask<string | null>({
      op: 'listen',
      sockets: n.sockets.map((k) => ({ id: k.id, proto: k.proto, addr: formatAddr(k.addr), port: k.port, ...(k.echo ? { echo: true } : {}) })),
    });
    if (failed !== null) throw new Error(`${n.name}: ${JSON.stringify(failed)}`);
    const log = new CaptureStream(netns, 'nflog:0');
    await log.ready;
    const { out: links } = await shell.run('ip -j link');
    const names = new Map((JSON.parse(links) as { ifindex: number; ifname: string }[]).map((l) => [l.ifindex, l.ifname]));
    this.nodes.push({ name: n.name, netns, shell, agent, log, names });
  }

  close(): void {
    benches.delete(this);
    for (const n of this.nodes) {
      n.log.close();
      n.agent.close();
      n.shell.close();
    }
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

function vxlanArgs(l: Link): string[] {
  const d = l.data as Record<string, string | number | undefined>;
  const words = ['link', 'add', l.name, 'type', 'vxlan', 'id', `${d.id ?? 1}`, 'dstport', `${d.port ?? 8472}`];
  if (d.local !== undefined) words.push('local', `${d.local}`);
  if (d.link !== undefined) words.push('dev', `${d.link}`);
  words.push((l.data as Record<string, unknown>).learning === true ? 'learning' : 'nolearning');
  return words;
}
