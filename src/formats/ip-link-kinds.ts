/**
 * What `ip -d link` prints behind a kind (`bridge`, `vxlan`, `ipip`, …) and behind a slave kind, row by row in the order printed: the word, the key that `ip -j -d link` uses
 * for it, and its form. One table for reading and writing (iproute2: ip/iplink_*.c, ip/link_*.c).
 */
import type { Word, Words } from './tokens.js';

type Form =
  /** `key N` */
  | 'number'
  /** `key WORD` */
  | 'text'
  /** `key on|off` <-> true/false */
  | 'onoff'
  /** `key` <-> true, `nokey` <-> false */
  | 'flag'
  /** `key    0.00`: seconds, seven wide */
  | 'timer'
  /** only WORD */
  | 'bare'
  /** `key N` where `none` stands for 0 */
  | { readonly zero: string }
  /** `srcport LOW HIGH` */
  | 'range'
  /** in JSON only */
  | 'json';

export interface KindRow {
  readonly word: string;
  readonly json: string;
  readonly form: Form;
}
const row = (word: string, form: Form = 'number', json = word): KindRow => ({ word, json, form });

const ipip: readonly KindRow[] = [
  row('external', 'bare', 'external'),
  row('', 'bare', 'proto'),
  row('remote', 'text'),
  row('local', 'text'),
  row('dev', 'text', 'link'),
  row('ttl', { zero: 'inherit' }),
  row('tos', 'text'),
  row('pmtudisc', 'flag'),
];

export const kindRows: ReadonlyMap<string, readonly KindRow[]> = new Map([
  ['veth', []],
  ['dummy', []],
  ['ipip', ipip],
  ['sit', ipip],
  [
    'bridge',
    [
      ...['forward_delay', 'hello_time', 'max_age', 'ageing_time', 'stp_state', 'priority', 'vlan_filtering'].map((w) => row(w)),
      row('vlan_protocol', 'text'),
      row('bridge_id', 'text'),
      row('designated_root', 'text', 'root_id'),
      ...['root_port', 'root_path_cost', 'topology_change', 'topology_change_detected'].map((w) => row(w)),
      ...['hello_timer', 'tcn_timer', 'topology_change_timer', 'gc_timer'].map((w) => row(w, 'timer')),
      row('vlan_default_pvid'),
      row('vlan_stats_enabled'),
      row('vlan_stats_per_port'),
      row('group_fwd_mask', 'text'),
      row('group_address', 'text', 'group_addr'),
      ...[
        'mcast_snooping',
        'no_linklocal_learn',
        'mcast_vlan_snooping',
        'mcast_router',
        'mcast_query_use_ifaddr',
        'mcast_querier',
        'mcast_hash_elasticity',
        'mcast_hash_max',
      ].map((w) => row(w)),
      row('mcast_last_member_count', 'number', 'mcast_last_member_cnt'),
      row('mcast_startup_query_count', 'number', 'mcast_startup_query_cnt'),
      ...['last_member', 'membership', 'querier', 'query', 'query_response', 'startup_query'].map((w) =>
        row(`mcast_${w}_interval`, 'number', `mcast_${w}_intvl`),
      ),
      ...['mcast_stats_enabled', 'mcast_igmp_version', 'mcast_mld_version', 'nf_call_iptables', 'nf_call_ip6tables', 'nf_call_arptables'].map((w) => row(w)),
    ],
  ],
  [
    'vxlan',
    [
      row('id'),
      row('group', 'text'),
      row('group6', 'text'),
      row('remote', 'text'),
      row('remote6', 'text'),
      row('local', 'text'),
      row('local6', 'text'),
      row('dev', 'text', 'link'),
      row('srcport', 'range', 'port_range'),
      row('dstport', 'number', 'port'),
      row('learning', 'flag'),
      row('proxy', 'bare'),
      row('rsc', 'bare'),
      row('l2miss', 'bare'),
      row('l3miss', 'bare'),
      row('tos', 'text'),
      row('ttl', { zero: 'auto' }),
      row('df', 'text'),
      row('ageing'),
      row('maxaddr', 'number', 'limit'),
      row('udpcsum', 'flag', 'udp_csum'),
      row('udp6zerocsumtx', 'flag', 'udp_zero_csum6_tx'),
      row('udp6zerocsumrx', 'flag', 'udp_zero_csum6_rx'),
    ],
  ],
  ['macvlan', [row('mode', 'text'), row('bcqueuelen'), row('usedbcqueuelen')]],
  ['vlan', [row('protocol', 'text'), row('id')]],
  ['vrf', [row('table')]],
  ['tun', [row('type', 'text'), row('pi', 'onoff'), row('vnet_hdr', 'onoff'), row('persist', 'onoff')]],
  ['wireguard', []],
]);

export const slaveRows: ReadonlyMap<string, readonly KindRow[]> = new Map([
  [
    'bridge',
    [
      row('state', 'text'),
      row('priority'),
      row('cost'),
      ...['hairpin', 'guard', 'root_block', 'fastleave', 'learning', 'flood'].map((w) => row(w, 'onoff')),
      row('port_id', 'text', 'id'),
      row('port_no', 'text', 'no'),
      row('designated_port'),
      row('designated_cost'),
      row('designated_bridge', 'text', 'bridge_id'),
      row('designated_root', 'text', 'root_id'),
      ...['hold_timer', 'message_age_timer', 'forward_delay_timer'].map((w) => row(w, 'timer')),
      row('topology_change_ack'),
      row('config_pending'),
      row('proxy_arp', 'onoff'),
      row('proxy_arp_wifi', 'onoff'),
      row('mcast_router', 'number', 'multicast_router'),
      row('mcast_fast_leave', 'onoff', 'fastleave'),
      ...['mcast_flood', 'bcast_flood', 'mcast_to_unicast', 'neigh_suppress'].map((w) => row(w, 'onoff')),
      row('group_fwd_mask', 'text'),
      row('group_fwd_mask_str', 'text'),
      ...['vlan_tunnel', 'isolated', 'locked', 'mab'].map((w) => row(w, 'onoff')),
    ],
  ],
  ['vrf', [row('table')]],
]);

/** Reads words of `rows` until one that belongs to none of them. */
export function readKindData(rows: readonly KindRow[], words: Words): [string, unknown][] {
  const out = new Map<string, unknown>();
  let at = 0;
  for (let w = words.next(); w; w = words.next()) {
    const i = rows.findIndex((r, n) => n >= at && takes(r, w.text));
    if (i < 0) {
      words.back();
      break;
    }
    at = i + 1;
    const r = rows[i];
    const value = readForm(r, w, words);
    if (value !== undefined) out.set(r.json, value);
  }
  return [...out];
}

function takes(r: KindRow, word: string): boolean {
  if (r.form === 'flag') return word === r.word || word === `no${r.word}`;
  if (r.word === '') return ['any', 'ipip', 'ip6ip', 'mplsip'].includes(word);
  return r.form !== 'json' && word === r.word;
}

function readForm(r: KindRow, w: Word, words: Words): unknown {
  if (r.form === 'flag') return w.text === r.word;
  if (r.form === 'bare') return r.word === '' ? w.text : true;
  if (r.form === 'range') {
    const low = words.number(w);
    const high = words.number(w);
    return { low, high };
  }
  const v = words.value(w)?.text;
  if (v === undefined) return undefined;
  if (r.form === 'onoff') return v === 'on';
  if (r.form === 'text') return v;
  if (typeof r.form === 'object' && v === r.form.zero) return 0;
  const n = Number(v);
  return Number.isNaN(n) ? v : n;
}

/** ` word value …`, each behind a blank, for the keys that `data` has. */
export function writeKindData(rows: readonly KindRow[], data: ReadonlyMap<string, unknown>): string {
  let out = '';
  for (const r of rows) {
    if (!data.has(r.json)) continue;
    const v = data.get(r.json);
    if (r.form === 'json') continue;
    if (r.form === 'flag') out += ` ${v ? '' : 'no'}${r.word}`;
    else if (r.form === 'bare') out += r.word === '' ? ` ${String(v)}` : v ? ` ${r.word}` : '';
    else if (r.form === 'range') {
      const p = v as { low: number; high: number };
      out += ` ${r.word} ${p.low} ${p.high}`;
    } else if (r.form === 'onoff') out += ` ${r.word} ${v ? 'on' : 'off'}`;
    else if (r.form === 'timer') out += ` ${r.word} ${Number(v).toFixed(2).padStart(7)}`;
    else if (typeof r.form === 'object' && v === 0) out += ` ${r.word} ${r.form.zero}`;
    else if (r.word === 'df' && v === 'unset') continue;
    else if (r.word === 'learning' && v) continue;
    else out += ` ${r.word} ${String(v)}`;
  }
  return out;
}

/** Keys of the detail part: word in the text, key in JSON. */
const detailWords: readonly (readonly [string, string])[] = [
  ['promiscuity', 'promiscuity'],
  ['allmulti', 'allmulti'],
  ['minmtu', 'min_mtu'],
  ['maxmtu', 'max_mtu'],
  ['addrgenmode', 'inet6_addr_gen_mode'],
  ['numtxqueues', 'num_tx_queues'],
  ['numrxqueues', 'num_rx_queues'],
  ['gso_max_size', 'gso_max_size'],
  ['gso_max_segs', 'gso_max_segs'],
  ['tso_max_size', 'tso_max_size'],
  ['tso_max_segs', 'tso_max_segs'],
  ['gro_max_size', 'gro_max_size'],
  ['gso_ipv4_max_size', 'gso_ipv4_max_size'],
  ['gro_ipv4_max_size', 'gro_ipv4_max_size'],
];
/** Word of the text to JSON key. */
export const detailKey = new Map(detailWords);
/** JSON key to word of the text. */
export const detailWord = new Map(detailWords.map(([w, k]) => [k, w]));
