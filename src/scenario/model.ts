/**
 * A scenario: plain, deeply readonly data. What is given never changes; it is edited only through immer recipes (scenario/what-if.ts).
 * A node is what its tools print, read by formats/; what a node does not state follows Linux (stack/plan.ts).
 */
import type { Addr } from '../base/addr.js';
import type { Span } from '../base/diagnostic.js';
import type { PolicyRule, Route } from '../fib/model.js';
import type { FdbEntry, IfAddr, Link, Neigh, PortVlan } from '../link/model.js';
import type { IpSet } from '../netfilter/ipset/model.js';
import type { NftTable } from '../netfilter/nftables/model.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { XfrmPolicy, XfrmState } from '../xfrm/model.js';
import type { PartKind } from './parts.js';

/** A sysctl as `sysctl -a` names it, but with slashes (`net/ipv4/conf/eth0.100/rp_filter`), since device names contain dots. */
export interface Sysctl {
  readonly name: string;
  readonly value: string;
}

/** A socket that listens (tcp) or receives (udp) on a node. */
export interface SocketState {
  readonly id: string;
  readonly proto: 'tcp' | 'udp';
  readonly addr: Addr;
  readonly port: number;
  readonly dev: string | null;
  readonly uid: number;
  readonly transparent: boolean;
  /** udp: its program sends every datagram back. */
  readonly echo?: boolean;
}

export interface NodeState {
  readonly name: string;
  /** Kernel release it declares, '6.18' by default; rows of stack/kernel-release.ts depend on it. */
  readonly kernel: string;
  readonly links: readonly Link[];
  readonly addrs: readonly IfAddr[];
  readonly neighs: readonly Neigh[];
  /** null: not stated, follows from the addresses. */
  readonly routes: readonly Route[] | null;
  readonly rules: readonly PolicyRule[] | null;
  readonly fdb: readonly FdbEntry[];
  readonly vlans: readonly PortVlan[];
  readonly iptables: XtRuleset | null;
  readonly ip6tables: XtRuleset | null;
  /** The same loaded through iptables-nft. */
  readonly iptablesNft: XtRuleset | null;
  readonly ip6tablesNft: XtRuleset | null;
  /** What `nft -a list ruleset` shows: rules of nftables itself, and those of iptables-nft with their handles. Null: not known. */
  readonly nftRuleset: readonly NftTable[] | null;
  /** Owned by netfilter/ebtables/model.ts; null = none. */
  readonly ebtables: unknown | null;
  readonly sets: readonly IpSet[];
  readonly sysctls: readonly Sysctl[];
  readonly sockets: readonly SocketState[];
  /** Names of route tables besides local, main and default: the node's /etc/iproute2/rt_tables. */
  readonly routeTableNames: ReadonlyMap<string, number>;
  /** Numbers of the queues of NFQUEUE that a program listens to; null: not known. */
  readonly nfQueues: readonly number[] | null;
  readonly xfrmPolicies: readonly XfrmPolicy[];
  readonly xfrmStates: readonly XfrmState[];
  /** Text of `conntrack -L` to preload. */
  readonly conntrack: string | null;
  /** What its snapshot could not tell (scenario/missing.ts); a node that is stated otherwise has none. */
  readonly missing?: readonly MissingPart[];
}

/** A part of a node that is not known, which is not the same as empty. */
export interface MissingPart {
  readonly kind: PartKind;
  /** As a clause: “there is no conntrack on the node”. */
  readonly why: string;
}

// --- the scenario ---

/** One end of a wire: a device of a node. */
export interface WireEnd {
  readonly node: string;
  readonly dev: string;
}

/** What connects devices of different nodes. Two ends are a cable; more are an Ethernet segment (a hub that learns nothing, or a learning switch when it has a name). */
export interface Wire {
  readonly kind: 'pair' | 'segment';
  /** `switch:` name, null where none is given. */
  readonly name: string | null;
  readonly ends: readonly WireEnd[];
  readonly span: Span;
}

/** An administrator's command on a node. */
export interface NodeCommand {
  readonly node: string;
  readonly command: string;
  readonly span: Span | null;
}

/** Options of a socket that sends; null = the kernel chooses. */
export interface SendOptions {
  readonly src: Addr | null;
  readonly dev: string | null;
  readonly ttl: number | null;
  readonly tos: number;
  readonly mark: number;
  readonly uid: number;
}

export type PacketSpec =
  | ({
      readonly kind: 'ping';
      readonly to: Addr;
      readonly id: number | null;
      readonly seq: number /** Bytes behind the ICMP header. */;
      readonly size: number;
      readonly df: boolean;
    } & SendOptions)
  | ({ readonly kind: 'udp'; readonly to: Addr; readonly dport: number; readonly sport: number | null; readonly payload: Uint8Array } & SendOptions)
  /** A conversation: connect, then each of `send` as one write, then close if asked. */
  | ({
      readonly kind: 'tcp';
      readonly to: Addr;
      readonly dport: number;
      readonly sport: number | null;
      readonly send: readonly string[];
      readonly close: boolean;
    } & SendOptions)
  /** Packet text (packet/text.ts) and the IP packet it stands for, without link header. */
  | { readonly kind: 'text'; readonly text: string; readonly bytes: Uint8Array }
  /** Bytes as the device receives them: with link header on Ethernet devices, without on others. */
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  /** The bytes of a capture file. */
  | { readonly kind: 'pcap'; readonly file: string; readonly bytes: Uint8Array };

export interface ScenarioPacket {
  readonly name: string;
  readonly description: string;
  /** Commands that run before it. */
  readonly do: readonly NodeCommand[];
  readonly count: number;
  /** Sent by a socket of a node, or arriving at a device. */
  readonly source: { readonly kind: 'local'; readonly node: string } | { readonly kind: 'device'; readonly node: string; readonly dev: string };
  readonly spec: PacketSpec;
  readonly span: Span;
}

export interface WhatIf {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly NodeCommand[];
  /** What must become of packets with the commands carried out. */
  readonly expect: readonly Expectation[];
  readonly span: Span;
}

/**
 * One expectation: `key` and `value` as the file has them (scenario/schema.ts `expectSchema` lists keys and their shapes), so that the vocabulary can grow;
 * a key of `reply:` concerns the answer.
 */
export interface Expectation {
  readonly packet: string;
  readonly direction: 'request' | 'reply';
  readonly key: string;
  readonly value: unknown;
  /** Of `trace`: the files its golden texts came from (`node` null: of all nodes); inline texts have none. */
  readonly files: readonly { readonly node: string | null; readonly file: string }[];
  readonly span: Span;
}

/** What a rule generator wrote, to be applied to a node with the tool's own semantics before the first packet. */
export interface Application {
  readonly node: string;
  readonly tool: 'iptables_restore' | 'ip6tables_restore' | 'ipset_restore' | 'nft' | 'commands';
  /** Text for the tool; for 'commands' one per line; null where `run` prints it. */
  readonly text: string | null;
  readonly run: readonly string[] | null;
  readonly noflush: boolean;
  readonly span: Span;
}

export interface Scenario {
  readonly file: string;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly nodes: readonly NodeState[];
  readonly wires: readonly Wire[];
  /** Commands before the first packet. */
  readonly do: readonly NodeCommand[];
  readonly apply: readonly Application[];
  readonly packets: readonly ScenarioPacket[];
  readonly expect: readonly Expectation[];
  readonly whatIf: readonly WhatIf[];
  readonly traceAll: boolean;
  /** Virtual time at the start, milliseconds. */
  readonly clock: number;
  readonly seed: number;
}

/** How files are read: handed down by cli/, so that nothing below it touches a disk. Paths are relative to wherever the first path was. */
export interface FileSource {
  /** Text of a file, null if there is none. */
  read(path: string): string | null;
  /** Names in a folder (not paths), null if there is none. */
  list(dir: string): readonly string[] | null;
  /** Bytes of a file, for captures; null if there is none. Without it text files only. */
  readBytes?(path: string): Uint8Array | null;
}
