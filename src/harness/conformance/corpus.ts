/**
 * The schema of the kernel corpus (kernel-corpus/README.md); corpus-read.ts reads it. A case is the complete configuration of one node, a short sequence of
 * steps, and what Linux did at each. The engine is given a `CaseInput`, which has no `observed` and no `result`: nothing recorded can leak into it.
 * Texts are handed in decompressed; files belong to the command line.
 */
export interface CorpusLink {
  readonly name: string;
  readonly mac: string;
  readonly far_mac: string;
  /** false: the other end is down, no carrier. */
  readonly up: boolean;
}

export interface CorpusSocket {
  readonly id: string;
  readonly proto: 'tcp' | 'udp';
  readonly addr: string;
  readonly port: number;
}

/** What the tools printed before step 0. JSON parts are the tools' own `-j` output, parsed. */
export interface CorpusState {
  readonly link: readonly unknown[];
  readonly addr: readonly unknown[];
  readonly neigh: readonly unknown[];
  readonly route_text: string;
  readonly route: readonly unknown[];
  readonly rule_text: string;
  readonly rule: readonly unknown[];
  readonly route6_text?: string;
  readonly route6?: readonly unknown[];
  readonly rule6_text?: string;
  readonly rule6?: readonly unknown[];
  readonly bridge_fdb?: readonly unknown[];
  readonly bridge_link?: readonly unknown[];
  readonly iptables_save: string;
  readonly ip6tables_save?: string;
  readonly ebtables_save?: string;
  readonly ipset_save?: string;
  /** /proc/net/netfilter/nfnetlink_queue; not in the corpus, whose rules queue nothing. */
  readonly nfqueue?: string;
  readonly nft_ruleset?: string;
  /** Path below /proc/sys -> value. A JSON object of the record: read it with Object.entries only. */
  readonly sysctl: Readonly<Record<string, string>>;
  readonly sockets: readonly CorpusSocket[];
  /** `conntrack -L`: entries that were there before step 0. Not in the corpus, whose nodes start without; the lab's recordings of scenarios have it. */
  readonly conntrack?: string;
}

export interface InjectStep {
  readonly kind: 'inject';
  readonly n: number;
  readonly note?: string;
  readonly derived_from?: number;
  readonly dev: string;
  /** Hex of the whole Ethernet frame. */
  readonly frame: string;
  readonly packet?: Readonly<Record<string, unknown>>;
}

export interface LocalStep {
  readonly kind: 'local';
  readonly n: number;
  readonly note?: string;
  readonly derived_from?: number;
  readonly proto: 'tcp' | 'udp' | 'icmp';
  readonly dst: string;
  readonly dport?: number;
  readonly sport?: number;
  /** Hex. */
  readonly payload?: string;
  readonly src?: string;
  readonly device?: string;
  readonly mark?: number;
  readonly uid?: number;
  readonly tos?: number;
  readonly broadcast?: boolean;
  readonly type?: number;
  readonly code?: number;
  readonly echo_id?: number;
  readonly echo_seq?: number;
  /** IP_TTL, IP_MTU_DISCOVER = IP_PMTUDISC_DO; not in the corpus. */
  readonly ttl?: number;
  readonly df?: boolean;
}

export interface SockSendStep {
  readonly kind: 'sock_send';
  readonly n: number;
  readonly note?: string;
  readonly derived_from?: number;
  readonly socket: string;
  /** Hex. */
  readonly payload: string;
}

/** Not in the corpus: a socket of an earlier step is done; udp: close(2), tcp: shutdown(2) of its sending side. */
export interface SockCloseStep {
  readonly kind: 'sock_close';
  readonly n: number;
  readonly note?: string;
  readonly derived_from?: number;
  readonly socket: string;
}

export type StepInput = (InjectStep | LocalStep | SockSendStep | SockCloseStep) & StepTime;

/** Not in the corpus: when the step was made, in ms after the first; what is limited by time hangs on it. */
export interface StepTime {
  readonly ms?: number;
}

export interface StepResult {
  readonly ok?: boolean;
  /** errno name, with the prefix `bind:` where bind(2) failed. */
  readonly error?: string;
  readonly socket?: string;
  readonly getsockname?: readonly (string | number)[];
}

/** One trace point; see README.md for each field. Absent = not printed. */
export interface TracePoint {
  readonly point: string;
  readonly in: string;
  readonly out: string;
  readonly physin?: string;
  readonly physout?: string;
  readonly src: string;
  readonly dst: string;
  readonly proto?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly type?: number;
  readonly code?: number;
  readonly flags?: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly len?: number;
  readonly id?: number;
  readonly df?: boolean;
  readonly mf?: boolean;
  readonly frag_off?: number;
  readonly uid?: number;
  readonly mark?: number;
  readonly handle?: number;
  readonly verdict?: string;
  readonly policy?: string;
  readonly family?: string;
  readonly pkt?: number;
}

export interface EmittedFrame {
  readonly dev: string;
  readonly frame: string;
}

export interface Delivery {
  readonly socket: string;
  readonly event: 'data' | 'accept' | 'connected' | 'eof' | 'error';
  readonly from?: readonly (string | number)[];
  readonly to?: string | readonly (string | number)[];
  readonly dev?: string;
  readonly data?: string;
  readonly error?: string;
}

export interface DropEvent {
  readonly reason: string;
  readonly location?: string;
  readonly dev?: string | null;
}

export interface CtTuple {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly type?: number;
  readonly code?: number;
  readonly id?: number;
}

export interface ConntrackEntry {
  readonly l3: string;
  readonly proto: string;
  readonly state?: string;
  readonly flags?: readonly string[];
  readonly orig: CtTuple;
  readonly reply: CtTuple;
  readonly mark: number;
  readonly zone: number;
}

export type CounterChanges = Readonly<Record<string, number>>;

export interface Observed {
  readonly trace: readonly TracePoint[];
  readonly emitted: readonly EmittedFrame[];
  readonly delivered: readonly Delivery[] | null;
  readonly drops: readonly DropEvent[];
  readonly conntrack: readonly ConntrackEntry[];
  readonly counters: CounterChanges;
  readonly rule_counters: CounterChanges;
  readonly fib?: readonly unknown[];
  readonly klog?: readonly string[];
}

export type StepRecord = StepInput & { readonly observed: Observed; readonly result?: StepResult };

interface CaseHead {
  readonly id: string;
  readonly category: string;
  readonly scenario: string;
  readonly tags: readonly string[];
  readonly schema: number;
  readonly kernel: string;
  readonly backend: 'legacy' | 'nft';
  readonly family: 'ipv4' | 'ipv6';
  readonly links: readonly CorpusLink[];
  readonly state: CorpusState;
  readonly ephemeral_ports: readonly number[];
  /** What the recorder could not see, and a scorer therefore does not ask for (unobserved.ts); absent: nothing. */
  readonly unobserved?: readonly Unobserved[];
}

/**
 * `delivered.to`: local address and device of datagrams (listening udp sockets). `trace.physin`: bridge port of arrival at points without a device of
 * arrival, which nfnetlink_log leaves out (__build_packet_message()). `delivered.soft_error`: what a connection is told by ICMP once it stands (sk_err_soft),
 * which only SO_ERROR shows. `drops.port_state`: BRIDGE_INGRESS_STP_STATE, as which the lab's far ends drop all that they receive.
 * `trace.pkt`: which buffer a point of nft belongs to, known by its address, which a copy that was dropped leaves to the next.
 */
export type Unobserved = 'delivered.to' | 'delivered.soft_error' | 'trace.physin' | 'trace.pkt' | 'drops.port_state';

/** A recorded case as it stands in the corpus. */
export interface CorpusCase extends CaseHead {
  readonly steps: readonly StepRecord[];
}

/** All that the engine gets to see of a case. */
export interface CaseInput extends CaseHead {
  readonly steps: readonly StepInput[];
}

/** What the engine made of one step: observations in the corpus schema, or what it does not know. */
export interface ModelStep {
  readonly n: number;
  readonly result?: StepResult;
  readonly observed?: Observed;
  /** Not supported, named; such a step agrees in nothing. */
  readonly inconclusive?: string;
}

export interface ModelCase {
  readonly id: string;
  readonly steps: readonly ModelStep[];
}

/** The case without anything that was observed: a copy, so that no reference to the record remains. */
export function caseInput(c: CorpusCase | CaseInput): CaseInput {
  const steps = c.steps.map((s) => {
    const { observed: _observed, result: _result, ...input } = s as StepInput & { observed?: Observed; result?: StepResult };
    return input as StepInput;
  });
  return { ...c, steps };
}

/** The recorded observations in the shape the engine's have: for scoring a record against itself and for side-by-side views. */
export function recordedModel(c: CorpusCase): ModelCase {
  return { id: c.id, steps: c.steps.map((s) => ({ n: s.n, ...(s.result === undefined ? {} : { result: s.result }), observed: s.observed })) };
}
