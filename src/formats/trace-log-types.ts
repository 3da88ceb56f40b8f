/** What the readers of trace logs make of a log: one entry per trace point, with the packet as that line shows it. Null: the line does not say. */
import type { Addr, Family, Mac } from '../base/addr.js';
import type { NftFamily } from '../netfilter/nftables/model.js';

/** kernel: TRACE lines of the legacy backend; the other two are the tools that show nf_tables' trace messages. */
export type TraceLogKind = 'kernel' | 'xtables-monitor' | 'nft-monitor';

export interface LoggedPacket {
  readonly family: Family;
  /** '' = none. */
  readonly in: string;
  readonly out: string;
  readonly physin: string;
  readonly physout: string;
  readonly mac: { readonly dst: Mac; readonly src: Mac } | null;
  readonly src: Addr;
  readonly dst: Addr;
  /** Bytes of the whole IP packet. */
  readonly len: number | null;
  /** TOS byte or traffic class; the kernel log leaves out the lowest bit of IPv4's. */
  readonly tos: number | null;
  readonly ttl: number | null;
  readonly flowLabel: number | null;
  /** IPv4 identification. */
  readonly id: number | null;
  readonly df: boolean;
  readonly mf: boolean;
  /** Bytes. */
  readonly fragOffset: number;
  readonly ipOptions: string | null;
  readonly proto: number | null;
  readonly sport: number | null;
  readonly dport: number | null;
  readonly tcp: LoggedTcp | null;
  readonly icmp: LoggedIcmp | null;
  readonly spi: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly mark: number;
  /** The line ends before the packet's words do. */
  readonly cut: boolean;
}

export interface LoggedTcp {
  readonly seq: number | null;
  readonly ack: number | null;
  readonly window: number | null;
  /** TCP_FLAG bits. */
  readonly flags: number;
  readonly urgent: number;
  /** Hex digits. */
  readonly options: string;
}

export interface LoggedIcmp {
  readonly type: number;
  readonly code: number;
  readonly id: number | null;
  readonly seq: number | null;
  /** Gateway, MTU or pointer. */
  readonly rest: number;
  /** The packet that an error quotes. */
  readonly quoted: LoggedPacket | null;
}

export interface TraceLogLine {
  /** Number of the line in the file, from 1. */
  readonly n: number;
  readonly text: string;
  /** Milliseconds since the boot, where a `[seconds]` stamp stands before it. */
  readonly time: number | null;
  readonly table: string;
  readonly chain: string;
  readonly kind: 'rule' | 'return' | 'policy';
  /** The kernel log's number; rules + 1 for the end of a chain. */
  readonly num: number | null;
  readonly handle: number | null;
  /** xtables-monitor: `-A CHAIN …`; nft: the rule in nft's words. */
  readonly rule: string | null;
  /** Of a rule or policy, in small letters: 'accept', 'jump CHAIN', …; null in the kernel log. */
  readonly verdict: string | null;
  /** What nf_tables calls the packet; null in the kernel log. */
  readonly traceId: string | null;
  /** nftables' family of the table, 'ip', 'inet', …; null but in `nft monitor trace`. */
  readonly nftFamily: NftFamily | null;
  /** skb->mark, which `nft monitor trace` shows beside policies only; null elsewhere. */
  readonly mark: number | null;
  readonly packet: LoggedPacket;
}

export interface TraceLog {
  readonly kind: TraceLogKind;
  readonly file: string;
  readonly lines: readonly TraceLogLine[];
  /** Lines of the file that were read. */
  readonly read: number;
  /** Lines that are no trace lines. */
  readonly others: number;
  /** Trace lines that cannot be used, each with a diagnostic. */
  readonly unusable: number;
  /** Lines by which the kernel or the tool says that it lost some. */
  readonly losses: readonly number[];
  /** The log goes on behind the last line that was read. */
  readonly stopped: boolean;
  /** Families and tables of nftables whose lines are left out because the frames are no IP packets: `arp filter`. */
  readonly notIp: readonly string[];
}

export const NO_PACKET: LoggedPacket = {
  family: 'ipv4',
  in: '',
  out: '',
  physin: '',
  physout: '',
  mac: null,
  src: 0,
  dst: 0,
  len: null,
  tos: null,
  ttl: null,
  flowLabel: null,
  id: null,
  df: false,
  mf: false,
  fragOffset: 0,
  ipOptions: null,
  proto: null,
  sport: null,
  dport: null,
  tcp: null,
  icmp: null,
  spi: null,
  uid: null,
  gid: null,
  mark: 0,
  cut: false,
};
