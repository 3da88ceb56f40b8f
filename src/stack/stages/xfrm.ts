/** IPsec transformations: xfrm4_output(), xfrm_output_resume(), xfrm_input() (net/ipv4/xfrm4_output.c, net/xfrm/xfrm_output.c, xfrm_input.c). Nothing is encrypted: the inner packet travels in the clear inside the ESP payload. */
import { buildIp4 } from '../../packet/build.js';
import { ETH_P_IP, IPSKB_REROUTED, IPSKB_XFRM_TRANSFORMED, type Skb } from '../../packet/skb.js';
import { crossBorder } from '../../packet/skb-meta.js';
import type { XfrmState } from '../../xfrm/model.js';
import { stateBySpi } from '../../xfrm/select.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { bundleOf } from '../xfrm.js';

const PROTOCOL_FIELD = 9;
const IV = 8;
const ICV = 16;

/** The inner packet passes POSTROUTING towards the outer device, then is wrapped; SNAT there may have taken the bundle away. */
export function xfrmOutput(k: Kernel, f: Flight): 'ip_local_out' | 'dst_output' | 'gone' {
  const { skb } = f;
  if (!(skb.cb.flags & IPSKB_REROUTED) && k.hook(f, 'ipv4', 'POSTROUTING', skb.dev, skb.dst!.dev) !== 'accept') return 'gone';
  const dst = skb.dst!;
  if (dst.xfrm === null) {
    skb.cb.flags |= IPSKB_REROUTED;
    return 'dst_output';
  }
  const bundle = bundleOf(dst);
  for (const state of bundle.states) encode(k, skb, state);
  crossBorder(skb, 'xfrmOut');
  skb.cb.flags |= IPSKB_XFRM_TRANSFORMED;
  skb.cb.flags &= ~IPSKB_REROUTED;
  skb.dst = bundle.outer;
  return 'ip_local_out';
}

/** One ESP transformation (esp_output): padding to 4 bytes, IV and ICV as AES-GCM-16 has them. */
function encode(k: Kernel, skb: Skb, s: XfrmState): void {
  if (s.proto !== 'esp' || s.mode === 'beet')
    k.inconclusive(`xfrm ${s.proto} ${s.mode} mode`, k.packetCtx({ skb, errno: 0, indev: null }, 'ipv4', 'POSTROUTING', null, null));
  const tunnel = s.mode === 'tunnel';
  const hlen = skb.nhlen;
  const inner = tunnel ? skb.data : skb.data.subarray(hlen);
  const next = tunnel ? 4 : skb.l4proto;
  const pad = (4 - ((inner.length + 2) & 3)) & 3;
  const payload = new Uint8Array(8 + IV + inner.length + pad + 2 + ICV);
  payload.set([s.spi >>> 24, s.spi >>> 16, s.spi >>> 8, s.spi]);
  const seq = k.state(s, () => ({ n: 0 }));
  seq.n++;
  payload.set([seq.n >>> 24, seq.n >>> 16, seq.n >>> 8, seq.n], 4);
  payload.set(inner, 8 + IV);
  for (let i = 0; i < pad; i++) payload[8 + IV + inner.length + i] = i + 1;
  payload[8 + IV + inner.length + pad] = pad;
  payload[8 + IV + inner.length + pad + 1] = next;
  k.tell(skb, { t: 'xfrm', what: 'encode', dir: 'out', text: `${s.proto} ${s.mode} spi 0x${s.spi.toString(16)} reqid ${s.reqid}` });
  const src = (tunnel ? s.src : skb.saddr) as number;
  const dst = (tunnel ? s.dst : skb.daddr) as number;
  const ttl = tunnel ? k.sysctl('net/ipv4/ip_default_ttl') : skb.ttl;
  skb.setData(buildIp4({ src, dst, proto: 50, ttl, tos: skb.tos & 0xfd, id: skb.df ? 0 : k.ipId(), df: skb.df, payload }), ETH_P_IP);
  skb.macAt = PROTOCOL_FIELD;
}

/** xfrm4_rcv(): the state that the SPI names undoes its transformation; a tunnel's inner packet comes in again on the same device. */
export function xfrmInput(k: Kernel, f: Flight): 'ip_rcv' | 'ip_local_deliver_finish' | 'gone' {
  const { skb } = f;
  const th = skb.thoff;
  const spi = skb.data.length >= th + 8 ? skb.u32(th) : 0;
  const s = stateBySpi(k.given.xfrmStates, skb.daddr, spi, skb.l4proto);
  if (s === null) {
    k.count('XfrmInNoStates');
    k.drop(skb, 'NOT_SPECIFIED', 'xfrm_input', 'xfrm-no-state', { spi, dst: k.showAddr(skb.daddr) });
    return 'gone';
  }
  const end = skb.data.length - ICV;
  const pad = skb.data[end - 2];
  const next = skb.data[end - 1];
  const from = th + 8 + IV;
  if (skb.l4proto !== 50 || end - 2 - pad < from || s.src !== skb.saddr) {
    k.count('XfrmInStateProtoError');
    k.drop(skb, 'NOT_SPECIFIED', 'xfrm_input', 'xfrm-no-state', { spi });
    return 'gone';
  }
  const inner = skb.data.slice(from, end - 2 - pad);
  const path = [...(skb.secpath ?? []), { reqid: s.reqid, spi: s.spi, proto: 50, mode: s.mode, src: s.src, dst: s.dst, state: s }];
  k.tell(skb, { t: 'xfrm', what: 'decode', dir: 'in', text: `${s.proto} ${s.mode} spi 0x${s.spi.toString(16)} reqid ${s.reqid}` });
  crossBorder(skb, 'xfrmIn');
  skb.secpath = path;
  if (s.mode === 'tunnel') {
    if (next !== 4) {
      k.drop(skb, 'NOT_SPECIFIED', 'xfrm_input', 'bad-header', { next });
      return 'gone';
    }
    skb.setData(inner, ETH_P_IP);
    skb.csum = 'unchecked';
    skb.pktType = 'host';
    k.netifRxAs(skb, skb.dev!);
    return 'gone';
  }
  const head = skb.data.slice(0, th);
  head[9] = next;
  const whole = new Uint8Array(head.length + inner.length);
  whole.set(head);
  whole.set(inner, head.length);
  skb.setData(whole, ETH_P_IP);
  skb.setU16(2, whole.length);
  skb.csum = 'unchecked';
  return 'ip_rcv';
}
