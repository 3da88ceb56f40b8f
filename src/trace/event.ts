/**
 * What happened, as flat typed data: references to rules, routes and sets, never prose. Renderers (render/) are pure functions of a list of these.
 * The walker that decides is the walker that tells: events are made by the stages and the rule walker while they decide.
 */
import type { Addr, Family } from '../base/addr.js';
import type { Origin, PktType } from '../packet/skb.js';
import type { Cause } from './cause.js';

export type HookPoint = 'INGRESS' | 'BROUTING' | 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING' | 'EGRESS';

/** The packet as it stood at that moment; `data` is a copy (at most 512 bytes of it). */
export interface PacketView {
  readonly protocol: number;
  readonly data: Uint8Array;
  readonly eth: { readonly dst: number; readonly src: number } | null;
  readonly mark: number;
  /** Owner of the socket, when there is a full one. */
  readonly uid: number | null;
  readonly gid: number | null;
  readonly length: number;
}

/** Every event carries these. `time` is virtual milliseconds, `skb` the packet's id, 0 where no packet is meant. */
export interface EventBase {
  readonly node: string;
  readonly skb: number;
  readonly time: number;
}

/** A rule by place: owner of the text is the node's plan. `num` counts from 1; num = rules + 1 is the end of the chain. */
export interface RuleRef {
  /** 'nft': iptables-nft; 'nftables': rules of nft itself. */
  readonly backend: 'legacy' | 'nft' | 'ebtables' | 'nftables';
  /** Of nftables rules the family of their table. */
  readonly family: Family | 'bridge' | 'ip' | 'ip6' | 'inet' | 'arp' | 'netdev';
  readonly table: string;
  readonly chain: string;
  readonly num: number;
  readonly handle?: number;
}

/** A rule of iptables or ip6tables, by either backend. */
export type XtRuleRef = RuleRef & { readonly backend: 'legacy' | 'nft'; readonly family: Family };
export const isXtRule = (r: RuleRef): r is XtRuleRef => r.backend === 'legacy' || r.backend === 'nft';

export type EventBody =
  /** An skb came to be (on a node). */
  | { readonly t: 'skb'; readonly origin: Origin; readonly view: PacketView; readonly dev: string | null }
  /** A box of the picture was entered. */
  | { readonly t: 'box'; readonly box: string }
  | {
      readonly t: 'hook';
      readonly family: Family | 'bridge' | 'arp' | 'netdev';
      readonly hook: HookPoint;
      readonly in: string | null;
      readonly out: string | null;
      readonly view: PacketView;
    }
  /** A TRACE line of the legacy backend; `in`/`out` are '' when none. */
  | {
      readonly t: 'trace';
      readonly rule: RuleRef;
      readonly kind: 'rule' | 'return' | 'policy';
      readonly in: string;
      readonly out: string;
      readonly physin: string;
      readonly physout: string;
      readonly view: PacketView;
      /** skb->dev, whose link type says whether and how MAC= is printed: the output device in POSTROUTING, else the input device. */
      readonly macDev: string | null;
      readonly macLinkType: string;
      /** Skb.macAt */
      readonly macAt: number | null;
    }
  /** An nft (iptables-nft or native) trace event. */
  | {
      readonly t: 'nft-trace';
      readonly rule: RuleRef;
      readonly kind: 'rule' | 'end' | 'policy';
      readonly traceId: number;
      readonly verdict: string;
      readonly policy: string | null;
      readonly in: string;
      readonly out: string;
      readonly mark: number;
      readonly view: PacketView;
      /** The first message of a base chain's walk: the packet is part of it. */
      readonly withPacket: boolean;
    }
  /** A rule matched (whether or not the packet is traced). */
  | { readonly t: 'match'; readonly rule: RuleRef; readonly verdict: string }
  /** A rule was tried and said no; only recorded when the recorder asks for it. `why` comes from the very predicate that said no. */
  | { readonly t: 'no-match'; readonly rule: RuleRef; readonly why: readonly WhyNot[] }
  /** A chain's policy decided. */
  | { readonly t: 'policy'; readonly rule: RuleRef; readonly policy: string }
  | {
      readonly t: 'route';
      readonly purpose: 'input' | 'output' | 'reverse-path' | 'reroute' | 'other';
      readonly src: Addr;
      readonly dst: Addr;
      readonly iif: string | null;
      readonly oif: string | null;
      readonly mark: number;
      readonly tos: number;
      readonly tables: readonly RouteStep[];
      readonly type: string;
      readonly dev: string | null;
      readonly gateway: Addr | null;
      readonly prefsrc: Addr | null;
      readonly errno: number;
    }
  /** Source validation (fib_validate_source) with what it was decided from. */
  | {
      readonly t: 'source-check';
      readonly src: Addr;
      readonly dev: string;
      readonly rpFilterAll: number;
      readonly rpFilterDev: number;
      readonly effective: number;
      readonly reverseDev: string | null;
      readonly ok: boolean;
      readonly mark: number;
      readonly srcValidMark: boolean;
    }
  | {
      readonly t: 'conntrack';
      readonly what: 'new' | 'found' | 'confirmed' | 'invalid' | 'related' | 'untracked' | 'died' | 'clash';
      readonly ctId: number;
      readonly state: string;
      readonly orig: string;
      readonly reply: string;
    }
  /** NAT wrote addresses into the packet. */
  | {
      readonly t: 'nat';
      readonly manip: 'SNAT' | 'DNAT';
      readonly undo: boolean;
      readonly before: Endpoints;
      readonly after: Endpoints;
      readonly rule: RuleRef | null;
      readonly ctId: number;
    }
  | { readonly t: 'mangle'; readonly field: string; readonly before: number | string; readonly after: number | string; readonly rule: RuleRef | null }
  | { readonly t: 'set-test'; readonly set: string; readonly member: string; readonly hit: boolean; readonly rule: RuleRef | null }
  | {
      readonly t: 'log';
      readonly rule: RuleRef;
      readonly prefix: string;
      readonly level: number;
      readonly options: number;
      readonly in: string;
      readonly out: string;
      readonly physin: string;
      readonly physout: string;
      readonly view: PacketView;
      readonly macLinkType: string;
      /** Skb.macAt */
      readonly macAt: number | null;
    }
  /** A line of the kernel log that is no packet dump: martians, neighbour table overflow, … Text as the kernel prints it after the time stamp. */
  | { readonly t: 'klog'; readonly text: string }
  | {
      readonly t: 'neigh';
      readonly dev: string;
      readonly addr: Addr;
      readonly state: 'known' | 'resolved' | 'incomplete' | 'noarp' | 'failed';
      readonly mac: number | null;
    }
  | {
      readonly t: 'bridge';
      readonly what: 'forward' | 'flood' | 'local' | 'drop' | 'learn';
      readonly bridge: string;
      readonly port: string;
      readonly to: string | null;
      readonly mac: number;
    }
  | { readonly t: 'xfrm'; readonly what: 'policy' | 'encode' | 'decode' | 'mismatch'; readonly dir: 'in' | 'out' | 'fwd'; readonly text: string }
  | { readonly t: 'choice'; readonly what: string; readonly value: number }
  /** The frame left the node by a device (dev_queue_xmit). `frame` is whole, link header included. */
  | { readonly t: 'emit'; readonly dev: string; readonly frame: Uint8Array }
  /** The frame arrived (netif_receive_skb). */
  | { readonly t: 'receive'; readonly dev: string; readonly frame: Uint8Array }
  /**
   * What a capture on the device sees (dev_queue_xmit_nit(), the taps of __netif_receive_skb_core()), also on bridges, tunnels and lo, where nothing is emitted or received by wire.
   * `frame` has the link header only where `eth` is true.
   */
  | {
      readonly t: 'tap';
      readonly dir: 'in' | 'out';
      readonly dev: string;
      readonly ifindex: number;
      readonly linkType: string;
      readonly pktType: PktType;
      readonly protocol: number;
      readonly eth: boolean;
      readonly frame: Uint8Array;
    }
  | { readonly t: 'deliver'; readonly socket: string; readonly what: string; readonly view: PacketView }
  /** kfree_skb with a reason. `rule` where a rule or policy decided. `facts` are what a sentence about the cause needs. */
  | {
      readonly t: 'drop';
      readonly reason: string;
      readonly location: string;
      readonly cause: Cause;
      readonly rule: RuleRef | null;
      readonly facts: Readonly<Record<string, string | number | boolean | null>>;
    }
  /** Nothing dropped it, nothing received it: consumed inside (answered echo, merged fragment, held for a neighbour). */
  | {
      readonly t: 'consume';
      readonly why: 'echo-replied' | 'merged' | 'held' | 'handled' | 'encapsulated' | 'decapsulated' | 'fragmented' | 'cloned';
      readonly into: number | null;
    }
  /** The engine does not know what Linux does here. */
  | { readonly t: 'inconclusive'; readonly what: string; readonly rule: RuleRef | null }
  /** A decision rested on a value that the scenario does not state. */
  | { readonly t: 'assumed'; readonly what: string; readonly value: string };

export type Event = EventBase & EventBody;
export type EventOf<T extends EventBody['t']> = EventBase & Extract<EventBody, { t: T }>;

export interface Endpoints {
  readonly src: Addr;
  readonly sport: number;
  readonly dst: Addr;
  readonly dport: number;
}

export interface RouteStep {
  readonly pref: number;
  readonly table: string;
  /** Text of the route found in that table, null when none. */
  readonly route: string | null;
}

/** One field that decided a "no": what the rule wanted and what the packet had. */
export interface WhyNot {
  readonly field: string;
  readonly wanted: string;
  readonly had: string;
}

export interface Recorder {
  /** False: nothing is recorded and callers skip building events. */
  readonly on: boolean;
  /** True: 'no-match' events are wanted (--verbose). */
  readonly verbose: boolean;
  /** Where `on` is false: kinds that are wanted all the same, FATES or TRACES. Frames in them are left empty. */
  readonly only?: ReadonlySet<Event['t']>;
  event(e: Event): void;
  /** Told of every rule that matched, also where `on` is false: sweeps want that list and nothing else. */
  matched?(rule: RuleRef, skb: number): void;
}

export const NO_RECORDER: Recorder = { on: false, verbose: false, event() {} };

export class ListRecorder implements Recorder {
  readonly on = true;
  readonly events: Event[] = [];
  constructor(readonly verbose = false) {}
  event(e: Event): void {
    this.events.push(e);
  }
}

/** Is anybody interested in an event of that kind? */
export const hears = (rec: Recorder, t: Event['t']): boolean => rec.on || rec.only?.has(t) === true;

/** Events that an outcome is read off (stack/outcome.ts). */
export const FATES: ReadonlySet<Event['t']> = new Set(['skb', 'emit', 'neigh', 'deliver', 'consume', 'drop', 'inconclusive']);
/** What TRACE prints. */
export const TRACES: ReadonlySet<Event['t']> = new Set(['trace', 'nft-trace']);

/** Keeps events of these kinds and nothing else: for runs of which only the outcome, or only the TRACE lines are asked. */
export class KindRecorder implements Recorder {
  readonly on = false;
  readonly verbose = false;
  readonly events: Event[] = [];
  constructor(readonly only: ReadonlySet<Event['t']>) {}
  event(e: Event): void {
    if (this.only.has(e.t)) this.events.push(e);
  }
}
