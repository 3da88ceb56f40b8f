/** Named readers of frames, for ebtables' matches. A field of another protocol is absent. */
import { type Addr, formatAddr, formatMac, type Mac, readAddr } from '../../base/addr.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../../packet/skb.js';
import { call, type Field, type PacketCtx, type Pred, type Scalar } from '../pred.js';

const ETH_P_RARP = 0x8035;
const ETH_P_8021Q = 0x8100;
const MIN_ETHERTYPE = 0x600;

const decimal = (v: Scalar): string => String(v);
const mac = (v: Scalar): string => formatMac(v as Mac);
const addr = (v: Scalar): string => formatAddr(v as Addr);
export const frameField = (name: string, read: (c: PacketCtx) => Scalar | undefined, show: (v: Scalar) => string = decimal): Field => ({ name, read, show });

export const ethDst = frameField('destination mac', (c) => c.skb.eth?.dst, mac);
export const ethSrc = frameField('source mac', (c) => c.skb.eth?.src, mac);
/** Ethernet type as it stands in the frame: 802.1Q for a tagged one; below 0x600: the length of an 802.3 frame. */
export const ethType = frameField(
  'ethernet type',
  (c) => (c.skb.vlan !== null ? ETH_P_8021Q : c.skb.protocol),
  (v) => `0x${(v as number).toString(16).padStart(4, '0')}`,
);
export const inPort = frameField('input port', (c) => c.in?.name);
export const outPort = frameField('output port', (c) => c.out?.name);
export const logicalIn = frameField('input bridge', (c) => c.in?.master ?? undefined);
export const logicalOut = frameField('output bridge', (c) => c.out?.master ?? undefined);

/** Bytes of the payload where the frame is of one of these types and long enough. */
export function payload(c: PacketCtx, types: readonly number[], need: number): Uint8Array | undefined {
  return types.includes(c.skb.protocol) && c.skb.data.length >= need ? c.skb.data : undefined;
}
const u16 = (d: Uint8Array | undefined, at: number): number | undefined => (d ? (d[at] << 8) | d[at + 1] : undefined);
export const readMac = (d: Uint8Array, at: number): Mac => d.subarray(at, at + 6).reduce((v, x) => v * 256 + x, 0);

const ARP = [ETH_P_ARP, ETH_P_RARP];
const ETH_IP_ARP_LEN = 28;
const arp = (c: PacketCtx): Uint8Array | undefined => payload(c, ARP, 8);
const arpIp = (c: PacketCtx): Uint8Array | undefined => {
  const d = payload(c, ARP, ETH_IP_ARP_LEN);
  return d && d[4] === 6 && d[5] === 4 ? d : undefined;
};
const arpMac = (c: PacketCtx): Uint8Array | undefined => {
  const d = arpIp(c);
  return u16(d, 0) === 1 ? d : undefined;
};
export const arpOp = frameField('arp operation', (c) => u16(arp(c), 6));
export const arpHtype = frameField('arp hardware type', (c) => u16(arp(c), 0));
export const arpPtype = frameField('arp protocol type', (c) => u16(arp(c), 2));
const ip4At = (c: PacketCtx, at: number): Addr | undefined => {
  const d = arpIp(c);
  return d && readAddr(d, at, 'ipv4');
};
export const arpIpSrc = frameField('arp sender', (c) => ip4At(c, 14), addr);
export const arpIpDst = frameField('arp target', (c) => ip4At(c, 24), addr);
const macAt = (c: PacketCtx, at: number): Mac | undefined => {
  const d = arpMac(c);
  return d && readMac(d, at);
};
export const arpMacSrc = frameField('arp sender mac', (c) => macAt(c, 8), mac);
export const arpMacDst = frameField('arp target mac', (c) => macAt(c, 18), mac);

const inet = (type: number, need: number) => (c: PacketCtx) => c.skb.vlan === null && payload(c, [type], need) !== undefined;
const isIp = inet(ETH_P_IP, 20);
const isIp6 = inet(ETH_P_IPV6, 40);
type Inet = (c: PacketCtx) => boolean;
const nonNegative = (n: number): number | undefined => (n < 0 ? undefined : n);
const inetFields = (name: string, is: Inet, icmpProto: number) => ({
  src: frameField(`${name} source`, (c) => (is(c) ? c.skb.saddr : undefined), addr),
  dst: frameField(`${name} destination`, (c) => (is(c) ? c.skb.daddr : undefined), addr),
  tos: frameField(`${name} tos`, (c) => (is(c) ? c.skb.tos : undefined)),
  proto: frameField(`${name} protocol`, (c) => (is(c) ? c.skb.l4proto : undefined)),
  sport: frameField('source port', (c) => (is(c) ? nonNegative(c.skb.sport) : undefined)),
  dport: frameField('destination port', (c) => (is(c) ? nonNegative(c.skb.dport) : undefined)),
  /** type * 256 + code */
  icmp: frameField('icmp type/code', (c) => (is(c) && c.skb.l4proto === icmpProto ? nonNegative(c.skb.sport) : undefined)),
});
export const ip4 = inetFields('ip', isIp, 1);
export const ip6 = inetFields('ip6', isIp6, 58);
export const igmpType = frameField('igmp type', (c) => {
  const word = isIp(c) && c.skb.l4proto === 2 ? c.skb.sport : -1;
  return word < 0 ? undefined : word >>> 8;
});

export const vlanId = frameField('vlan id', (c) => (c.skb.vlan === null ? undefined : c.skb.vlan & 0xfff));
export const vlanPrio = frameField('vlan priority', (c) => (c.skb.vlan === null ? undefined : c.skb.vlan >>> 13));
export const vlanEncap = frameField('encapsulated type', (c) => (c.skb.vlan === null ? undefined : c.skb.protocol));

const llc = (c: PacketCtx, need: number): Uint8Array | undefined => (c.skb.protocol < MIN_ETHERTYPE && c.skb.data.length >= need ? c.skb.data : undefined);
export const llcSap = frameField('802.3 sap', (c) => {
  const d = llc(c, 3);
  return d && d[0] === d[1] ? d[0] : undefined;
});
/** Type of the SNAP header, where the SAP says there is one. */
export const snapType = frameField('802.3 type', (c) => {
  const d = llc(c, 8);
  return d && d[0] === 0xaa ? u16(d, 6) : undefined;
});

const BPDU_SAP = 0x42;
/** Numbers of a spanning tree BPDU behind its LLC header. */
const bpdu = (c: PacketCtx, need: number): Uint8Array | undefined => {
  const d = llc(c, 3 + need);
  return d && d[0] === BPDU_SAP && d[1] === BPDU_SAP ? d.subarray(3) : undefined;
};
export const stpType = frameField('stp type', (c) => bpdu(c, 4)?.[3]);
const CONFIG_LEN = 35;
export const stpNumber = (name: string, at: number, bytes: 1 | 2 | 4): Field =>
  frameField(name, (c) => {
    const d = bpdu(c, CONFIG_LEN);
    return d?.subarray(at, at + bytes).reduce((v, x) => v * 256 + x, 0);
  });
export const stpMac = (name: string, at: number): Field =>
  frameField(
    name,
    (c) => {
      const d = bpdu(c, CONFIG_LEN);
      return d && readMac(d, at);
    },
    mac,
  );

export interface MacMask {
  readonly mac: Mac;
  readonly mask: Mac;
}
/** 48 bits do not fit JavaScript's bit operations: two halves. */
export function maskMac(m: Mac, mask: Mac): Mac {
  const HALF = 2 ** 24;
  const hi = Math.floor(m / HALF) & Math.floor(mask / HALF);
  return hi * HALF + ((m % HALF) & (mask % HALF));
}
export const MAC_ALL = 0xffffffffffff;
export const macMasked = (f: Field, v: MacMask): Pred =>
  call(
    f.name,
    [f],
    (c) => {
      const m = f.read(c);
      return m !== undefined && maskMac(m as Mac, v.mask) === v.mac;
    },
    v.mask === MAC_ALL ? formatMac(v.mac) : `${formatMac(v.mac)}/${formatMac(v.mask)}`,
    (c) => {
      const m = f.read(c);
      return m === undefined ? 'none' : formatMac(m as Mac);
    },
  );
