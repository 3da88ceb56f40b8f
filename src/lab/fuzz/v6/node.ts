/** Random nodes of IPv6: addresses, neighbours, routes, rules, sysctls. */
import type { CorpusLink } from '../../../harness/conformance/corpus.js';
import { policyRouting, type World } from '../node.js';
import type { Rng } from '../rng.js';

const SUBNETS = ['2001:db8:0:1', '2001:db8:0:2', '2001:db8:1:1', 'fd00:5', 'fd00:10:244:1', 'fd00:ffff:0:9'] as const;
export const HOSTS = ['2', '5', '9', '4d', 'fe'] as const;
export const REMOTE = [
  '2001:4860:4860::8888',
  '2606:4700::1111',
  'fd00:10:96::1',
  'fd00:10:96::a',
  'fd00:10:244:2::7',
  'fd00:77::7',
  '2001:db8:ffff::7',
  '64:ff9b::808:808',
] as const;
/** Neighbours on the wire itself. */
export const LINK_LOCAL = ['fe80::2', 'fe80::fe'] as const;

export function makeWorld(r: Rng, links: readonly CorpusLink[], policyRules: boolean): World {
  const subnets = [...SUBNETS];
  const nets = links.map(() => subnets.splice(r.below(subnets.length), 1)[0]);
  const own = nets.flatMap((n) => [`${n}::1`, ...(r.chance(25) ? [`${n}::64`] : [])]);
  const addrs = [...own, ...nets.flatMap((n) => HOSTS.map((h) => `${n}::${h}`)), ...REMOTE];
  return { links, nets, own, addrs, policyRules };
}

/** The address that a neighbour makes itself from its MAC address (RFC 4291, appendix A). */
export function eui64(net: string, mac: string): string {
  const [a, b, c, d, e, f] = mac.split(':').map((x) => Number.parseInt(x, 16));
  const groups = net.split(':');
  while (groups.length < 4) groups.push('0');
  const id = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return [...groups, ...id.map((x) => x.toString(16))].join(':');
}

/** MAC address of a neighbour: the bytes of its address' last groups. */
export function macOf(a: string): string {
  let [p, q] = [0x11, 0x22];
  for (const c of a) [p, q] = [(p * 31 + c.charCodeAt(0)) & 255, (q * 17 + p) & 255];
  const hex = (x: number): string => x.toString(16).padStart(2, '0');
  return `02:aa:66:${hex(p)}:${hex(q)}:${hex(a.length)}`;
}

export function makeAddresses(r: Rng, w: World): string[] {
  const out: string[] = [];
  for (const [i, l] of w.links.entries()) {
    const net = w.nets[i];
    if (r.chance(8)) out.push(`link set ${l.name} mtu ${r.pick([1280, 1400, 9000])}`);
    for (const a of w.own) {
      if (!a.startsWith(`${net}::`)) continue;
      out.push(
        `addr add ${a}/${r.chance(85) ? 64 : r.pick([48, 112, 126, 128])} dev ${l.name}${r.chance(5) ? ' noprefixroute' : ''}${r.chance(4) ? ' preferred_lft 0' : ''}`,
      );
    }
    if (r.chance(40)) out.push(`addr add fe80::${r.pick(['1', 'a'])}/64 dev ${l.name}`);
    for (const h of [...HOSTS.map((h) => `${net}::${h}`), ...LINK_LOCAL])
      if (r.chance(94)) out.push(`neigh replace ${h} lladdr ${macOf(h)} dev ${l.name} nud permanent${r.chance(10) ? ' router' : ''}`);
  }
  if (r.chance(10)) out.push(`addr add ${r.pick(REMOTE)}/128 dev lo`);
  return out;
}

const PREFIXES = [
  'fd00:10:96::/112',
  'fd00:10:244:2::/64',
  '2001:4860::/32',
  'fd00::/8',
  '2000::/3',
  '2001:db8::/32',
  '2001:db8:ffff::/48',
  '2001:4860:4860::8888',
  'fd00:10:96::a',
  '::/1',
  '64:ff9b::/96',
] as const;

const network = (r: Rng, w: World): string => `${r.pick(w.nets)}::/${r.pick([64, 65, 120])}`;

export function makeRoutes(r: Rng, w: World): string[] {
  const out: string[] = [];
  const via = (i: number): string => {
    const gateway = r.chance(15) ? r.pick(LINK_LOCAL) : `${w.nets[i]}::${r.pick(HOSTS)}`;
    return r.chance(80) ? `via ${gateway} dev ${w.links[i].name}` : `dev ${w.links[i].name}`;
  };
  const target = (): string => {
    if (r.chance(12)) return '';
    return via(r.below(w.links.length)) + (r.chance(15) ? ` src ${r.pick(w.own)}` : '') + (r.chance(10) ? ` mtu ${r.pick(['1300', '1400', 'lock 1400'])}` : '');
  };
  const route = (table: string): string => {
    const dst = r.chance(25) ? 'default' : r.chance(70) ? r.pick(PREFIXES) : network(r, w);
    const t = target();
    const from = r.chance(3) ? ` from ${network(r, w)}` : '';
    const head = t === '' ? `${r.pick(['blackhole', 'unreachable', 'prohibit', 'throw'])} ${dst}${from}` : `${dst}${from} ${t}`;
    return `route add ${head}${r.chance(20) ? ` metric ${r.pick([10, 100, 2000])}` : ''}${r.chance(5) ? ` hoplimit ${r.pick([7, 200])}` : ''}${r.chance(6) ? ` pref ${r.pick(['low', 'high'])}` : ''}${table}`;
  };
  if (r.chance(80)) out.push(`route add default ${via(r.below(w.links.length))}`);
  for (let n = r.below(6); n > 0; n--) out.push(route(''));
  return [...out, ...policyRouting(r, w, route, { prefixes: PREFIXES, network, icmp: 'ipv6-icmp', suppressed: 32 })];
}

/** Every setting that some case may change, with what it is otherwise. */
export function makeSysctls(r: Rng, w: World): [string, string][] {
  const some = (percent: number, values: readonly string[], usual: string): string => (r.chance(percent) ? r.pick(values) : usual);
  const forwarding = some(8, ['0'], '1');
  const out: [string, string][] = [];
  // Writing to `all` writes to every device, so that it comes first.
  for (const d of ['all', 'default', 'lo', ...w.links.map((l) => l.name)]) {
    const c = (k: string, v: string): number => out.push([`net/ipv6/conf/${d}/${k}`, v]);
    c('forwarding', d === 'all' || r.chance(97) ? forwarding : r.pick(['0', '1']));
    c('accept_ra', '0');
    c('hop_limit', some(5, ['128', '3'], '64'));
    c('accept_source_route', some(8, ['1', '-1'], '0'));
    c('accept_redirects', '0');
    c('proxy_ndp', some(5, ['1'], '0'));
    c('drop_unicast_in_l2_multicast', some(5, ['1'], '0'));
    c('drop_unsolicited_na', some(5, ['1'], '0'));
  }
  out.push(['net/ipv6/icmp/echo_ignore_all', some(3, ['1'], '0')]);
  out.push(['net/ipv6/icmp/echo_ignore_multicast', some(10, ['1'], '0')]);
  out.push(['net/ipv6/icmp/echo_ignore_anycast', some(10, ['1'], '0')]);
  out.push(['net/ipv6/icmp/error_anycast_as_unicast', some(6, ['1'], '0')]);
  out.push(['net/ipv6/anycast_src_echo_reply', some(6, ['1'], '0')]);
  out.push(['net/ipv6/flowlabel_reflect', some(6, ['1', '2', '4', '7'], '0')]);
  out.push(['net/ipv6/fwmark_reflect', some(8, ['1'], '0')]);
  out.push(['net/ipv4/tcp_fwmark_accept', some(6, ['1'], '0')]);
  out.push(['net/ipv6/ip_nonlocal_bind', some(4, ['1'], '0')]);
  out.push(['net/netfilter/nf_conntrack_tcp_loose', some(10, ['0'], '1')]);
  out.push(['net/netfilter/nf_conntrack_tcp_be_liberal', some(8, ['1'], '0')]);
  out.push(['net/netfilter/nf_conntrack_checksum', some(5, ['0'], '1')]);
  return out;
}
