import type { Field } from '../../pred.js';
import { call, equals } from '../../pred.js';
import { arpHtype, arpIpDst, arpIpSrc, arpMacDst, arpMacSrc, arpOp, arpPtype, type MacMask, macMasked } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';
import { type AddrMask, addrMaskPred, etherTypeNumber, parseAddrMask, parseMacMask, parseNumber, printAddrMask, printMacMask } from '../values.js';

const OPS = ['Request', 'Reply', 'Request_Reverse', 'Reply_Reverse', 'DRARP_Request', 'DRARP_Reply', 'DRARP_Error', 'InARP_Request', 'ARP_NAK'];

function op(text: string): number {
  const i = OPS.findIndex((n) => n.toLowerCase() === text.toLowerCase());
  return i >= 0 ? i + 1 : parseNumber(text, 0, 0xffff, 'ARP opcode');
}
const ip = (name: string, f: Field) =>
  ebtOption<AddrMask>({ name, parse: (t) => parseAddrMask(t, 'ipv4'), print: printAddrMask, pred: (v) => addrMaskPred(f, v) });
const mac = (name: string, f: Field) => ebtOption<MacMask>({ name, parse: parseMacMask, print: (v) => printMacMask(v), pred: (v) => macMasked(f, v) });

export const arpMatch: EbtMatchDef = {
  name: 'arp',
  kernel: 'net/bridge/netfilter/ebt_arp.c',
  protos: [0x0806, 0x8035],
  protoName: 'ARP',
  options: [
    ebtOption<number>({ name: 'arp-op', aliases: ['arp-opcode'], parse: op, print: (v) => OPS[v - 1] ?? String(v), pred: (v) => equals(arpOp, v) }),
    ebtOption<number>({
      name: 'arp-htype',
      parse: (t) => (t.toLowerCase() === 'ethernet' ? 1 : parseNumber(t, 0, 0xffff, 'ARP hardware type')),
      print: String,
      pred: (v) => equals(arpHtype, v),
    }),
    ebtOption<number>({
      name: 'arp-ptype',
      parse: (t) => etherTypeNumber(t) ?? parseNumber(t, 0, 0xffff, 'ARP protocol type'),
      print: (v) => `0x${v.toString(16)}`,
      pred: (v) => equals(arpPtype, v),
    }),
    ip('arp-ip-src', arpIpSrc),
    ip('arp-ip-dst', arpIpDst),
    mac('arp-mac-src', arpMacSrc),
    mac('arp-mac-dst', arpMacDst),
    ebtOption<true>({
      name: 'arp-gratuitous',
      flag: true,
      parse: () => true,
      print: () => '',
      pred: () =>
        call('gratuitous arp', [arpIpSrc, arpIpDst], (c) => arpIpSrc.read(c) !== undefined && arpIpSrc.read(c) === arpIpDst.read(c), 'sender = target'),
    }),
  ],
};
