/** What connection tracking needs from the node it runs on, and the kernel's default settings. */
import type { Origin, Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import type { Cause } from '../../trace/cause.js';
import type { EventBody, Recorder } from '../../trace/event.js';
import type { Chooser } from '../env.js';

export interface ConntrackHost {
  readonly node: string;
  readonly rec: Recorder;
  readonly choose: Chooser;
  /** Virtual time in ms. */
  now(): number;
  /** As they stand now: an administrator may change them between packets. */
  readonly settings: CtSettings;
  /** Records an event about this skb when somebody listens. */
  tell(skb: Skb | null, body: EventBody): void;
  /** A new skb of this run, announced as an 'skb' event (reassembled datagrams). */
  newSkb(data: Uint8Array, protocol: number, origin: Origin, dev?: NetDevice | null): Skb;
  /** Adds to a MIB counter by nstat's name (IpReasmReqds, …). */
  count(name: string, n?: number): void;
  /** kfree_skb_reason() for fragments that reassembly refuses. */
  drop(skb: Skb, reason: string, location: string, cause: Cause): void;
}

const DEFAULTS = {
  nf_conntrack_checksum: 1,
  nf_conntrack_max: 262144,
  nf_conntrack_acct: 0,
  nf_conntrack_generic_timeout: 600,
  nf_conntrack_icmp_timeout: 30,
  nf_conntrack_icmpv6_timeout: 30,
  nf_conntrack_udp_timeout: 30,
  nf_conntrack_udp_timeout_stream: 120,
  nf_conntrack_gre_timeout: 30,
  nf_conntrack_gre_timeout_stream: 180,
  nf_conntrack_tcp_be_liberal: 0,
  nf_conntrack_tcp_loose: 1,
  nf_conntrack_tcp_ignore_invalid_rst: 0,
  nf_conntrack_tcp_max_retrans: 3,
  nf_conntrack_tcp_timeout_syn_sent: 120,
  nf_conntrack_tcp_timeout_syn_recv: 60,
  nf_conntrack_tcp_timeout_established: 432000,
  nf_conntrack_tcp_timeout_fin_wait: 120,
  nf_conntrack_tcp_timeout_close_wait: 60,
  nf_conntrack_tcp_timeout_last_ack: 30,
  nf_conntrack_tcp_timeout_time_wait: 120,
  nf_conntrack_tcp_timeout_close: 10,
  nf_conntrack_tcp_timeout_max_retrans: 300,
  nf_conntrack_tcp_timeout_unacknowledged: 300,
  nf_conntrack_sctp_timeout_closed: 10,
  nf_conntrack_sctp_timeout_cookie_wait: 3,
  nf_conntrack_sctp_timeout_cookie_echoed: 3,
  nf_conntrack_sctp_timeout_established: 210,
  nf_conntrack_sctp_timeout_shutdown_sent: 3,
  nf_conntrack_sctp_timeout_shutdown_recd: 3,
  nf_conntrack_sctp_timeout_shutdown_ack_sent: 3,
  nf_conntrack_sctp_timeout_heartbeat_sent: 30,
};

/** Settings below net/netfilter by their last name. */
export type CtSettings = Readonly<Record<CtSetting, number>>;
export type CtSetting = keyof typeof DEFAULTS;

/** A node's settings: what it states, else the kernel's defaults. `stated` takes a path below /proc/sys. */
export function ctSettings(stated: (path: string) => number | undefined): CtSettings {
  const settings: Record<CtSetting, number> = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as CtSetting[]) settings[name] = stated(`net/netfilter/${name}`) ?? DEFAULTS[name];
  return settings;
}

/** A time-out, as settings state it, in ms. */
export const seconds = (n: number): number => n * 1000;
