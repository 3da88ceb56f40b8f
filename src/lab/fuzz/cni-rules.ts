/** What network plugins load: Calico's dispatch to workloads, policies over sets, marks that say what was allowed; addresses masqueraded on their way out; Docker's bridges. */
import type { ClusterWords } from './kube-rules.js';
import { PORTS, type World } from './node.js';
import type { Rng } from './rng.js';
import { comment, hash, type RuleSet } from './rule-set.js';

const ACCEPTED = '0x10000/0x10000';
const SCRATCH = '0x0/0xf0000';
const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
const allowed = (t: RuleSet, table: string, chain: string, to: 'ACCEPT' | 'RETURN'): void => t.add(table, chain, `-m mark --mark ${ACCEPTED} -j ${to}`);

/** Sets of addresses that policies name. */
interface Selectors {
  readonly nets: readonly string[];
  readonly ports: readonly string[];
}

function selectors(r: Rng, w: World, f: ClusterWords, sets: string[]): Selectors {
  const nets: string[] = [];
  const ports: string[] = [];
  const net = (): string => (r.chance(40) ? r.pick(w.addrs) : f.network(r, r.pick(w.nets)));
  for (let i = r.between(2, 10); i > 0; i--) {
    const name = `${f.sets}s:${hash(r, 20)}`;
    nets.push(name);
    sets.push(`create ${name} hash:net family ${f.inet} hashsize 1024 maxelem 1048576`);
    for (let n = r.pick([0, 3, 12, 80]); n > 0; n--) sets.push(`-exist add ${name} ${net()}`);
  }
  for (let i = r.below(4); i > 0; i--) {
    const name = `${f.sets}n:${hash(r, 20)}`;
    ports.push(name);
    sets.push(`create ${name} hash:ip,port family ${f.inet} hashsize 1024 maxelem 1048576`);
    for (let n = r.between(1, 30); n > 0; n--) sets.push(`-exist add ${name} ${r.pick(w.addrs)},${r.pick(['tcp', 'udp'])}:${r.pick(PORTS)}`);
  }
  return { nets, ports };
}

/** One rule of a policy: its action marks the packet, which returns at once. */
function policyRule(r: Rng, s: Selectors, f: ClusterWords, t: RuleSet, chain: string, to: 'ingress' | 'egress'): void {
  const proto = r.pick(['', 'tcp', 'tcp', 'udp', f.icmp]);
  const side = to === 'ingress' ? 'src' : 'dst';
  const words = [proto === '' ? '' : `-p ${proto}`, comment(`cali:${hash(r)}`)];
  if (r.chance(70)) words.push(`-m set ${r.chance(15) ? '! ' : ''}--match-set ${r.pick(s.nets)} ${side}`);
  if (s.ports.length > 0 && (proto === 'tcp' || proto === 'udp') && r.chance(25)) words.push(`-m set --match-set ${r.pick(s.ports)} dst,dst`);
  else if (proto === 'tcp' || proto === 'udp') words.push(`-m multiport --dports ${[...new Set([r.pick(PORTS), r.pick(PORTS), r.pick(PORTS)])].join(',')}`);
  const match = words.filter((x) => x !== '').join(' ');
  if (r.chance(20)) t.add('filter', chain, `${match} -j DROP`);
  else {
    t.add('filter', chain, `${match} -j MARK --set-xmark ${ACCEPTED}`);
    if (r.chance(90)) allowed(t, 'filter', chain, 'RETURN');
  }
}

/** cali-tw-, cali-fw-: what a workload may receive, may send. */
function workload(r: Rng, s: Selectors, f: ClusterWords, t: RuleSet, dev: string, to: 'ingress' | 'egress'): string {
  const [short, letter] = to === 'ingress' ? ['tw', 'i'] : ['fw', 'o'];
  const chain = t.chain('filter', `cali-${short}-${dev}`);
  t.add('filter', chain, ESTABLISHED, '-m conntrack --ctstate INVALID -j DROP', `-j MARK --set-xmark 0x0/${ACCEPTED.slice(0, 7)}`);
  if (to === 'egress') t.add('filter', chain, `-p udp ${comment('Drop VXLAN encapped packets originating in workloads')} -m multiport --dports 4789 -j DROP`);
  for (let n = r.below(4); n > 0; n--) {
    const policy = t.chain('filter', `cali-p${letter}-${hash(r, 16)}`);
    for (let k = r.pick([1, 2, 5, 15]); k > 0; k--) policyRule(r, s, f, t, policy, to);
    t.add('filter', chain, `${comment('Start of policies')} -j MARK --set-xmark 0x0/0x20000`, `-m mark --mark 0x0/0x20000 -j ${policy}`);
    t.add('filter', chain, `${comment('Return if policy accepted')} -m mark --mark ${ACCEPTED} -j RETURN`);
    if (r.chance(60)) t.add('filter', chain, `${comment('Drop if no policies passed packet')} -m mark --mark 0x0/0x20000 -j DROP`);
  }
  const profile = t.chain('filter', `cali-pr${letter}-kns.default`);
  t.add('filter', chain, `-j ${profile}`, `${comment('Return if profile accepted')} -m mark --mark ${ACCEPTED} -j RETURN`);
  if (r.chance(50)) t.add('filter', chain, `${comment('Drop if no profiles matched')} -j DROP`);
  return chain;
}

/** Calico: filter, raw, mangle and nat. */
export function calico(r: Rng, w: World, f: ClusterWords, t: RuleSet, sets: string[]): void {
  const s = selectors(r, w, f, sets);
  const workloads = w.links.map((l) => l.name).filter((n) => n.startsWith('cali') || r.chance(35));
  for (const [letter, to] of [
    ['i', 'ingress'],
    ['o', 'egress'],
  ] as const) {
    const profile = t.chain('filter', `cali-pr${letter}-kns.default`);
    if (r.chance(80))
      t.add('filter', profile, `${comment(`Profile kns.default ${to}`)} -j MARK --set-xmark ${ACCEPTED}`, `-m mark --mark ${ACCEPTED} -j RETURN`);
  }
  dispatch(r, s, f, t, workloads);
  for (const hook of ['INPUT', 'FORWARD', 'OUTPUT']) t.add('filter', hook, `${comment(`cali:${hash(r)}`)} -j ${t.chain('filter', `cali-${hook}`)}`);
  t.add('filter', 'cali-FORWARD', `-j MARK --set-xmark 0x0/0xe0000`, '-m mark --mark 0x0/0x10000 -j cali-from-hep-forward');
  t.add('filter', 'cali-FORWARD', '-i cali+ -j cali-from-wl-dispatch', '-o cali+ -j cali-to-wl-dispatch', '-j cali-to-hep-forward');
  t.add('filter', 'FORWARD', `${comment('Policy explicitly accepted packet.')} -m mark --mark ${ACCEPTED} -j ACCEPT`, `-j MARK --set-xmark ${ACCEPTED}`);
  t.add('filter', 'cali-INPUT', `-i cali+ -g ${t.chain('filter', 'cali-wl-to-host')}`);
  allowed(t, 'filter', 'cali-INPUT', 'ACCEPT');
  t.add('filter', 'cali-INPUT', `-j MARK --set-xmark ${SCRATCH}`, '-j cali-from-hep-forward');
  t.add(
    'filter',
    'cali-wl-to-host',
    '-j cali-from-wl-dispatch',
    `${comment('Configured DefaultEndpointToHostAction')} -j ${r.pick(['ACCEPT', 'RETURN', 'DROP'])}`,
  );
  allowed(t, 'filter', 'cali-OUTPUT', 'ACCEPT');
  t.add('filter', 'cali-OUTPUT', '-o cali+ -j RETURN', `-j MARK --set-xmark ${SCRATCH}`, '-m conntrack ! --ctstate DNAT -j cali-to-hep-forward');
  early(r, t);
  outgoing(r, w, f, t, sets);
}

/** By device, with a chain for names that begin alike; what is no known workload is dropped. */
function dispatch(r: Rng, s: Selectors, f: ClusterWords, t: RuleSet, workloads: readonly string[]): void {
  for (const c of ['cali-from-hep-forward', 'cali-to-hep-forward']) t.chain('filter', c);
  for (const [to, flag, name] of [
    ['ingress', '-o', 'cali-to-wl-dispatch'],
    ['egress', '-i', 'cali-from-wl-dispatch'],
  ] as const) {
    const all = t.chain('filter', name);
    const split = r.chance(40) ? t.chain('filter', `${name}-c`) : null;
    if (split !== null) t.add('filter', all, `${flag} c+ -g ${split}`);
    for (const dev of workloads)
      t.add('filter', split !== null && dev.startsWith('c') ? split : all, `${flag} ${dev} ${comment(`cali:${hash(r)}`)} -g ${workload(r, s, f, t, dev, to)}`);
    const unknown = `${comment('Unknown interface')} -j ${r.chance(70) ? 'DROP' : 'RETURN'}`;
    if (split !== null) t.add('filter', split, unknown);
    t.add('filter', all, unknown);
  }
}

/** raw and mangle: what comes from workloads is marked, and its source validated. */
function early(r: Rng, t: RuleSet): void {
  for (const table of ['raw', 'mangle']) {
    const pre = t.chain(table, 'cali-PREROUTING');
    t.add(table, 'PREROUTING', `${comment(`cali:${hash(r)}`)} -j ${pre}`);
    const host = t.chain(table, 'cali-from-host-endpoint');
    if (table === 'raw') {
      t.add(table, pre, `-j MARK --set-xmark ${SCRATCH}`, '-i cali+ -j MARK --set-xmark 0x40000/0x40000');
      if (r.chance(60)) t.add(table, pre, '-m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP');
      t.add(table, pre, `-m mark --mark 0x0/0x40000 -j ${host}`);
    } else t.add(table, pre, ESTABLISHED, `-j ${host}`);
    allowed(t, table, pre, 'ACCEPT');
  }
  const post = t.chain('mangle', 'cali-POSTROUTING');
  t.add('mangle', 'POSTROUTING', `-j ${post}`);
  allowed(t, 'mangle', post, 'RETURN');
  t.add('mangle', post, `-j MARK --set-xmark ${SCRATCH}`, `-m conntrack --ctstate DNAT -j ${t.chain('mangle', 'cali-to-host-endpoint')}`);
}

/** nat: floating addresses, and masquerading of what leaves the pools. */
function outgoing(r: Rng, w: World, f: ClusterWords, t: RuleSet, sets: string[]): void {
  for (const [name, count] of [
    [`${f.sets}all-ipam-pools`, r.between(1, 3)],
    [`${f.sets}masq-ipam-pools`, r.between(0, 2)],
  ] as const) {
    sets.push(`create ${name} hash:net family ${f.inet} hashsize 1024 maxelem 1048576`);
    for (let n = count; n > 0; n--) sets.push(`-exist add ${name} ${r.chance(60) ? f.network(r, r.pick(w.nets)) : f.pods}`);
  }
  const dnat = t.chain('nat', 'cali-fip-dnat');
  const snat = t.chain('nat', 'cali-fip-snat');
  const out = t.chain('nat', 'cali-nat-outgoing');
  for (const hook of ['PREROUTING', 'OUTPUT', 'POSTROUTING']) {
    const own = t.chain('nat', `cali-${hook}`);
    t.add('nat', hook, `${comment(`cali:${hash(r)}`)} -j ${own}`);
    t.add('nat', own, ...(hook === 'POSTROUTING' ? [`-j ${snat}`, `-j ${out}`] : [`-j ${dnat}`]));
  }
  for (let n = r.below(3); n > 0; n--) {
    const [floating, pod] = [r.pick(w.addrs), r.pick(w.addrs)];
    t.add('nat', dnat, `-d ${floating}/${f.one} -j DNAT --to-destination ${pod}`);
    t.add('nat', snat, `-s ${pod}/${f.one} -d ${pod}/${f.one} -j SNAT --to-source ${floating}`);
  }
  t.add(
    'nat',
    out,
    `-m set --match-set ${f.sets}masq-ipam-pools src -m set ! --match-set ${f.sets}all-ipam-pools dst -j MASQUERADE${r.chance(50) ? ' --random-fully' : ''}`,
  );
}

/** An edge node: what goes to its peers keeps its source. */
export function edge(r: Rng, w: World, f: ClusterWords, t: RuleSet, sets: string[]): void {
  const peers = `FABEDGE-PEER-CIDR${f.end}`;
  sets.push(`create ${peers} hash:net family ${f.inet} hashsize 1024 maxelem 65536`);
  for (let n = r.below(4); n > 0; n--) sets.push(`-exist add ${peers} ${f.network(r, r.pick(w.nets))}`);
  const own = f.network(r, r.pick(w.nets));
  const out = t.chain('nat', 'FABEDGE-NAT-OUTGOING');
  t.add('nat', 'POSTROUTING', `-j ${out}`);
  t.add('nat', out, `-s ${own} -m set --match-set ${peers} dst -j RETURN`, `-s ${own} -d ${own} -j RETURN`, `-s ${own} -j MASQUERADE`);
  const forward = t.chain('filter', 'FABEDGE-FORWARD');
  t.add('filter', 'FORWARD', `-j ${forward}`);
  t.add('filter', forward, ESTABLISHED, `-s ${own} -j ACCEPT`, `-d ${own} -j ACCEPT`);
}

/** Docker: isolation of bridges in two stages, published ports. */
export function docker(r: Rng, w: World, f: ClusterWords, t: RuleSet): void {
  const dev = r.pick(w.links).name;
  const [user, first, second, filter, nat] = [
    t.chain('filter', 'DOCKER-USER'),
    t.chain('filter', 'DOCKER-ISOLATION-STAGE-1'),
    t.chain('filter', 'DOCKER-ISOLATION-STAGE-2'),
    t.chain('filter', 'DOCKER'),
    t.chain('nat', 'DOCKER'),
  ];
  t.add('filter', 'FORWARD', `-j ${user}`, `-j ${first}`, `-o ${dev} ${ESTABLISHED}`, `-o ${dev} -j ${filter}`);
  t.add('filter', 'FORWARD', `-i ${dev} ! -o ${dev} -j ACCEPT`, `-i ${dev} -o ${dev} -j ACCEPT`);
  t.add('filter', user, '-j RETURN');
  t.add('filter', first, `-i ${dev} ! -o ${dev} -j ${second}`, '-j RETURN');
  t.add('filter', second, `-o ${dev} -j DROP`, '-j RETURN');
  t.add('nat', 'PREROUTING', `-m addrtype --dst-type LOCAL -j ${nat}`);
  t.add('nat', 'OUTPUT', `! -d ${f.loopback} -m addrtype --dst-type LOCAL -j ${nat}`);
  t.add('nat', 'POSTROUTING', `-s ${f.network(r, r.pick(w.nets))} ! -o ${dev} -j MASQUERADE`);
  t.add('nat', nat, `-i ${dev} -j RETURN`);
  for (let n = r.between(1, 12); n > 0; n--) {
    const [proto, port, to, inner] = [r.pick(['tcp', 'udp']), r.pick(PORTS), r.pick(w.addrs), r.pick(PORTS)];
    t.add('nat', nat, `! -i ${dev} -p ${proto} -m ${proto} --dport ${port} -j DNAT --to-destination ${f.socket(to, inner)}`);
    t.add('filter', filter, `-d ${to}/${f.one} ! -i ${dev} -o ${dev} -p ${proto} -m ${proto} --dport ${inner} -j ACCEPT`);
  }
}
