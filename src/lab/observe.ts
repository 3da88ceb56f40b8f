/** Builds a case on a bench, sends its packets and writes down what the kernel did, in the schema of the kernel corpus. */
import { release } from 'node:os';
import { readConntrack } from '../formats/conntrack.js';
import type {
  CorpusCase,
  CorpusSocket,
  CorpusState,
  Delivery,
  EmittedFrame,
  InjectStep,
  LocalStep,
  Observed,
  SockSendStep,
  StepRecord,
  StepResult,
  TracePoint,
} from '../harness/conformance/corpus.js';
import { bytesHex, hexBytes } from '../harness/conformance/hex.js';
import { conntrackEntry } from '../harness/conformance/model-case.js';
import { noteNumbers, packetsIn, vxlanPortsOf } from '../harness/conformance/packets.js';
import { type Bench, isMarkerFrame, same } from './bench.js';
import { type CaseSpec, ebtablesText, restoreText, TABLES } from './case-spec.js';
import { type Counts, readCounts, rises } from './counts.js';
import { followFrame } from './follow.js';
import { withLabLock } from './lock.js';
import { readLogRecord, tracePointOf } from './nflog.js';
import { FORGET_NFT, loadNft, TRACING_TABLE, tracingTable, withoutLab } from './nft-load.js';
import { ListedRules, NftPoints } from './nft-trace-stream.js';
import { snapshot as wholeSnapshot } from './node-state.js';
import { hereDoc } from './shell.js';
import { sendBySocat, usesSocat } from './socat-send.js';

const CUT = '\u0002';
const SNAPSHOT: readonly (readonly [keyof CorpusState, string])[] = [
  ['link', 'ip -j -d link'],
  ['addr', 'ip -j addr'],
  ['neigh', 'ip -j neigh show nud all'],
  ['route_text', 'ip route show table all'],
  ['rule_text', 'ip rule'],
  ['iptables_save', 'iptables-save 2>/dev/null'],
  ['ipset_save', 'ipset save'],
  ['nfqueue', 'cat /proc/net/netfilter/nfnetlink_queue'],
  [
    'sysctl',
    'cd /proc/sys && grep -rH "" net/ipv4/conf net/ipv4/route/min_pmtu net/ipv4/fib_* net/ipv4/fwmark_reflect net/ipv4/icmp_* net/ipv4/ip_* net/ipv4/raw_l3mdev_accept net/ipv4/tcp_early_demux net/ipv4/tcp_ecn net/ipv4/tcp_fwmark_accept net/ipv4/tcp_l3mdev_accept net/ipv4/tcp_timestamps net/ipv4/udp_* net/netfilter/nf_conntrack_* net/bridge',
  ],
];

/** What a bench is put back to between cases, so that nothing of the one before is left. */
function resetScript(b: Bench): string {
  const devices = b.links.flatMap((l) => [`addr flush dev ${l.name}`, `neigh flush dev ${l.name} nud all`, `link set ${l.name} mtu 1500`]);
  const tables = b.hadPolicyRules ? [100, 101, 102].map((t) => `route flush table ${t}`) : [];
  const rules = b.hadPolicyRules ? Array.from({ length: 10 }, (_, i) => `rule del pref ${1000 + i}`) : [];
  const builtins = TABLES.map(([t, chains]) => `*${t}\n${chains.map((c) => `:${c} ACCEPT [0:0]\n`).join('')}COMMIT\n`).join('');
  const made = b.madeDevices.splice(0).map((d) => `link del ${d}`);
  if (made.length > 0) devices.push(...b.links.map((l) => `link set ${l.name} promisc off`));
  const bridged = b.hadEbtables ? ['ebtables-nft --init-table', 'ebtables-nft -t nat --init-table'] : [];
  b.hadEbtables = false;
  const lo4 = ['addr flush dev lo', 'addr add 127.0.0.1/8 dev lo'];
  const beside = b.hadBoth
    ? [
        ...(b.hadNft ? [] : [hereDoc('iptables-restore', builtins)]),
        hereDoc('ip -4 -force -batch -', [...rules, 'route flush table main', ...tables, ...devices, ...lo4, 'route flush cache'].join('\n')),
      ]
    : [];
  // What IPv6 makes itself for ::1 is better left alone.
  const routes = b.ipv6 ? 'route flush table main proto boot\nroute flush table local proto boot' : 'route flush table main';
  const lo = b.ipv6 ? ['addr flush dev lo scope global'] : lo4;
  return [
    ...bridged,
    ...(b.hadNft ? [FORGET_NFT] : []),
    ...(b.hadNft ? [] : [hereDoc(`${b.ipv6 ? 'ip6' : 'ip'}tables-restore`, builtins)]),
    ...beside,
    'ipset flush; ipset destroy',
    ...(b.ipv6 ? ['ip -6 neigh flush proxy'] : []),
    hereDoc(ipBatch(b), [...made, ...rules, routes, ...tables, ...devices, ...lo, 'route flush cache'].join('\n')),
    'conntrack -F',
  ].join('\n');
}

const ipBatch = (b: Bench): string => `ip ${b.ipv6 ? '-6 ' : ''}-force -batch -`;

/** A tool or the kernel did not take the set-up. */
export class Refused extends Error {}
/** Something of the bench itself failed; it is not to be used further. */
export class BenchLost extends Refused {}

/** A frame longer than the device takes never arrives: veth drops it, and no node is asked. */
function tooLong(s: CaseSpec): string | null {
  for (const st of s.steps) {
    if (st.kind !== 'inject') continue;
    const mtu = Number(s.ip.map((l) => new RegExp(`^link set ${st.dev} mtu (\\d+)$`).exec(l)?.[1]).findLast((m) => m !== undefined) ?? 1500);
    if (st.frame.length / 2 > mtu + 14) return `step ${st.n}: a frame of ${st.frame.length / 2} bytes for ${st.dev}, MTU ${mtu}`;
  }
  return null;
}

/** Throws Refused where a tool or the kernel does not take the set-up. */
export async function recordCase(b: Bench, s: CaseSpec): Promise<CorpusCase> {
  const long = tooLong(s);
  if (long !== null) throw new Refused(long);
  // Whatever is left then belongs to nft, which has it all taken away.
  b.hadNft ||= s.nft !== undefined;
  await b.agent.ask({ op: 'reset' });
  await b.shell.run(resetScript(b));
  await makeDevices(b, s);
  b.hadPolicyRules ||= [...s.ip, ...(s.ip4 ?? [])].some((l) => l.startsWith('rule '));
  b.hadBoth ||= s.family === 'both';
  const sysctls = (await settings(b, s)).map(([k, v]) => `echo ${v} > /proc/sys/${k}`).join('\n');
  await b.shell.run([sysctls, hereDoc(ipBatch(b), s.ip.join('\n')), ...(s.ip4 ? [hereDoc('ip -4 -force -batch -', s.ip4.join('\n'))] : [])].join('\n'));
  if (b.ipv6) {
    await b.quiet();
    // Such reports go out through tunnels as well, and ask for neighbours.
    await b.shell.run('ip -4 neigh flush all; ip -6 neigh flush all');
  }
  await loadRules(b, s);
  const listening = await b.agent.ask<string | null | { error: string }>({ op: 'listen', sockets: s.sockets });
  if (listening !== null) throw new Refused(typeof listening === 'string' ? listening : listening.error);
  const state = await (b.ipv6 ? wholeSnapshot(b.shell, { backend: b.backend, ipv6: true, ebtables: b.hadEbtables, sockets: s.sockets }) : snapshot(b, s));
  if (s.nft && !state.nft_ruleset?.includes(TRACING_TABLE)) throw new BenchLost('nft does not list what it has loaded');
  for (const l of state.link as readonly { ifindex: number; ifname: string }[]) b.names.set(l.ifindex, l.ifname);
  const listed = new ListedRules({ nft: state.nft_ruleset, iptables: state.iptables_save, ip6tables: state.ip6tables_save, ebtables: state.ebtables_save });
  const steps = await withLabLock(() => new Run(b, s, listed).steps());
  return {
    id: s.id,
    category: s.category,
    scenario: s.scenario,
    tags: s.tags,
    schema: 1,
    kernel: release(),
    backend: b.backend,
    family: s.family === undefined ? 'ipv4' : 'ipv6',
    links: s.links,
    state,
    ephemeral_ports: chosenPorts(
      [...[...s.rules, ...(s.rules4 ?? [])].map((r) => r.text), ...s.sets, ...(s.nft ?? []), ...(s.devices ?? [])],
      s.sockets,
      steps,
      vxlanPortsOf(state.link),
    ),
    unobserved: [
      'delivered.to',
      'delivered.soft_error',
      ...(s.devices ? (['trace.physin', 'drops.port_state'] as const) : []),
      ...(withoutBuffers(s) ? (['trace.pkt'] as const) : []),
    ],
    steps,
  };
}

async function loadRules(b: Bench, s: CaseSpec): Promise<void> {
  const must = async (script: string): Promise<void> => {
    const loaded = await b.shell.run(script);
    if (loaded.status !== 0) throw new Refused(loaded.out.trim());
  };
  if (s.sets.length > 0) await must(hereDoc('ipset restore', s.sets.join('\n')));
  if (s.nft && s.nftFirst) await loadNative(b, s);
  if (!s.nft || s.rules.length > 0) await must(hereDoc(`${b.ipv6 ? 'ip6' : 'ip'}tables-restore`, restoreText(s)));
  if (s.family === 'both' && (!s.nft || s.rules4?.length))
    await must(hereDoc('iptables-restore', restoreText({ chains: s.chains4 ?? [], rules: s.rules4 ?? [] })));
  for (const c of ebtablesCommands(b, s)) await must(c);
  if (s.nft && !s.nftFirst) await loadNative(b, s);
}

/** Rule sets of nft, and what traces all packets. */
async function loadNative(b: Bench, s: CaseSpec): Promise<void> {
  const tracing = tracingTable('inet') + (s.nft?.some((l) => l.startsWith('add table bridge ')) ? tracingTable('bridge') : '');
  if ((await loadNft(b.shell, s.nft ?? [])) === null) throw new Refused('nft refuses the rule set, and names no line');
  const traced = await b.shell.run(hereDoc('nft -f -', tracing));
  if (traced.status !== 0) throw new Refused(traced.out.trim());
}

/** Copies and answers made in mid-walk take each other's memory: buffers are known by their addresses. */
const withoutBuffers = (s: CaseSpec): boolean => s.devices !== undefined || s.nft !== undefined;

/** A device that comes up reports the groups that it is in (igmpv3_unsolicited_report_interval is a millisecond). */
const SETTLED_S = 0.05;

/** Devices that are no wires, and what `bridge` says of them. */
async function makeDevices(b: Bench, s: CaseSpec): Promise<void> {
  for (const l of s.devices ?? []) {
    const name = /^link add (?:name )?(\S+)/.exec(l)?.[1];
    if (name !== undefined) b.madeDevices.push(name);
  }
  const batch = [...(s.devices?.length ? [hereDoc('ip -force -batch -', s.devices.join('\n'))] : [])];
  if (s.bridge?.length) batch.push(hereDoc('bridge -force -batch -', s.bridge.join('\n')));
  if (batch.length > 0) await b.shell.run([...batch, `sleep ${SETTLED_S}`, 'conntrack -F'].join('\n'));
}

function ebtablesCommands(b: Bench, s: CaseSpec): string[] {
  if (!s.ebtables?.length) return [];
  b.hadEbtables = true;
  return [hereDoc('ebtables-nft-restore', ebtablesText(s.ebtables))];
}

/** The case's own settings, after those that an earlier case of this bench changed and this one leaves alone. */
async function settings(b: Bench, s: CaseSpec): Promise<(readonly [string, string])[]> {
  const fresh = s.sysctls.map(([k]) => k).filter((k) => !b.originalSysctls.has(k));
  if (fresh.length > 0) {
    const { out } = await b.shell.run(fresh.map((k) => `cat /proc/sys/${k} || echo`).join('\n'));
    for (const [i, v] of out.split('\n').slice(0, fresh.length).entries()) b.originalSysctls.set(fresh[i], v);
  }
  const stated = new Set(s.sysctls.map(([k]) => k));
  return [...[...b.originalSysctls].filter(([k]) => !stated.has(k)), ...s.sysctls];
}

async function snapshot(b: Bench, s: CaseSpec): Promise<CorpusState> {
  const bridges: typeof SNAPSHOT = [
    ['bridge_fdb', 'bridge -j fdb'],
    ['bridge_link', 'bridge -j -d link'],
    ...(b.hadEbtables ? [['ebtables_save', 'ebtables-nft-save'] as const] : []),
  ];
  const list = [
    ...SNAPSHOT,
    ...(b.madeDevices.length > 0 ? bridges : []),
    ...(b.backend === 'nft' ? [['nft_ruleset', 'nft -a list ruleset 2>/dev/null'] as const] : []),
  ];
  const { out } = await b.shell.run(list.map(([, c]) => `(${c}); printf '${CUT}'`).join('\n'));
  const parts = out.split(CUT);
  // Routes and rules count as text; their JSON says the same.
  const state: Record<string, unknown> = { sockets: s.sockets, route: [], rule: [] };
  for (const [i, [key]] of list.entries()) {
    const text = parts[i];
    if (key === 'sysctl') {
      const pairs = text
        .split('\n')
        .map((l) => /^([^:]+(?::[^:]+)?):(.*)$/.exec(l))
        .filter((m) => m !== null);
      state.sysctl = Object.fromEntries(pairs.map((m) => [m[1], m[2].replaceAll('\t', ' ')]).filter(([k]) => !k.includes('icmp_msgs')));
    } else if (key === 'iptables_save' || key === 'ebtables_save') state[key] = uncommented(text);
    else if (['link', 'addr', 'neigh', 'bridge_fdb', 'bridge_link'].includes(key)) state[key] = tidy(JSON.parse(text === '' ? '[]' : text));
    else if (key === 'nft_ruleset') state[key] = withoutLab(text);
    else if (key !== 'ipset_save' || text !== '') state[key] = text;
  }
  return state as unknown as CorpusState;
}

const uncommented = (t: string): string =>
  t
    .split('\n')
    .filter((l) => !l.startsWith('#'))
    .join('\n');

/** `ip -j` prints an empty object for what it leaves out. */
const tidy = (v: unknown): unknown => (Array.isArray(v) ? v.filter((x) => Object.keys(x as object).length > 0) : v);

/** TCP acknowledges data and the end of a stream at leisure (TCP_DELACK_MIN is 40 ms). */
const DELAYED_ACK_MS = 70;

class Run {
  readonly #emitted = new Map<number, EmittedFrame[]>();
  #sockets = 0;
  readonly #start = performance.now();
  #counts!: Counts;
  readonly #points = new NftPoints();

  constructor(
    readonly b: Bench,
    readonly s: CaseSpec,
    readonly listed: ListedRules,
  ) {
    this.#sockets = s.sockets.length;
  }

  async steps(): Promise<StepRecord[]> {
    this.#counts = await this.#read();
    await this.b.barrier();
    this.#drain();
    const out: StepRecord[] = [];
    const closed = new Set<number>();
    for (const step of this.s.steps) {
      // What socat sent from has gone by now: nobody is there to be answered.
      if (step.kind === 'local' && step.proto === 'udp' && usesSocat(step)) closed.add(step.n);
      if (step.kind === 'follow' && closed.has(step.of)) continue;
      const input = step.kind === 'follow' ? followFrame(step, this.#emitted.get(step.of) ?? [], this.s.links) : step;
      if (input === null) continue;
      out.push(await this.#step(input, step.kind === 'follow' && (step.how === 'data' || step.how === 'fin')));
    }
    return out;
  }

  #drain(): void {
    this.b.log.take();
    this.b.nft?.take();
    for (const c of this.b.captures.values()) c.take();
    this.b.drops.take();
  }

  async #step(input: InjectStep | LocalStep | SockSendStep, late: boolean): Promise<StepRecord> {
    const { b } = this;
    const ms = Math.round(performance.now() - this.#start);
    let result: StepResult | undefined;
    if (input.kind === 'inject') {
      if (!(await b.inject(input.dev, hexBytes(input.frame)))) throw new BenchLost(`${input.dev} did not take the frame`);
    } else result = await this.#send(input);
    if (late) await new Promise((r) => setTimeout(r, DELAYED_ACK_MS));
    const now = await this.#read();
    if (!(await b.barrier())) throw new BenchLost('the observers did not keep up');
    const delivered = await b.agent.ask<Delivery[]>({ op: 'poll' });
    const observed: Observed = {
      trace: this.#trace(),
      emitted: this.#frames(input.kind === 'inject' ? input : null),
      delivered: delivered.length > 0 ? delivered : null,
      drops: b.drops.take(),
      conntrack: readConntrack(now.conntrack).value.map(conntrackEntry),
      counters: rises(now.mib, this.#counts.mib),
      rule_counters: rises(now.rules, this.#counts.rules),
    };
    this.#counts = now;
    this.#emitted.set(input.n, [...observed.emitted]);
    return { ...input, ms, ...(result ? { result } : {}), observed };
  }

  async #send(s: LocalStep | SockSendStep): Promise<StepResult> {
    if (s.kind === 'sock_send') return this.b.agent.ask({ op: 'sock_send', socket: s.socket, payload: s.payload });
    const id = `local${this.#sockets}`;
    const r = usesSocat(s) ? await sendBySocat(this.b.shell, s, id) : await this.b.agent.ask<StepResult>({ op: 'send', id, step: s });
    if (r.socket !== undefined) this.#sockets++;
    return r;
  }

  #trace(): TracePoint[] {
    const out: TracePoint[] = [];
    this.#points.begin();
    for (const e of this.b.nft?.take() ?? []) {
      const t = this.#points.point(e, this.b.names, this.listed);
      if (!t) continue;
      const { pkt: _pkt, ...unnamed } = t;
      out.push(withoutBuffers(this.s) ? unnamed : t);
    }
    for (const r of this.b.log.take()) {
      const t = tracePointOf(readLogRecord(r.bytes), this.b.names);
      if (t) out.push(t);
    }
    return out;
  }

  /** What the node emitted, over all devices in order of time; our own frame is the first of its kind on its wire. */
  #frames(injected: InjectStep | null): EmittedFrame[] {
    const all: { dev: string; time: number; bytes: Uint8Array }[] = [];
    let own = injected && hexBytes(injected.frame);
    for (const [dev, c] of this.b.captures) {
      // A segment keeps the time that TCP gave it: on one wire the order is what counts.
      let last = 0;
      for (const f of c.take()) {
        last = Math.max(last, f.time);
        if (isMarkerFrame(f.bytes)) continue;
        if (own !== null && dev === injected?.dev && same(f.bytes, own)) own = null;
        else all.push({ dev, time: last, bytes: f.bytes });
      }
    }
    return all.sort((x, y) => x.time - y.time).map((f) => ({ dev: f.dev, frame: bytesHex(f.bytes) }));
  }

  #read(): Promise<Counts> {
    return readCounts(this.b.shell, this.b.backend, this.b.ipv6, this.s.nft ? this.listed : null);
  }
}

/** Ports and ICMP ids in what was observed that stand nowhere in the inputs (`texts`: rules and sets): the kernel chose them (SCORING.md R1). */
export function chosenPorts(
  texts: readonly string[],
  sockets: readonly CorpusSocket[],
  steps: readonly StepRecord[],
  vxlanPorts: ReadonlySet<number> = new Set(),
): number[] {
  const given = new Set<number>();
  // The ends of a range may be what was chosen from it.
  for (const m of texts
    .join('\n')
    .replace(/^:.*$/gm, '')
    .replace(/--to-(source|ports) \S+-\d+|--comment "[^"]*"/g, '')
    .matchAll(/\b\d+\b/g))
    given.add(Number(m[0]));
  for (const k of sockets) given.add(k.port);
  const out = new Set<number>();
  const add = (n: number | undefined): void => {
    if (n !== undefined && n !== 0 && !given.has(n)) out.add(n);
  };
  for (const st of steps) {
    if (st.kind === 'inject') noteNumbers(hexBytes(st.frame), vxlanPorts, given);
    if (st.kind === 'local') for (const n of [st.sport, st.dport, st.echo_id]) if (n !== undefined) given.add(n);
    for (const t of st.observed.trace) for (const n of [t.sport, t.dport]) add(n);
    for (const e of st.observed.conntrack) for (const t of [e.orig, e.reply]) for (const n of [t.sport, t.dport, t.id]) add(n);
    for (const e of st.observed.emitted)
      for (const p of packetsIn(hexBytes(e.frame), vxlanPorts)) if (p.where !== 'quoted') for (const n of [p.sport, p.dport]) add(n);
  }
  return [...out];
}
