/** What kube-proxy loads: a chain for each service and each endpoint, chosen by statistics or by whom a client got before; marks for what is to be masqueraded. */
import { HOSTS, PORTS, REMOTE, type World } from './node.js';
import type { Rng } from './rng.js';
import { comment, hash, type RuleSet } from './rule-set.js';

/** How a family writes what rule sets of clusters say. */
export interface ClusterWords {
  /** Length of the prefix of one address. */
  readonly one: 32 | 128;
  readonly pods: string;
  readonly loopback: string;
  readonly icmp: string;
  readonly rejects: readonly string[];
  /** `ipset create … family`. */
  readonly inet: string;
  /** How names of sets begin and end. */
  readonly sets: string;
  readonly end: string;
  /** Addresses of services. */
  readonly remote: readonly string[];
  /** Last parts of addresses of pods. */
  readonly hosts: readonly string[];
  host(net: string, host: string): string;
  network(r: Rng, net: string): string;
  socket(addr: string, port: number): string;
}

export const CLUSTER4: ClusterWords = {
  one: 32,
  pods: '10.244.0.0/16',
  loopback: '127.0.0.0/8',
  icmp: 'icmp',
  rejects: ['icmp-port-unreachable', 'icmp-port-unreachable', 'icmp-host-unreachable'],
  inet: 'inet',
  sets: 'cali40',
  end: '',
  remote: REMOTE,
  hosts: HOSTS.map(String),
  host: (net, host) => `${net}.${host}`,
  network: (r, net) => `${net}.0/${r.pick([16, 24, 24, 26])}`.replace(/(\d+\.\d+)\.\d+\.0\/16/, '$1.0.0/16'),
  socket: (addr, port) => `${addr}:${port}`,
};

/** A service as kube-proxy sees it. */
export interface KubeService {
  readonly name: string;
  readonly chain: string;
  readonly addr: string;
  readonly proto: 'tcp' | 'udp';
  readonly port: number;
  readonly nodePort: number | null;
  /** An address of a load balancer or an external one. */
  readonly outside: string | null;
  /** externalTrafficPolicy: Local. */
  readonly local: boolean;
  readonly affinity: boolean;
  readonly endpoints: readonly { readonly chain: string; readonly addr: string; readonly port: number }[];
}

const MASQ = '0x4000';

function services(r: Rng, w: World, f: ClusterWords): KubeService[] {
  const used = new Set<string>();
  const once = (key: string): boolean => !used.has(key) && used.add(key) !== undefined;
  return Array.from({ length: r.pick([8, 30, 60, 120]) }, (_, i): KubeService | null => {
    const [addr, proto, port] = [r.pick(f.remote), r.pick(['tcp', 'tcp', 'udp'] as const), r.pick(PORTS)];
    if (!once(`${addr} ${proto} ${port}`)) return null;
    const nodePort = r.pick(PORTS);
    const outside = r.chance(50) ? r.pick(f.remote) : r.pick(w.addrs);
    return {
      name: `ns${i % 7}/svc${i}:p${port}`,
      chain: hash(r),
      addr,
      proto,
      port,
      nodePort: r.chance(35) && once(`node ${proto} ${nodePort}`) ? nodePort : null,
      outside: r.chance(15) && once(`${outside} ${proto} ${port}`) ? outside : null,
      local: r.chance(20),
      affinity: r.chance(15),
      endpoints: Array.from(
        {
          length: r.weighed([
            [20, 0],
            [35, 1],
            [25, 2],
            [15, 3],
            [5, 12],
          ]),
        },
        () => ({
          chain: `KUBE-SEP-${hash(r)}`,
          addr: r.chance(75) ? f.host(r.pick(w.nets), r.pick(f.hosts)) : r.pick(r.chance(70) ? f.remote : w.own),
          port: r.pick(PORTS),
        }),
      ),
    };
  }).filter((s) => s !== null);
}

/** Of several endpoints the kernel would choose by chance: here each gets its turn, or one is certain. */
const share = (r: Rng, left: number): string =>
  left === 1 ? '' : `-m statistic ${r.chance(80) ? `--mode nth --every ${left} --packet 0` : `--mode random --probability ${r.pick(['1.0', '0.0'])}`}`;

function serviceChains(r: Rng, f: ClusterWords, t: RuleSet, s: KubeService): void {
  const svc = t.chain('nat', `KUBE-SVC-${s.chain}`);
  const at = `-p ${s.proto} ${comment(s.name)} -m ${s.proto} --dport ${s.port}`;
  if (r.chance(85))
    t.add(
      'nat',
      svc,
      `! -s ${f.pods} -d ${s.addr}/${f.one} -p ${s.proto} ${comment(`${s.name} cluster IP`)} -m ${s.proto} --dport ${s.port} -j KUBE-MARK-MASQ`,
    );
  const recent = (how: string): string => `-m recent ${how}`;
  const last = `--name @ --mask ${f.one === 32 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'} --rsource`;
  if (s.affinity)
    for (const e of s.endpoints)
      t.add('nat', svc, `${comment(s.name)} ${recent(`--rcheck --seconds 10800 --reap ${last.replace('@', e.chain)}`)} -j ${t.chain('nat', e.chain)}`);
  for (const [i, e] of s.endpoints.entries()) {
    const words = [comment(`${s.name} -> ${f.socket(e.addr, e.port)}`), share(r, s.endpoints.length - i), `-j ${t.chain('nat', e.chain)}`];
    t.add('nat', svc, words.filter((x) => x !== '').join(' '));
    t.add('nat', e.chain, `-s ${e.addr}/${f.one} ${comment(s.name)} -j KUBE-MARK-MASQ`);
    const set = s.affinity ? ` ${recent(`--set ${last.replace('@', e.chain)}`)}` : '';
    t.add('nat', e.chain, `-p ${s.proto} ${comment(s.name)}${set} -m ${s.proto} -j DNAT --to-destination ${f.socket(e.addr, e.port)}`);
  }
  const refuse = (rule: string): void => t.add('filter', 'KUBE-SERVICES', `${rule} -j REJECT --reject-with ${r.pick(f.rejects)}`);
  if (s.endpoints.length === 0) refuse(`-d ${s.addr}/${f.one} ${at.replace(s.name, `${s.name} has no endpoints`)}`);
  else t.add('nat', 'KUBE-SERVICES', `-d ${s.addr}/${f.one} ${at.replace(s.name, `${s.name} cluster IP`)} -j ${svc}`);
  outsideChains(r, f, t, s, svc);
}

/** From outside: by node ports and by addresses of load balancers. */
function outsideChains(r: Rng, f: ClusterWords, t: RuleSet, s: KubeService, svc: string): void {
  if (s.nodePort === null && s.outside === null) return;
  const ext = t.chain('nat', `KUBE-EXT-${s.chain}`);
  if (s.local) {
    const svl = t.chain('nat', `KUBE-SVL-${s.chain}`);
    t.add('nat', ext, `-s ${f.pods} ${comment(`pod traffic for ${s.name} external destinations`)} -j ${svc}`);
    t.add('nat', ext, `${comment(`masquerade LOCAL traffic for ${s.name} external destinations`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`);
    t.add('nat', ext, `${comment(`route LOCAL traffic for ${s.name} external destinations`)} -m addrtype --src-type LOCAL -j ${svc}`, `-j ${svl}`);
    for (const e of s.endpoints.slice(0, 1)) t.add('nat', svl, `${comment(s.name)} -j ${e.chain}`);
  } else t.add('nat', ext, `${comment(`masquerade traffic for ${s.name} external destinations`)} -j KUBE-MARK-MASQ`, `-j ${svc}`);
  const at = (port: number): string => `-p ${s.proto} ${comment(s.name)} -m ${s.proto} --dport ${port}`;
  if (s.nodePort !== null) t.add('nat', 'KUBE-NODEPORTS', `${at(s.nodePort)} -j ${ext}`);
  if (s.outside === null) return;
  t.add('nat', 'KUBE-SERVICES', `-d ${s.outside}/${f.one} ${at(s.port)} -j ${ext}`);
  if (r.chance(40)) t.add('filter', 'KUBE-PROXY-FIREWALL', `-d ${s.outside}/${f.one} ${at(s.port)} -j DROP`);
}

/** nat and filter of kube-proxy. */
export function kubeProxy(r: Rng, w: World, f: ClusterWords, t: RuleSet): void {
  for (const c of ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ']) t.chain('nat', c);
  for (const c of ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-FORWARD', 'KUBE-FIREWALL', 'KUBE-PROXY-FIREWALL']) t.chain('filter', c);
  const portal = comment('kubernetes service portals');
  t.add('nat', 'PREROUTING', `${portal} -j KUBE-SERVICES`);
  t.add('nat', 'OUTPUT', `${portal} -j KUBE-SERVICES`);
  t.add('nat', 'POSTROUTING', `${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`);
  t.add('nat', 'KUBE-MARK-MASQ', `-j MARK ${r.pick([`--or-mark ${MASQ}`, `--set-xmark ${MASQ}/${MASQ}`])}`);
  t.add('nat', 'KUBE-POSTROUTING', `-m mark ! --mark ${MASQ}/${MASQ} -j RETURN`, `-j MARK --xor-mark ${MASQ}`);
  t.add('nat', 'KUBE-POSTROUTING', `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE${r.chance(70) ? ' --random-fully' : ''}`);
  for (const s of services(r, w, f)) serviceChains(r, f, t, s);
  t.add(
    'nat',
    'KUBE-SERVICES',
    `${comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
  );
  kubeFilter(r, f, t);
}

function kubeFilter(r: Rng, f: ClusterWords, t: RuleSet): void {
  const fresh = '-m conntrack --ctstate NEW';
  for (const c of ['INPUT', 'FORWARD', 'OUTPUT']) t.add('filter', c, `${fresh} ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL`);
  t.add('filter', 'INPUT', `${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS`, `${fresh} -j KUBE-EXTERNAL-SERVICES`, '-j KUBE-FIREWALL');
  t.add('filter', 'FORWARD', `${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`);
  for (const c of ['FORWARD', 'OUTPUT']) t.add('filter', c, `${fresh} ${comment('kubernetes service portals')} -j KUBE-SERVICES`);
  t.add('filter', 'FORWARD', `${fresh} -j KUBE-EXTERNAL-SERVICES`);
  t.add('filter', 'OUTPUT', '-j KUBE-FIREWALL');
  if (r.chance(80)) t.add('filter', 'KUBE-FORWARD', '-m conntrack --ctstate INVALID -j DROP');
  t.add('filter', 'KUBE-FORWARD', `${comment('kubernetes forwarding rules')} -m mark --mark ${MASQ}/${MASQ} -j ACCEPT`);
  t.add('filter', 'KUBE-FORWARD', `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`);
  t.add('filter', 'KUBE-NODEPORTS', `-p tcp ${comment('health check')} -m tcp --dport ${r.pick(PORTS)} -j ACCEPT`);
  t.add(
    'filter',
    'KUBE-FIREWALL',
    `! -s ${f.loopback} -d ${f.loopback} ${comment('block incoming localnet connections')} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
  );
}
