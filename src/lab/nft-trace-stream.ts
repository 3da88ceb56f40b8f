/**
 * Trace events of iptables-nft and of rules of nft itself as nf_tables tells them (nfnetlink group NFNLGRP_NFTRACE, nft_trace_notify()): a namespace's own, in the order of time. socat reads the
 * socket; every message is decoded here and put into the corpus' schema by the function that does it for the model.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readNftList } from '../formats/nft-list.js';
import type { TracePoint } from '../harness/conformance/corpus.js';
import { tracePointNft, UNTOLD } from '../harness/conformance/trace-point.js';
import type { NftFamily } from '../netfilter/nftables/model.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import type { RuleRef } from '../trace/event.js';
import { LAB_TABLE } from './nft-load.js';
import { kill } from './shell.js';
import { Watchers } from './watchers.js';

/** socat's words for socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), bound to the group: nl_pad, nl_pid, nl_groups. */
const SOCKET = 'SOCKET-RECV:16:3:12:x0000x00000000x00010000';
/** (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_TRACE */
const NFT_MSG_TRACE = (10 << 8) | 17;
/** linux/netfilter/nf_tables.h: enum nft_trace_attributes. */
const NFTA = {
  table: 1,
  chain: 2,
  handle: 3,
  type: 4,
  verdict: 5,
  id: 6,
  linkLayer: 7,
  network: 8,
  transport: 9,
  iif: 10,
  oif: 12,
  mark: 14,
  family: 15,
  policy: 16,
} as const;
const NFPROTO = { ipv4: 2, netdev: 5, bridge: 7, ipv6: 10 } as const;
const SHOWN: readonly number[] = Object.values(NFPROTO);
/** Of a table, in the message's own header (struct nfgenmsg). */
const TABLE_FAMILIES: ReadonlyMap<number, NftFamily> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
]);
const NFGEN_FAMILY = 16;
const NFT_TRACETYPE_POLICY = 1;
/** enum nft_verdicts and those of netfilter.h. */
const VERDICTS = new Map<number, string>([
  [-1, 'continue'],
  [-2, 'break'],
  [-3, 'jump'],
  [-4, 'goto'],
  [-5, 'return'],
  [0, 'drop'],
  [1, 'accept'],
  [2, 'stolen'],
  [3, 'queue'],
]);

export interface NftTraceEvent {
  /** The packet's. */
  readonly family: number;
  readonly tableFamily: NftFamily;
  readonly id: number;
  readonly table: string;
  readonly chain: string;
  /** null: the end of a chain, or its policy. */
  readonly handle: number | null;
  readonly kind: 'rule' | 'end' | 'policy';
  readonly verdict: string;
  readonly policy: string | null;
  /** Devices; as the packet, only with its first event of a hook. */
  readonly iif: number;
  readonly oif: number;
  readonly mark: number;
  /** Network and transport header; only with a packet's first event of a hook. */
  readonly packet: Uint8Array | null;
  readonly etherType: number;
}

type Attributes = ReadonlyMap<number, Uint8Array>;

function attributes(b: Uint8Array, from: number): Attributes {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const out = new Map<number, Uint8Array>();
  for (let at = from; at + 4 <= b.length; ) {
    const length = v.getUint16(at, true);
    if (length < 4 || at + length > b.length) break;
    out.set(v.getUint16(at + 2, true) & 0x3fff, b.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return out;
}

const viewOf = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);
const u32 = (b: Uint8Array | undefined): number => (b && b.length >= 4 ? viewOf(b).getUint32(0) : 0);
const u64 = (b: Uint8Array | undefined): number | null => (b && b.length >= 8 ? Number(viewOf(b).getBigUint64(0)) : null);
const word = (b: Uint8Array | undefined): string => new TextDecoder('latin1').decode(b ?? new Uint8Array(0)).replace(/\0.*$/s, '');

/** One netlink message, header included; null for others than trace events. */
export function readTraceMessage(b: Uint8Array): NftTraceEvent | null {
  if (b.length < 20 || viewOf(b).getUint16(4, true) !== NFT_MSG_TRACE) return null;
  const a = attributes(b, 20);
  const verdict = attributes(a.get(NFTA.verdict) ?? new Uint8Array(0), 0);
  const code = verdict.has(1) ? viewOf(verdict.get(1) as Uint8Array).getInt32(0) : -1;
  const name = VERDICTS.get(code) ?? String(code);
  const handle = u64(a.get(NFTA.handle));
  const network = a.get(NFTA.network);
  const family = u32(a.get(NFTA.family));
  return {
    family,
    tableFamily: TABLE_FAMILIES.get(b[NFGEN_FAMILY]) ?? 'ip',
    id: u32(a.get(NFTA.id)),
    table: word(a.get(NFTA.table)),
    chain: word(a.get(NFTA.chain)),
    handle,
    kind: u32(a.get(NFTA.type)) === NFT_TRACETYPE_POLICY ? 'policy' : handle === null ? 'end' : 'rule',
    verdict: verdict.has(2) ? `${name} ${word(verdict.get(2))}` : name,
    policy: a.has(NFTA.policy) ? (VERDICTS.get(u32(a.get(NFTA.policy))) ?? null) : null,
    iif: u32(a.get(NFTA.iif)),
    oif: u32(a.get(NFTA.oif)),
    mark: u32(a.get(NFTA.mark)),
    packet: network ? joined(network, a.get(NFTA.transport) ?? new Uint8Array(0)) : null,
    etherType: family === NFPROTO.ipv6 ? ETH_P_IPV6 : family === NFPROTO.ipv4 ? ETH_P_IP : etherTypeOf(a.get(NFTA.linkLayer), network),
  };
}

const ETHER_TYPE = 12;
/** A packet that is on its way out comes without its link header. */
function etherTypeOf(header: Uint8Array | undefined, network: Uint8Array | undefined): number {
  // With its tag put back a frame of a VLAN has four bytes more (nf_trace_fill_ll_header).
  if (header && header.length >= 14) return viewOf(header).getUint16(header.length >= 18 ? ETHER_TYPE + 4 : ETHER_TYPE);
  const version = (network?.[0] ?? 0) >>> 4;
  return version === 4 ? ETH_P_IP : version === 6 ? ETH_P_IPV6 : 0;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** `*TABLE` and `:CHAIN POLICY` lines. */
function chainsIn(family: NftFamily, save = ''): string[] {
  let table = '';
  return save.split('\n').flatMap((l) => {
    if (l.startsWith('*')) table = l.slice(1).trim();
    return l.startsWith(':') ? [`${family} ${table} ${l.slice(1).split(' ')[0]}`] : [];
  });
}

/** Rule sets as their tools list them: what numbers rules have, and which chains iptables-nft made. */
export class ListedRules {
  readonly #places = new Map<string, number>();
  readonly #made: ReadonlySet<string>;

  /** `nft`: `nft -a list ruleset`; the others as iptables-nft-save, ip6tables-nft-save and ebtables-nft-save print them. */
  constructor(s: { readonly nft?: string; readonly iptables?: string; readonly ip6tables?: string; readonly ebtables?: string }) {
    for (const t of readNftList(s.nft ?? '').value)
      for (const c of t.chains) for (const [i, r] of c.rules.entries()) this.#places.set(`${t.family} ${t.name} ${r.handle}`, i + 1);
    this.#made = new Set([...chainsIn('ip', s.iptables), ...chainsIn('ip6', s.ip6tables), ...chainsIn('bridge', s.ebtables)]);
  }

  /** Is it a chain of iptables-nft or ebtables-nft? */
  made(family: NftFamily, table: string, chain: string): boolean {
    return this.#made.has(`${family} ${table} ${chain}`);
  }

  ref(e: NftTraceEvent): RuleRef {
    const { tableFamily: family, table, chain, handle } = e;
    const num = this.#places.get(`${family} ${table} ${handle}`) ?? 0;
    const place = { table, chain, num, ...(handle === null ? {} : { handle }) };
    if (!this.made(family, table, chain)) return { backend: 'nftables', family, ...place };
    return { backend: family === 'bridge' ? 'ebtables' : 'nft', family: family === 'ip6' ? 'ipv6' : family === 'ip' ? 'ipv4' : family, ...place };
  }
}

/** Events of one step as trace points; packets are numbered by first appearance, as their ids say nothing. */
export class NftPoints {
  /** By packet: its last event that named devices or carried it, which is the first of a hook. */
  readonly #first = new Map<number, NftTraceEvent>();
  #order = new Map<number, number>();

  /** A step begins. */
  begin(): void {
    this.#order = new Map();
  }

  point(e: NftTraceEvent, names: ReadonlyMap<number, string>, rules: ListedRules): TracePoint | null {
    if (!SHOWN.includes(e.family)) return null;
    const rule = rules.ref(e);
    // ebtables shows no traces.
    if (rule.backend === 'ebtables') return null;
    if (e.packet || e.iif !== 0 || e.oif !== 0) this.#first.set(e.id, e);
    const first = this.#first.get(e.id) ?? e;
    let pkt = this.#order.get(e.id);
    if (pkt === undefined) this.#order.set(e.id, (pkt = this.#order.size));
    const name = (index: number): string => (index === 0 ? '' : (names.get(index) ?? `if${index}`));
    return tracePointNft(
      {
        t: 'nft-trace',
        kind: e.kind,
        rule,
        traceId: e.id,
        verdict: e.verdict,
        policy: e.policy,
        in: name(first.iif),
        out: name(first.oif),
        mark: e.mark,
        view: { protocol: first.packet ? first.etherType : e.etherType, data: first.packet ?? UNTOLD },
      } as never,
      pkt,
    );
  }
}

export class NftTraceStream {
  readonly #child: ChildProcess;
  #rest: Buffer = Buffer.alloc(0);
  #events: NftTraceEvent[] = [];
  readonly #watchers = new Watchers<NftTraceEvent>();

  constructor(netns: string) {
    this.#child = spawn('ip', ['netns', 'exec', netns, 'socat', '-u', '-b', '65536', SOCKET, 'STDOUT'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    this.#child.stdout?.on('data', (d: Buffer) => this.#take(d));
    this.#child.on('error', () => {});
  }

  #take(d: Buffer): void {
    let b = this.#rest.length > 0 ? Buffer.concat([this.#rest, d]) : d;
    while (b.length >= 16) {
      const n = b.readUInt32LE(0);
      if (n < 16 || b.length < n) break;
      const e = readTraceMessage(new Uint8Array(b.subarray(0, n)));
      if (e) this.#add(e);
      b = b.subarray((n + 3) & ~3);
    }
    this.#rest = Buffer.from(b);
  }

  #add(e: NftTraceEvent): void {
    if (e.family !== NFPROTO.netdev || e.table !== LAB_TABLE) {
      this.#events.push(e);
      return;
    }
    this.#watchers.came(e);
  }

  /** True when the marker frame's own event has come (far-ends.ts: loggingTable()), false when it has not in time. */
  seen(marker: Uint8Array, milliseconds: number): Promise<boolean> {
    const number = marker.slice(20, 24);
    return this.#watchers.next((e) => {
      const there = e.packet?.subarray(6, 10);
      return there !== undefined && number.every((v, i) => v === there[i]);
    }, milliseconds);
  }

  take(): NftTraceEvent[] {
    return this.#events.splice(0);
  }

  close(): void {
    kill(this.#child);
  }
}
