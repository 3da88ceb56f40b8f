/** Rule sets in the shape of what people and programs load: a host's or router's own firewall, firewalld, Calico, marks for policy routing. */
import { PORTS } from '../node.js';
import type { Rng } from '../rng.js';
import { rule } from './random.js';
import { NftText } from './text.js';
import { address, device, ipOf, type NftPlace, type NftWorld, network, ports, some, worldOf } from './words.js';

const familiesOf = (w: NftWorld): (4 | 6)[] => [...(w.four ? ([4] as const) : []), ...(w.six ? ([6] as const) : [])];
const devices = (w: NftWorld): readonly string[] => ((w.four ?? w.six)?.links ?? []).map((l) => l.name);

/** `/etc/nftables.conf` of a server or router. */
export function hostFirewall(r: Rng, w: NftWorld): NftText {
  const t = new NftText('inet', 'filter');
  const f = r.pick(familiesOf(w));
  const ip = ipOf(f);
  const type = f === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const input = t.base('input', 'filter', 'input', 'filter', r.chance(70) ? 'drop' : 'accept');
  const forward = t.base('forward', 'filter', 'forward', 'filter', r.chance(60) ? 'drop' : 'accept');
  const output = t.base('output', 'filter', 'output', 'filter');
  for (const c of ['inbound', 'inbound6', 'services', 'guarded']) t.chain(c);
  t.set({ name: 'blackhole', key: type, data: null, dynamic: true }, `size 65535; flags dynamic,timeout; timeout ${r.pick(['1h', '1d'])};`);
  t.set({ name: 'admin', key: type, data: null, dynamic: false }, `flags interval; elements = { ${some(r, () => network(r, w, f), 1, 3)} }`);
  t.set({ name: 'open', key: 'inet_service', data: null, dynamic: false }, `flags interval; elements = { ${r.pick(['22, 80, 443', '53, 8000-9000', '22'])} }`);
  t.set(
    { name: 'bydevport', key: 'ifname . inet_service', data: 'verdict', dynamic: false },
    `elements = { ${devices(w)
      .map((d) => `"${d}" . ${r.pick(PORTS)} : ${r.pick(['accept', 'drop', 'goto guarded'])}`)
      .join(', ')} }`,
  );
  t.add(input, `ct state vmap { established : accept, related : accept, invalid : ${r.pick(['drop', 'drop', 'continue'])} }`);
  t.add(input, r.pick(['iifname "lo" accept', 'iif lo accept']), 'meta protocol vmap { ip : jump inbound, ip6 : jump inbound6 }');
  if (r.chance(60)) t.add(input, `${ip} saddr @blackhole counter drop`);
  t.add(input, 'tcp dport @open jump services', 'iifname . tcp dport vmap @bydevport');
  if (r.chance(40)) t.add(input, `udp dport ${ports(r)} accept`);
  t.add('inbound', `icmp type echo-request ${r.pick(['limit rate 1/hour burst 2 packets ', ''])}accept`);
  t.add(
    'inbound6',
    'icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept',
    `icmpv6 type echo-request ${r.pick(['', 'limit rate 1/hour burst 2 packets '])}accept`,
  );
  t.add('services', `${ip} saddr @admin accept`);
  t.add(
    'services',
    `tcp dport ${r.pick(PORTS)} ct state new ${r.pick(['add', 'update'])} @blackhole { ${ip} saddr${r.pick([' limit rate over 1/hour burst 1 packets', '', ' ct count over 1'])} } ${r.pick(['drop', 'reject', 'counter'])}`,
  );
  t.add('services', r.pick(['accept', 'ct state new accept', 'tcp flags & (fin|syn|rst|ack) == syn accept']));
  t.add('guarded', `${ip} saddr != ${network(r, w, f)} ${r.pick(['drop', 'reject with tcp reset', 'return'])}`, 'accept');
  t.add(forward, 'ct state vmap { established : accept, related : accept }');
  if (r.chance(60)) t.add(forward, `ct status dnat accept`);
  for (let n = r.between(0, 3); n > 0; n--)
    t.add(forward, `iifname ${device(r, w)} ${r.chance(50) ? `oifname ${device(r, w)} ` : ''}${r.pick(['accept', 'ct state new accept', 'counter accept'])}`);
  t.add(
    forward,
    r.pick(['log prefix "forward: " counter', 'counter reject with icmpx admin-prohibited', 'counter', 'tcp flags syn tcp option maxseg size set rt mtu']),
  );
  t.add(input, r.pick(['counter reject with icmpx port-unreachable', 'log prefix "input: " drop', 'counter', 'meta l4proto tcp reject with tcp reset']));
  if (r.chance(30)) t.add(output, `oifname != "lo" meta skuid ${r.pick(['1000', '0'])} ${r.pick(['counter', 'drop', 'reject'])}`);
  const p: NftPlace = { t, hooks: ['input'], type: 'filter', down: ['guarded'] };
  for (let n = r.below(3); n > 0; n--) t.stray(r, rule(r, w, { ...p, hooks: ['input', 'forward'] }));
  return t;
}

/** A router's translations: forwarded ports by maps, masquerading outwards. */
export function routerNat(r: Rng, w: NftWorld): NftText {
  const f = r.pick(familiesOf(w));
  const [ip, type] = [ipOf(f), f === 4 ? 'ipv4_addr' : 'ipv6_addr'];
  const t = new NftText(r.pick([ip, 'inet']), 'nat');
  const way = t.family === 'inet' ? `${ip} ` : '';
  const before = t.base('prerouting', 'nat', 'prerouting', 'dstnat');
  const after = t.base('postrouting', 'nat', 'postrouting', 'srcnat');
  const two = (n: number, one: (port: number) => string): string => [...new Set(Array.from({ length: n }, () => r.pick(PORTS)))].map(one).join(', ');
  t.set({ name: 'ports', key: 'inet_service', data: type, dynamic: false }, `elements = { ${two(3, (x) => `${x} : ${address(r, w, f)}`)} }`);
  t.set(
    { name: 'published', key: 'inet_service', data: `${type} . inet_service`, dynamic: false },
    `elements = { ${two(3, (x) => `${x} : ${address(r, w, f)} . ${r.pick(PORTS)}`)} }`,
  );
  const at = r.chance(60) ? `iifname ${device(r, w)} ` : r.chance(50) ? 'fib daddr type local ' : '';
  t.add(
    before,
    r.pick([
      `${at}dnat ${way}to tcp dport map @ports`,
      `${at}meta l4proto tcp dnat ${way}to tcp dport map @published`,
      `${at}udp dport 53 dnat ${way}to ${address(r, w, f)}`,
    ]),
  );
  if (r.chance(50)) t.add(before, `${ip} daddr ${network(r, w, f)} tcp dport ${ports(r)} redirect to :${r.pick(PORTS)}`);
  if (r.chance(50)) {
    const out = t.base('output', 'nat', 'output', r.pick(['-100', 'dstnat']));
    t.add(out, `${ip} daddr ${address(r, w, f)} dnat ${way}to ${address(r, w, f)}`, `meta l4proto tcp dnat ${way}to tcp dport map @published`);
  }
  if (r.chance(30)) t.add(t.base('input', 'nat', 'input', '100'), `${ip} saddr ${network(r, w, f)} snat ${way}to ${address(r, w, f)}`);
  t.add(
    after,
    `${ip} saddr ${network(r, w, f)} ${r.chance(60) ? `oifname ${device(r, w)} ` : ''}${r.pick(['masquerade', 'masquerade', `snat ${way}to ${r.pick(worldOf(w, f).own)}`, 'counter masquerade random'])}`,
  );
  if (r.chance(40)) t.add(after, `${ip} daddr ${address(r, w, f)} masquerade`);
  return t;
}

/** firewalld's tables, as far as its zones go. */
export function firewalld(r: Rng, w: NftWorld): NftText {
  const t = new NftText('inet', 'firewalld');
  const zones = r.pick([['public'], ['public', 'trusted'], ['public', 'internal', 'dmz']]);
  const by = (hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting', name: string, type: string, priority: string): string =>
    t.base(name, type, hook, priority);
  const tables = [
    [by('prerouting', 'mangle_PREROUTING', 'filter', '-140'), 'mangle_PRE', 'iifname'],
    [by('prerouting', 'nat_PREROUTING', 'nat', '-90'), 'nat_PRE', 'iifname'],
    [by('postrouting', 'nat_POSTROUTING', 'nat', '110'), 'nat_POST', 'oifname'],
    [by('input', 'filter_INPUT', 'filter', '10'), 'filter_IN', 'iifname'],
    [by('forward', 'filter_FORWARD', 'filter', '10'), 'filter_FWD', 'iifname'],
  ] as const;
  by('prerouting', 'filter_PREROUTING', 'filter', '10');
  by('output', 'filter_OUTPUT', 'filter', '10');
  t.add('filter_PREROUTING', 'icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept', 'meta nfproto ipv6 fib saddr . mark . iif oif missing drop');
  t.add('filter_INPUT', 'ct state { established, related } accept', 'ct status dnat accept', 'iifname "lo" accept');
  if (r.chance(80)) t.add('filter_INPUT', 'ct state invalid drop');
  t.add(
    'filter_FORWARD',
    'ct state { established, related } accept',
    'ct status dnat accept',
    'iifname "lo" accept',
    'ct state invalid drop',
    'ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable',
  );
  for (const [chain, prefix, dev] of tables) {
    const dispatch = t.chain(`${chain}_ZONES`);
    t.add(chain, `jump ${dispatch}`);
    for (const f of familiesOf(w))
      if (r.chance(35)) t.add(dispatch, `${ipOf(f)} ${dev === 'iifname' ? 'saddr' : 'daddr'} ${network(r, w, f)} goto ${prefix}_${zones.at(-1)}`);
    for (const d of devices(w)) if (r.chance(75)) t.add(dispatch, `${dev} "${d}" goto ${prefix}_${r.pick(zones)}`);
    t.add(dispatch, `goto ${prefix}_${zones[0]}`);
    for (const z of zones) {
      t.chain(`${prefix}_${z}`);
      for (const part of ['pre', 'log', 'deny', 'allow', 'post']) t.add(`${prefix}_${z}`, `jump ${t.chain(`${prefix}_${z}_${part}`)}`);
      zone(r, w, t, prefix, z);
    }
    if (chain === 'filter_INPUT' || chain === 'filter_FORWARD')
      t.add(chain, r.pick(['reject with icmpx admin-prohibited', 'log prefix "filter: " reject with icmpx admin-prohibited', 'drop']));
  }
  t.add(
    'filter_OUTPUT',
    'ct state { established, related } accept',
    'oifname "lo" accept',
    'ip6 daddr { ::/96, 2002::/24 } reject with icmpv6 addr-unreachable',
  );
  return t;
}

function zone(r: Rng, w: NftWorld, t: NftText, prefix: string, z: string): void {
  const allow = `${prefix}_${z}_allow`;
  const f = r.pick(familiesOf(w));
  if (prefix === 'filter_IN') {
    for (let n = r.between(1, 4); n > 0; n--)
      t.add(allow, `${r.chance(30) ? `${ipOf(f)} daddr ${network(r, w, f)} ` : ''}${r.pick(['tcp', 'udp'])} dport ${r.pick(PORTS)} accept`);
    if (r.chance(40)) t.add(`${prefix}_${z}_deny`, `${ipOf(f)} saddr ${network(r, w, f)} ${r.pick(['drop', 'reject', 'icmp type echo-request drop'])}`);
    t.add(`${prefix}_${z}`, 'meta l4proto { icmp, ipv6-icmp } accept');
    if (z === 'trusted') t.add(`${prefix}_${z}`, 'accept');
    else if (r.chance(50)) t.add(`${prefix}_${z}`, 'reject with icmpx admin-prohibited');
  } else if (prefix === 'filter_FWD') {
    if (r.chance(60)) t.add(allow, `oifname ${device(r, w)} accept`);
    t.add(`${prefix}_${z}`, r.pick(['reject with icmpx admin-prohibited', 'accept', 'meta l4proto { icmp, ipv6-icmp } accept']));
  } else if (prefix === 'nat_POST') {
    if (r.chance(50)) t.add(allow, r.pick(['meta nfproto ipv4 oifname != "lo" masquerade', `${ipOf(f)} saddr ${network(r, w, f)} masquerade`]));
  } else if (prefix === 'nat_PRE') {
    if (r.chance(50))
      t.add(
        allow,
        r.pick([
          `meta nfproto ipv4 tcp dport ${r.pick(PORTS)} redirect to :${r.pick(PORTS)}`,
          `tcp dport ${r.pick(PORTS)} dnat ${ipOf(f)} to ${f === 4 ? address(r, w, f) : `[${address(r, w, f)}]`}:${r.pick(PORTS)}`,
        ]),
      );
  } else if (r.chance(40)) t.add(allow, `tcp dport ${r.pick(PORTS)} meta mark set ${r.pick(['0x1', '0x2'])}`);
}

/** Calico's shape: devices dispatched by maps, marks that say how far a packet has come, sets of addresses of a policy. */
export function calico(r: Rng, w: NftWorld, f: 4 | 6): NftText {
  const ip = ipOf(f);
  const t = new NftText(ip, 'calico');
  const type = f === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const own = devices(w);
  t.base('filter-INPUT', 'filter', 'input', '0');
  t.base('filter-FORWARD', 'filter', 'forward', '0');
  t.base('filter-OUTPUT', 'filter', 'output', '0');
  t.base('nat-PREROUTING', 'nat', 'prerouting', '-100');
  t.base('nat-POSTROUTING', 'nat', 'postrouting', '100');
  t.base('raw-PREROUTING', 'filter', 'prerouting', '-300');
  t.base('mangle-PREROUTING', 'filter', 'prerouting', '-150');
  for (const c of [
    'filter-cali-FORWARD',
    'filter-cali-from-wl-dispatch',
    'filter-cali-to-wl-dispatch',
    'filter-cali-pi-policy',
    'nat-cali-fip-dnat',
    'nat-cali-nat-outgoing',
  ])
    t.chain(c);
  for (const d of own) for (const way of ['fw', 'tw']) t.chain(`filter-cali-${way}-${d}`);
  t.set(
    { name: 'cali40all-ipam-pools', key: type, data: null, dynamic: false },
    `flags interval; auto-merge; elements = { ${some(r, () => network(r, w, f), 1, 2)} }`,
  );
  t.set({ name: 'cali40masq', key: type, data: null, dynamic: false }, `flags interval; auto-merge; elements = { ${some(r, () => network(r, w, f), 1, 2)} }`);
  t.set({ name: 'cali40s-members', key: type, data: null, dynamic: false }, `elements = { ${some(r, () => address(r, w, f), 2, 6)} }`);
  for (const way of ['from', 'to'])
    t.set(
      { name: `cali-${way}-wl`, key: 'ifname', data: 'verdict', dynamic: false },
      `elements = { ${own.map((d) => `"${d}" : goto filter-cali-${way === 'from' ? 'fw' : 'tw'}-${d}`).join(', ')} }`,
    );
  t.add(
    'raw-PREROUTING',
    'meta mark set meta mark & 0xfff0ffff',
    `iifname "cali*" meta mark set meta mark | 0x40000`,
    `meta mark & 0x40000 == 0x40000 fib saddr . mark . iif oif ${r.chance(85) ? '0' : 'missing'} drop`,
  );
  t.add('mangle-PREROUTING', 'ct state related,established counter accept', 'meta mark & 0x10000 == 0x10000 accept');
  t.add('filter-FORWARD', 'counter jump filter-cali-FORWARD', r.pick(['counter', 'meta mark & 0x10000 == 0x10000 counter accept']));
  t.add(
    'filter-cali-FORWARD',
    'meta mark set meta mark & 0xfffcffff',
    'jump filter-cali-from-wl-dispatch',
    'jump filter-cali-to-wl-dispatch',
    'counter meta mark set meta mark | 0x10000',
  );
  t.add('filter-cali-from-wl-dispatch', 'iifname vmap @cali-from-wl');
  t.add('filter-cali-to-wl-dispatch', 'oifname vmap @cali-to-wl', r.pick(['counter drop comment "unknown interface"', 'return']));
  for (const d of own)
    for (const way of ['fw', 'tw']) {
      const c = `filter-cali-${way}-${d}`;
      t.add(c, 'ct state related,established counter accept', `ct state invalid counter ${r.pick(['drop', 'return'])}`, 'meta mark set meta mark & 0xfffcffff');
      if (r.chance(60)) t.add(c, 'meta mark & 0x20000 == 0 jump filter-cali-pi-policy', 'meta mark & 0x10000 == 0x10000 counter return');
      t.add(c, r.pick(['counter drop comment "drop if no policies passed packet"', 'counter accept', 'return']));
    }
  t.add(
    'filter-cali-pi-policy',
    `${ip} saddr ${r.chance(40) ? '!= ' : ''}@cali40s-members ${r.chance(50) ? `meta l4proto tcp tcp dport ${ports(r)} ` : ''}counter meta mark set meta mark | 0x10000`,
    'meta mark & 0x10000 == 0x10000 counter return',
    `${r.pick(['tcp', 'udp'])} dport ${ports(r)} meta mark set meta mark | ${r.pick(['0x10000', '0x20000'])}`,
  );
  t.add('nat-PREROUTING', 'counter jump nat-cali-fip-dnat');
  t.add('nat-cali-fip-dnat', `${ip} daddr ${address(r, w, f)} dnat to ${address(r, w, f)}`);
  t.add('nat-POSTROUTING', 'counter jump nat-cali-nat-outgoing');
  t.add('nat-cali-nat-outgoing', `${ip} saddr @cali40masq ${ip} daddr != @cali40all-ipam-pools counter masquerade${r.chance(50) ? ' fully-random' : ''}`);
  t.add('filter-INPUT', 'ct state related,established accept', `iifname "cali*" counter ${r.pick(['accept', 'goto filter-cali-pi-policy', 'reject'])}`);
  if (r.chance(40)) t.add('filter-OUTPUT', 'meta mark & 0x10000 == 0x10000 accept', 'ct status dnat counter');
  return t;
}

/** Marks that policy routing asks for: of connections and back, in prerouting and in a chain of type route. */
export function marks(r: Rng, w: NftWorld): NftText {
  const t = new NftText('inet', 'marks');
  const f = r.pick(familiesOf(w));
  const mark = r.pick(['0x1', '0x2', '0x4000', '0x10']);
  const before = t.base('prerouting', 'filter', 'prerouting', 'mangle');
  const out = t.base('output', 'route', 'output', 'mangle');
  t.set(
    { name: 'byport', key: 'inet_service', data: 'mark', dynamic: false },
    `elements = { ${some(r, () => `${r.pick([53, 80, 443])} : ${mark}`, 1, 1)}, 22 : 0x2 }`,
  );
  if (r.chance(50)) t.add(before, 'meta mark set ct mark', 'meta mark != 0 accept');
  t.add(
    before,
    `${r.chance(60) ? `iifname ${device(r, w)} ` : ''}${r.chance(50) ? `ip protocol ${r.pick(['tcp', 'udp', 'icmp'])} ` : ''}${r.pick([`meta mark set ${mark}`, 'meta mark set tcp dport map @byport', `ct mark set ${mark}`, `ct state new ct mark set ${mark}`])}`,
  );
  if (r.chance(60)) t.add(before, `ct mark ${mark} meta mark set ct mark`);
  if (r.chance(50)) t.add(before, 'ct mark set meta mark');
  t.add(
    out,
    r.pick([
      `meta skuid ${r.pick(['1000', '0'])} meta mark set ${mark}`,
      `${ipOf(f)} daddr ${address(r, w, f)} meta mark set ${mark}`,
      `udp dport ${ports(r)} meta mark set ${mark}`,
      `meta mark set tcp dport map @byport`,
    ]),
  );
  if (r.chance(50)) t.add(out, 'meta mark set ct mark');
  if (r.chance(30)) t.add(out, `${ipOf(f)} ${f === 4 ? 'dscp' : 'dscp'} set ${r.pick(['cs1', 'af11'])}`);
  if (r.chance(40)) t.add(t.base('postrouting', 'filter', 'postrouting', 'mangle'), `meta mark ${mark} counter ct mark set meta mark`);
  return t;
}
