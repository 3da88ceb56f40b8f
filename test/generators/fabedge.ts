/**
 * A rule generator as FabEdge has one, small: from the description of a cluster to the sets and NAT rules of its edge, connector and cloud nodes.
 * It knows nothing of the simulator; what it writes is text for `ipset restore` and `iptables-restore --noflush`.
 *
 * Its rules share nat:POSTROUTING with flannel's (masquerade whatever leaves or enters the pods' network) and kube-proxy's (masquerade what is marked 0x4000).
 */

export interface Host {
  readonly name: string;
  readonly ip: string;
  readonly pods: string;
}

export interface Cluster {
  /** Network of all cloud pods; every cloud node's `pods` lie in it. */
  readonly cloudPods: string;
  /** The cloud node that has the tunnels to the edges. */
  readonly connector: Host;
  readonly clouds: readonly Host[];
  readonly edges: readonly Host[];
}

/** What the agent on one node hands to the tools. */
export interface Output {
  /** For `ipset -exist restore`. */
  readonly sets: string;
  /** For `iptables-restore --noflush`. */
  readonly rules: string;
}

/** The mistakes that the project made, one switch each. All off: the generator as it should be. */
export interface Mistakes {
  /** The sets are made and never filled. */
  readonly emptySets?: boolean;
  /** RETURN instead of ACCEPT: the calling chain goes on, to flannel's MASQUERADE. */
  readonly returns?: boolean;
  /** The jump is appended, behind flannel's rules. */
  readonly appends?: boolean;
  /** Only cloud to edge is let through; the way from edge to cloud was forgotten. */
  readonly oneWay?: boolean;
  /** kube-proxy's chain is declared, too, which empties it under --noflush. */
  readonly declaresOthers?: boolean;
}

export type Generator = (c: Cluster, node: Host) => Output;

export const generator =
  (m: Mistakes = {}): Generator =>
  (c, node) =>
    c.edges.includes(node) ? edge(c, node, m) : node === c.connector ? connector(c, m) : cloud(c, m);

const cloudHosts = (c: Cluster): readonly Host[] => [c.connector, ...c.clouds];

function set(m: Mistakes, name: string, members: readonly string[]): string {
  const adds = m.emptySets ? [] : members.map((x) => `add ${name} ${x}\n`);
  return `create ${name} hash:net family inet hashsize 1024 maxelem 65536\n${adds.join('')}`;
}

/** A chain of our own, filled anew, and the jump to it in front of what others wrote. */
function chain(m: Mistakes, name: string, rules: readonly string[]): string {
  const others = m.declaresOthers ? [':KUBE-POSTROUTING - [0:0]'] : [];
  const jump = m.appends ? `-A POSTROUTING -j ${name}` : `-I POSTROUTING 1 -j ${name}`;
  return ['*nat', `:${name} - [0:0]`, ...others, jump, ...rules.map((r) => `-A ${name} ${r}`), 'COMMIT', ''].join('\n');
}

const pass = (m: Mistakes): string => (m.returns ? 'RETURN' : 'ACCEPT');

/** An edge masquerades its pods, except towards its peers. */
function edge(c: Cluster, node: Host, m: Mistakes): Output {
  const peers = [...cloudHosts(c).flatMap((h) => [h.pods, h.ip]), ...c.edges.filter((e) => e !== node).map((e) => e.pods)];
  return {
    sets: set(m, 'FABEDGE-PEER-CIDR', peers),
    rules: chain(m, 'FABEDGE-NAT-OUTGOING', [
      `-s ${node.pods} -m set --match-set FABEDGE-PEER-CIDR dst -j RETURN`,
      `-s ${node.pods} -d ${node.pods} -j RETURN`,
      `-s ${node.pods} -j MASQUERADE`,
    ]),
  };
}

/** The connector lets pods talk to pods as they are; what concerns a node's own address gets the connector's, or the answer would miss the tunnel. */
function connector(c: Cluster, m: Mistakes): Output {
  const match = (from: string, to: string): string => `-m set --match-set FABEDGE-${from} src -m set --match-set FABEDGE-${to} dst`;
  return {
    sets: [
      set(
        m,
        'FABEDGE-EDGE-POD-CIDR',
        c.edges.map((e) => e.pods),
      ),
      set(
        m,
        'FABEDGE-EDGE-NODE-CIDR',
        c.edges.map((e) => e.ip),
      ),
      set(
        m,
        'FABEDGE-CLOUD-POD-CIDR',
        cloudHosts(c).map((h) => h.pods),
      ),
      set(
        m,
        'FABEDGE-CLOUD-NODE-CIDR',
        cloudHosts(c).map((h) => h.ip),
      ),
    ].join(''),
    rules: chain(m, 'FABEDGE-POSTROUTING', [
      `${match('CLOUD-POD-CIDR', 'EDGE-POD-CIDR')} -j ${pass(m)}`,
      ...(m.oneWay ? [] : [`${match('EDGE-POD-CIDR', 'CLOUD-POD-CIDR')} -j ${pass(m)}`]),
      `${match('CLOUD-POD-CIDR', 'EDGE-NODE-CIDR')} -j ${pass(m)}`,
      `${match('EDGE-POD-CIDR', 'CLOUD-NODE-CIDR')} -j MASQUERADE`,
      `${match('EDGE-NODE-CIDR', 'CLOUD-POD-CIDR')} -j MASQUERADE`,
    ]),
  };
}

/** A cloud node leaves traffic with the edges' pods alone. */
function cloud(c: Cluster, m: Mistakes): Output {
  return {
    sets: set(
      m,
      'FABEDGE-REMOTE-POD-CIDR',
      c.edges.map((e) => e.pods),
    ),
    rules: chain(m, 'FABEDGE-POSTROUTING', [
      `-m set --match-set FABEDGE-REMOTE-POD-CIDR dst -j ${pass(m)}`,
      ...(m.oneWay ? [] : [`-m set --match-set FABEDGE-REMOTE-POD-CIDR src -j ${pass(m)}`]),
    ]),
  };
}
