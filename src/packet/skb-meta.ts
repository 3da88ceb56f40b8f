/**
 * What of an skb survives which border. One row per field that does not stand in the bytes, one column per border; skb_scrub_packet(), nf_reset_ct(),
 * skb_orphan(), skb_dst_drop() and their callers read like this when put side by side.
 *
 *   peer      veth to another network namespace (____dev_forward_skb, skb_scrub_packet with xnet)
 *   loopback  lo (loopback_xmit)
 *   ipip      ipip, sit, gre: encapsulated or decapsulated in the same namespace (iptunnel_xmit, iptunnel_pull_header)
 *   vxlan     vxlan in the same namespace, out and in (udp_tunnel_xmit_skb, vxlan_rcv)
 *   xfrmOut   an ESP or AH transformation on output (xfrm_output)
 *   xfrmIn    and on input (xfrm_input; transport or tunnel mode re-injection)
 *   bridgeUp  from a bridge port to the bridge device (br_pass_frame_up)
 */
import { Skb } from './skb.js';

export type Border = 'peer' | 'loopback' | 'ipip' | 'vxlan' | 'xfrmOut' | 'xfrmIn' | 'bridgeUp';

interface MetaRow {
  readonly field: string;
  readonly copy: (from: Skb, to: Skb) => void;
  /** At all other borders it is kept. */
  readonly clearedAt: readonly Border[];
}
const row = (field: string, clearedAt: readonly Border[], copy: (from: Skb, to: Skb) => void): MetaRow => ({ field, copy, clearedAt });

export const skbMeta: readonly MetaRow[] = [
  row('mark', ['peer'], (a, b) => {
    b.mark = a.mark;
  }),
  row('priority', ['peer'], (a, b) => {
    b.priority = a.priority;
  }),
  row('secmark', [], (a, b) => {
    b.secmark = a.secmark;
  }),
  // Loopback keeps the connection, which is why nat PREROUTING does not see it again.
  row('ct', ['peer', 'ipip', 'vxlan', 'xfrmOut', 'xfrmIn'], (a, b) => {
    b.ct = a.ct;
    b.ctinfo = a.ctinfo;
  }),
  row('nfTrace', ['peer', 'ipip', 'vxlan'], (a, b) => {
    b.nfTrace = a.nfTrace;
  }),
  row('dst', ['peer', 'ipip', 'vxlan', 'xfrmIn'], (a, b) => {
    b.dst = a.dst;
  }),
  row('nfBridge', ['peer', 'ipip', 'vxlan'], (a, b) => {
    b.nfBridge = a.nfBridge ? { ...a.nfBridge } : null;
  }),
  row('secpath', ['peer', 'ipip', 'vxlan'], (a, b) => {
    b.secpath = a.secpath ? [...a.secpath] : null;
  }),
  row('sk', ['peer', 'loopback'], (a, b) => {
    b.sk = a.sk;
  }),
  row('iif', ['peer', 'loopback', 'ipip', 'vxlan'], (a, b) => {
    b.iif = a.iif;
  }),
  row('cb', ['peer', 'loopback', 'ipip', 'vxlan', 'xfrmIn', 'bridgeUp'], (a, b) => {
    b.cb.flags = a.cb.flags;
    b.cb.iif = a.cb.iif;
  }),
  row('fragMaxSize', ['peer', 'loopback', 'ipip', 'vxlan', 'xfrmIn'], (a, b) => {
    b.fragMaxSize = a.fragMaxSize;
    b.fragGeometry = a.fragGeometry;
    b.fragVlans = a.fragVlans;
    b.fragDf = a.fragDf;
    b.ignoreDf = a.ignoreDf;
  }),
  row('tclassid', ['peer', 'ipip', 'vxlan'], (a, b) => {
    b.tclassid = a.tclassid;
  }),
];

const FRESH = new Skb(0, { kind: 'sent', of: null }, new Uint8Array(0), 0);

/** Takes an skb across a border: what the border's column clears becomes as in a fresh skb. */
export function crossBorder(s: Skb, border: Border): void {
  for (const r of skbMeta) if (r.clearedAt.includes(border)) r.copy(FRESH, s);
}

/** The same where the other side is another Skb object (encapsulation, decapsulation): hands on what the border keeps. */
export function carryMeta(from: Skb, to: Skb, border: Border): void {
  for (const r of skbMeta) if (!r.clearedAt.includes(border)) r.copy(from, to);
}
