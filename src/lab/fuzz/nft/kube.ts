/** What kube-proxy loads in its nftables mode: maps from services to chains, endpoints chosen in turn, marks for what is to be masqueraded. */
import type { KubeService } from '../kube-rules.js';
import { PORTS } from '../node.js';
import type { Rng } from '../rng.js';
import { NftText } from './text.js';
import { address, ipOf, type NftWorld, network, some, worldOf } from './words.js';

type Service = Omit<KubeService, 'chain' | 'endpoints'> & { readonly endpoints: readonly { readonly addr: string; readonly port: number }[] };

const MASQ = '0x4000';

function services(r: Rng, w: NftWorld, f: 4 | 6): Service[] {
  const used = new Set<string>();
  const once = (key: string): boolean => !used.has(key) && used.add(key) !== undefined;
  return Array.from({ length: r.pick([3, 6, 20]) }, (_, i): Service | null => {
    const [addr, proto, port] = [
      r.chance(70) ? address(r, w, f) : r.pick(worldOf(w, f).addrs.slice(-8)),
      r.pick(['tcp', 'tcp', 'udp'] as const),
      r.pick(PORTS),
    ];
    const nodePort = r.pick(PORTS);
    const outside = address(r, w, f);
    if (!once(`${addr} ${proto} ${port}`)) return null;
    return {
      name: `service-${i}-ns/svc${i}/${proto}/p${port}`.replaceAll('/', '__').replace('__', '-'),
      addr,
      proto,
      port,
      nodePort: r.chance(40) && once(`${proto} ${nodePort}`) ? nodePort : null,
      outside: r.chance(25) && once(`${outside} ${proto} ${port}`) ? outside : null,
      local: r.chance(20),
      affinity: r.chance(20),
      endpoints: Array.from({ length: r.pick([0, 1, 1, 2, 2, 3]) }, () => ({ addr: address(r, w, f), port: r.pick(PORTS) })),
    };
  }).filter((s) => s !== null);
}

export function kubeProxy(r: Rng, w: NftWorld, f: 4 | 6): NftText {
  const ip = ipOf(f);
  const type = f === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const pods = f === 4 ? '10.244.0.0/16' : 'fd00:10:244::/48';
  const t = new NftText(ip, 'kube-proxy');
  bases(t);
  const all = services(r, w, f);
  const plain = (name: string, key: string, elements: readonly string[], data: string | null = 'verdict', flags = ''): void => {
    t.set({ name, key, data, dynamic: false }, `${flags}${elements.length > 0 ? `elements = { ${elements.join(', ')} };` : ''} comment "of services";`);
  };
  const served = all.filter((s) => s.endpoints.length > 0);
  for (const s of served) serviceChains(r, t, f, s, pods);
  const refused = (): string => (r.chance(75) ? 'goto reject-chain' : 'drop');
  plain('cluster-ips', type, [...new Set(all.map((s) => s.addr))], null);
  plain('nodeport-ips', type, r.chance(90) ? worldOf(w, f).own : [], null);
  const three = `${type} . inet_proto . inet_service`;
  const outside = served.filter((s) => s.outside !== null);
  plain('service-ips', three, [
    ...served.map((s) => `${s.addr} . ${s.proto} . ${s.port} : goto ${s.name}`),
    ...outside
      .filter((s) => !all.some((x) => x.addr === s.outside && x.port === s.port && x.proto === s.proto))
      .map((s) => `${s.outside} . ${s.proto} . ${s.port} : goto external-${s.name}`),
  ]);
  plain(
    'service-nodeports',
    'inet_proto . inet_service',
    served.filter((s) => s.nodePort !== null).map((s) => `${s.proto} . ${s.nodePort} : goto external-${s.name}`),
  );
  plain(
    'no-endpoint-services',
    three,
    all.filter((s) => s.endpoints.length === 0).map((s) => `${s.addr} . ${s.proto} . ${s.port} : ${refused()}`),
  );
  plain(
    'no-endpoint-nodeports',
    'inet_proto . inet_service',
    all.filter((s) => s.endpoints.length === 0 && s.nodePort !== null).map((s) => `${s.proto} . ${s.nodePort} : ${refused()}`),
  );
  plain(
    'firewall-ips',
    three,
    outside.slice(0, 1).map((s) => `${s.outside} . ${s.proto} . ${s.port} : goto firewall-${s.name}`),
  );
  for (const s of outside.slice(0, 1)) t.add(t.chain(`firewall-${s.name}`), `${ip} saddr != { ${some(r, () => network(r, w, f), 1, 1)} } drop`);
  dispatch(r, t, f, pods);
  return t;
}

function bases(t: NftText): void {
  t.base('filter-prerouting', 'filter', 'prerouting', '-110');
  t.base('filter-input', 'filter', 'input', '-110');
  t.base('filter-forward', 'filter', 'forward', '-110');
  t.base('filter-output', 'filter', 'output', '-110');
  t.base('filter-output-post-dnat', 'filter', 'output', '-90');
  t.base('nat-prerouting', 'nat', 'prerouting', '-100');
  t.base('nat-output', 'nat', 'output', '-100');
  t.base('nat-postrouting', 'nat', 'postrouting', '100');
  for (const c of [
    'services',
    'masquerading',
    'mark-for-masquerade',
    'reject-chain',
    'firewall-check',
    'cluster-ips-check',
    'nodeport-endpoints-check',
    'service-endpoints-check',
  ])
    t.chain(c);
}

function dispatch(r: Rng, t: NftText, f: 4 | 6, pods: string): void {
  const ip = ipOf(f);
  const fresh = 'ct state new';
  t.add('filter-prerouting', `${fresh} jump firewall-check`);
  t.add('filter-input', `${fresh} jump nodeport-endpoints-check`, `${fresh} jump service-endpoints-check`);
  t.add('filter-forward', `${fresh} jump service-endpoints-check`, `${fresh} jump cluster-ips-check`);
  t.add('filter-output', `${fresh} jump service-endpoints-check`, `${fresh} jump firewall-check`);
  t.add('filter-output-post-dnat', `${fresh} jump cluster-ips-check`);
  t.add('nat-prerouting', 'jump services');
  t.add('nat-output', 'jump services');
  t.add('nat-postrouting', 'jump masquerading');
  t.add('services', `${ip} daddr . meta l4proto . th dport vmap @service-ips`, `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports`);
  t.add('masquerading', `meta mark & ${MASQ} == 0 return`, `meta mark set meta mark ^ ${MASQ}`, `masquerade${r.chance(60) ? ' fully-random' : ''}`);
  t.add('mark-for-masquerade', `meta mark set meta mark | ${MASQ}`);
  t.add('reject-chain', 'reject');
  t.add('firewall-check', `${ip} daddr . meta l4proto . th dport vmap @firewall-ips`);
  t.add('cluster-ips-check', `${ip} daddr @cluster-ips reject comment "no such port"`);
  if (r.chance(50)) t.add('cluster-ips-check', `${ip} daddr ${f === 4 ? '10.96.0.0/16' : 'fd00:10:96::/112'} drop comment "no such service"`);
  t.add('nodeport-endpoints-check', `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports`);
  t.add('service-endpoints-check', `${ip} daddr . meta l4proto . th dport vmap @no-endpoint-services`);
  if (r.chance(15)) t.stray(r, `${ip} saddr ${pods} return`);
}

function serviceChains(r: Rng, t: NftText, f: 4 | 6, s: Service, pods: string): void {
  const ip = ipOf(f);
  t.chain(s.name);
  const endpoints = s.endpoints.map((e, i) => ({ ...e, chain: t.chain(`endpoint-${i}-${s.name}`), set: `affinity-${i}-${s.name}`.slice(0, 40) }));
  if (r.chance(85)) t.add(s.name, `${ip} daddr ${s.addr} ${s.proto} dport ${s.port} ${ip} saddr != ${pods} jump mark-for-masquerade`);
  for (const e of endpoints) {
    if (s.affinity) {
      t.set({ name: e.set, key: f === 4 ? 'ipv4_addr' : 'ipv6_addr', data: null, dynamic: false }, 'flags dynamic,timeout; timeout 3h; size 65535;');
      t.add(s.name, `${ip} saddr @${e.set} goto ${e.chain}`);
    }
    t.add(e.chain, `${ip} saddr ${e.addr} jump mark-for-masquerade`);
    if (s.affinity) t.add(e.chain, `update @${e.set} { ${ip} saddr }`);
    t.add(e.chain, `meta l4proto ${s.proto} dnat to ${f === 4 ? `${e.addr}:${e.port}` : `[${e.addr}]:${e.port}`}`);
  }
  // Of several endpoints kube-proxy chooses by chance: here each gets its turn.
  t.add(s.name, `numgen inc mod ${endpoints.length} vmap { ${endpoints.map((e, i) => `${i} : goto ${e.chain}`).join(', ')} }`);
  if (s.nodePort === null && s.outside === null) return;
  const ext = t.chain(`external-${s.name}`);
  if (s.local) {
    t.add(
      ext,
      `${ip} saddr ${pods} goto ${s.name} comment "short-circuit pod traffic"`,
      'fib saddr type local jump mark-for-masquerade',
      `fib saddr type local goto ${s.name}`,
    );
    t.add(ext, `goto ${endpoints[0].chain}`);
  } else t.add(ext, 'jump mark-for-masquerade', `goto ${s.name}`);
}
