/** Random nodes: wires, addresses, neighbours, routes, rules, sysctls, sockets, sets. */
import type { CorpusLink, CorpusSocket } from '../../harness/conformance/corpus.js';
import type { Rng } from './rng.js';

export const NAMES = ['eth0', 'eth1', 'eth2', 'wg0', 'cali1', 'cali2', 'tunl0', 'ens3'] as const;
const SUBNETS = ['10.0.0', '192.168.1', '10.244.1', '172.16.5', '10.10.0', '203.0.113'] as const;
export const HOSTS = [2, 5, 9, 77, 254] as const;
export const REMOTE = ['8.8.8.8', '1.1.1.1', '10.96.0.1', '10.96.0.10', '10.244.2.5', '192.168.77.7', '172.31.0.3', '100.64.0.1'] as const;
export const PORTS = [22, 53, 80, 443, 8080, 6443, 30080, 30443, 9000, 123] as const;

export interface World {
  readonly links: readonly CorpusLink[];
  /** The subnet at each device: its first three octets, or the groups of an IPv6 prefix. */
  readonly nets: readonly string[];
  /** The node's own addresses. */
  readonly own: readonly string[];
  /** Addresses worth sending to or matching on. */
  readonly addrs: readonly string[];
  readonly policyRules: boolean;
  /** Ports of bridges: devices without an address. */
  readonly ports?: readonly string[];
}

/** Wires are shared by a whole batch of cases. */
export function makeLinks(r: Rng): CorpusLink[] {
  const names = [...NAMES];
  return Array.from({ length: r.between(2, 4) }, (_, i) => {
    const name = names.splice(r.below(names.length), 1)[0];
    const mac = (10 + i).toString(16).padStart(2, '0');
    return { name, mac: `02:00:00:00:00:${mac}`, far_mac: `02:fe:00:00:00:${mac}`, up: true };
  });
}

export function makeWorld(r: Rng, links: readonly CorpusLink[], policyRules: boolean): World {
  const subnets = [...SUBNETS];
  const nets = links.map(() => subnets.splice(r.below(subnets.length), 1)[0]);
  const own = nets.flatMap((n) => [`${n}.1`, ...(r.chance(25) ? [`${n}.100`] : [])]);
  const addrs = [...own, ...nets.flatMap((n) => HOSTS.map((h) => `${n}.${h}`)), ...REMOTE];
  return { links, nets, own, addrs, policyRules };
}

/** MAC address of a neighbour. */
export const macOf = (a: string): string => {
  const [p, q, s, t] = a.split('.').map((x) => Number(x).toString(16).padStart(2, '0'));
  return `02:aa:${p}:${q}:${s}:${t}`;
};

export function makeAddresses(r: Rng, w: World): string[] {
  const out: string[] = [];
  for (const [i, l] of w.links.entries()) {
    const net = w.nets[i];
    for (const a of w.own) {
      if (!a.startsWith(`${net}.`)) continue;
      out.push(`addr add ${a}/${r.chance(85) ? 24 : r.pick([16, 25, 30, 32])}${r.chance(70) ? ' brd +' : ''} dev ${l.name}`);
    }
    for (const h of HOSTS) if (r.chance(94)) out.push(`neigh replace ${net}.${h} lladdr ${macOf(`${net}.${h}`)} dev ${l.name} nud permanent`);
    if (r.chance(8)) out.push(`link set ${l.name} mtu ${r.pick([1280, 1400, 9000, 576])}`);
  }
  if (r.chance(10)) out.push(`addr add ${r.pick(REMOTE)}/32 dev lo`);
  return out;
}

const PREFIXES = [
  '10.96.0.0/16',
  '10.244.2.0/24',
  '8.8.8.0/24',
  '192.168.0.0/16',
  '172.16.0.0/12',
  '10.0.0.0/8',
  '1.0.0.0/8',
  '100.64.0.0/10',
  '8.8.8.8',
  '10.96.0.10',
  '0.0.0.0/1',
] as const;

export function makeRoutes(r: Rng, w: World): string[] {
  const out: string[] = [];
  const via = (i: number): string => (r.chance(80) ? `via ${w.nets[i]}.${r.pick(HOSTS)} dev ${w.links[i].name}` : `dev ${w.links[i].name} scope link`);
  const target = (): string => {
    if (r.chance(12)) return '';
    return (
      via(r.below(w.links.length)) +
      (r.chance(15) ? ` src ${r.pick(w.own)}` : '') +
      (r.chance(10) ? ` mtu ${r.pick(['1300', '1400', 'lock 1400'])}` : '') +
      (r.chance(5) ? ` realm ${r.pick([1, 2])}` : '')
    );
  };
  const route = (table: string): string => {
    const dst = r.chance(25) ? 'default' : r.chance(70) ? r.pick(PREFIXES) : `${r.pick(w.nets)}.0/${r.pick([24, 25, 26])}`;
    const t = target();
    const head = t === '' ? `${r.pick(['blackhole', 'unreachable', 'prohibit', 'throw'])} ${dst}` : `${dst} ${t}`;
    return `route add ${head}${r.chance(20) ? ` metric ${r.pick([10, 100, 1024])}` : ''}${r.chance(6) ? ` tos ${r.pick(['0x10', '0x08'])}` : ''}${table}`;
  };
  if (r.chance(80)) out.push(`route add default ${via(r.below(w.links.length))}`);
  for (let n = r.below(6); n > 0; n--) out.push(route(''));
  return [...out, ...policyRouting(r, w, route, WORDS4)];
}

/** How a family writes what policy rules ask for. */
export interface RuleWords {
  readonly prefixes: readonly string[];
  network(r: Rng, w: World): string;
  readonly icmp: string;
  /** A prefix length to suppress in table main. */
  readonly suppressed: number;
}
const WORDS4: RuleWords = { prefixes: PREFIXES, network: (r, w) => `${r.pick(w.nets)}.0/24`, icmp: 'icmp', suppressed: 8 };

/** Rules and the tables they lead to, where the batch has such; `route` writes a route of a table. */
export function policyRouting(r: Rng, w: World, route: (table: string) => string, words: RuleWords): string[] {
  const out: string[] = [];
  if (!w.policyRules) return out;
  for (let n = r.between(1, 6); n > 0; n--) out.push(route(` table ${r.pick([100, 101, 102])}`));
  for (let n = r.between(1, 4); n > 0; n--) out.push(policyRule(r, w, 1000 + n, words));
  return out;
}

function policyRule(r: Rng, w: World, pref: number, words: RuleWords): string {
  const select: string[] = [];
  if (r.chance(40)) select.push(`${r.chance(15) ? 'not ' : ''}from ${r.chance(50) ? r.pick(w.addrs) : words.network(r, w)}`);
  if (r.chance(30)) select.push(`to ${r.chance(50) ? r.pick(w.addrs) : r.pick(words.prefixes)}`);
  if (r.chance(40)) select.push(`fwmark ${r.pick(['0x1', '0x2', '0x4000/0x4000', '0x10/0xf0', '0x0/0x1'])}`);
  if (r.chance(20)) select.push(`iif ${r.pick([...w.links.map((l) => l.name), 'lo'])}`);
  if (r.chance(8)) select.push(`oif ${r.pick(w.links).name}`);
  if (r.chance(10)) select.push(`ipproto ${r.pick(['tcp', 'udp', words.icmp])}`);
  if (r.chance(8)) select.push(`dport ${r.pick(PORTS)}`);
  if (r.chance(6)) select.push(`sport ${r.pick(['20000-25000', '53', '10000-10400'])}`);
  if (r.chance(8)) select.push(`uidrange ${r.pick(['0-0', '1000-1000', '1-65535'])}`);
  if (r.chance(8)) select.push('tos 0x10');
  const action = r.weighed([
    [80, `table ${r.pick([100, 101, 102, 'main'])}`],
    [4, 'blackhole'],
    [4, 'unreachable'],
    [4, 'prohibit'],
    [5, `table ${r.pick([100, 101])} suppress_prefixlength ${r.pick([0, 16])}`],
    [4, `table main suppress_prefixlength ${r.pick([0, words.suppressed])}`],
    [3, 'goto 32766'],
    [2, 'nop'],
  ]);
  return `rule add pref ${pref} ${select.length > 0 && !select[0].startsWith('to') ? '' : 'from all '}${select.join(' ')} ${action}`;
}

/** Every setting that some case may change, with what it is otherwise. */
export function makeSysctls(r: Rng, w: World): [string, string][] {
  const some = (percent: number, values: readonly string[], usual: string): string => (r.chance(percent) ? r.pick(values) : usual);
  const out: [string, string][] = [['net/ipv4/ip_forward', some(8, ['0'], '1')]];
  for (const d of ['all', 'default', 'lo', ...w.links.map((l) => l.name)]) {
    const c = (k: string, v: string): number => out.push([`net/ipv4/conf/${d}/${k}`, v]);
    c('rp_filter', some(d === 'all' ? 25 : 20, ['1', '2', '1'], '0'));
    c('accept_local', some(5, ['1'], '0'));
    c('route_localnet', some(8, ['1'], '0'));
    c('src_valid_mark', some(8, ['1'], '0'));
    c('send_redirects', some(8, ['1'], '0'));
    c('forwarding', r.chance(3) ? '0' : out[0][1]);
    c('log_martians', '0');
    c('bc_forwarding', some(4, ['1'], '0'));
    c('arp_ignore', some(6, ['1', '2', '8'], '0'));
    c('arp_announce', some(6, ['1', '2'], '0'));
  }
  out.push(['net/ipv4/icmp_echo_ignore_all', some(3, ['1'], '0')]);
  out.push(['net/ipv4/icmp_echo_ignore_broadcasts', some(20, ['0'], '1')]);
  out.push(['net/ipv4/icmp_errors_use_inbound_ifaddr', some(6, ['1'], '0')]);
  out.push(['net/ipv4/ip_default_ttl', some(5, ['128', '3'], '64')]);
  out.push(['net/ipv4/ip_forward_update_priority', some(8, ['0'], '1')]);
  out.push(['net/ipv4/fwmark_reflect', some(8, ['1'], '0')]);
  out.push(['net/ipv4/tcp_fwmark_accept', some(6, ['1'], '0')]);
  out.push(['net/ipv4/ip_nonlocal_bind', some(4, ['1'], '0')]);
  out.push(['net/ipv4/ip_no_pmtu_disc', some(4, ['1'], '0')]);
  out.push(['net/ipv4/ip_forward_use_pmtu', some(6, ['1'], '0')]);
  out.push(['net/netfilter/nf_conntrack_tcp_loose', some(10, ['0'], '1')]);
  out.push(['net/netfilter/nf_conntrack_tcp_be_liberal', some(8, ['1'], '0')]);
  out.push(['net/netfilter/nf_conntrack_checksum', some(5, ['0'], '1')]);
  return out;
}

export function makeSockets(r: Rng, w: World, any = '0.0.0.0'): CorpusSocket[] {
  const out: CorpusSocket[] = [];
  const used = new Set<string>();
  for (let n = r.below(4); n > 0; n--) {
    const proto = r.pick(['tcp', 'udp'] as const);
    const port = r.pick(PORTS);
    if (used.has(`${proto}${port}`)) continue;
    used.add(`${proto}${port}`);
    out.push({ id: `srv${out.length}`, proto, addr: r.chance(60) ? any : r.pick(w.own), port });
  }
  return out;
}
