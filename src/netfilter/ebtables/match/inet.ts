/** ebt_ip and ebt_ip6: the same options under two prefixes. */
import type { Family } from '../../../base/addr.js';
import { type IcmpName, icmp6Types, icmpByName, icmpTypes } from '../../../base/well-known.js';
import { all, between, equals, type Field } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { igmpType, ip4, ip6 } from '../fields.js';
import type { EbtGiven } from '../model.js';
import { type EbtMatchDef, ebtOption, givenValue } from '../option.js';
import {
  type AddrMask,
  addrMaskPred,
  parseAddrMask,
  parseIpProto,
  parseNumber,
  parseRange,
  printAddrMask,
  printIpProto,
  printRange,
  type Range,
  rangePred,
} from '../values.js';

interface IcmpRange {
  readonly type: Range;
  readonly code: Range;
}

function parseIcmp(list: readonly IcmpName[], text: string): IcmpRange {
  if (!/^[\d:/]+$/.test(text)) {
    const named = icmpByName(list, text);
    if (!named || 'ambiguous' in named) throw new OptionError(`Unknown ICMP type '${text}'`);
    return { type: { lo: named.type, hi: named.type }, code: { lo: named.codeMin, hi: named.codeMax } };
  }
  const [t, c] = text.split('/');
  return { type: parseRange(t, 255, 'ICMP type'), code: c === undefined ? { lo: 0, hi: 255 } : parseRange(c, 255, 'ICMP code') };
}
function printIcmp(list: readonly IcmpName[], v: IcmpRange): string {
  const named = v.type.lo === v.type.hi ? list.find((n) => n.type === v.type.lo && n.codeMin === v.code.lo && n.codeMax === v.code.hi) : undefined;
  return named ? named.name : `${printRange(v.type)}/${printRange(v.code)}`;
}
/** Type and code each in their range; one field, type * 256 + code, holds both. */
const icmpPred = (f: Field, v: IcmpRange) => {
  const type: Field = { ...f, name: 'icmp type', read: (c) => high(f.read(c)), show: String };
  const code: Field = { ...f, name: 'icmp code', read: (c) => low(f.read(c)), show: String };
  return all(between(type, v.type.lo, v.type.hi), between(code, v.code.lo, v.code.hi));
};
const high = (v: number | string | undefined): number | undefined => (v === undefined ? undefined : (v as number) >>> 8);
const low = (v: number | string | undefined): number | undefined => (v === undefined ? undefined : (v as number) & 255);

const IGMP: readonly (readonly [string, number])[] = [
  ['membership-query', 0x11],
  ['membership-report-v1', 0x12],
  ['membership-report-v2', 0x16],
  ['leave-group', 0x17],
  ['membership-report-v3', 0x22],
];
function igmp(text: string): Range {
  const named = IGMP.find(([n]) => n === text.toLowerCase());
  return named ? { lo: named[1], hi: named[1] } : parseRange(text, 255, 'IGMP type');
}

const WITH_PORTS = [6, 17, 33, 132, 136];

function inetMatch(name: 'ip' | 'ip6', family: Family, ethertype: number, protoName: string): EbtMatchDef {
  const f = family === 'ipv4' ? ip4 : ip6;
  const long = family === 'ipv4' ? 'ip' : 'ip6';
  const icmp = family === 'ipv4' ? icmpTypes() : icmp6Types();
  const addr = (opt: string, alias: string, field: Field) =>
    ebtOption<AddrMask>({
      name: `${long}-${opt}`,
      aliases: [`${long}-${alias}`],
      parse: (t) => parseAddrMask(t, family),
      print: printAddrMask,
      pred: (v) => addrMaskPred(field, v),
    });
  const tosName = family === 'ipv4' ? 'tos' : 'tclass';
  const port = (opt: string, alias: string, field: Field) =>
    ebtOption<Range>({
      name: `${long}-${opt}`,
      aliases: [`${long}-${alias}`],
      parse: (t) => parseRange(t, 65535, 'port'),
      print: printRange,
      pred: (v) => rangePred(field, v),
    });
  const options = [
    addr('src', 'source', f.src),
    addr('dst', 'destination', f.dst),
    ebtOption<number>({
      name: `${long}-${tosName}`,
      parse: (t) => parseNumber(/^0x/i.test(t) ? t : `0x${t}`, 0, 255, tosName),
      print: (v) => `0x${v.toString(16).toUpperCase().padStart(2, '0')}`,
      pred: (v) => equals(f.tos, v),
    }),
    ebtOption<number>({ name: `${long}-proto`, aliases: [`${long}-protocol`], parse: parseIpProto, print: printIpProto, pred: (v) => equals(f.proto, v) }),
    port('sport', 'source-port', f.sport),
    port('dport', 'destination-port', f.dport),
    ebtOption<IcmpRange>({ name: `${long}-icmp-type`, parse: (t) => parseIcmp(icmp, t), print: (v) => printIcmp(icmp, v), pred: (v) => icmpPred(f.icmp, v) }),
    ...(family === 'ipv4'
      ? [
          ebtOption<Range>({
            name: 'ip-igmp-type',
            parse: igmp,
            print: (v) => IGMP.find(([, n]) => v.lo === n && v.hi === n)?.[0] ?? printRange(v),
            pred: (v) => rangePred(igmpType, v),
          }),
        ]
      : []),
  ];
  const needs: readonly (readonly [string, readonly number[], string])[] = [
    [`${long}-sport`, WITH_PORTS, 'For port filtering the IP protocol must be tcp, udp, sctp, dccp or udplite.'],
    [`${long}-dport`, WITH_PORTS, 'For port filtering the IP protocol must be tcp, udp, sctp, dccp or udplite.'],
    [`${long}-icmp-type`, [family === 'ipv4' ? 1 : 58], 'For ICMP filtering the IP protocol must be icmp.'],
    ['ip-igmp-type', [2], 'For IGMP filtering the IP protocol must be igmp.'],
  ];
  return {
    name,
    kernel: `net/bridge/netfilter/ebt_${name}.c`,
    protos: [ethertype],
    protoName,
    options,
    finish(given: readonly EbtGiven[]) {
      const proto = given.find((g) => g.option === `${long}-proto`);
      for (const [option, protos, message] of needs) {
        if (givenValue(given, option) === undefined) continue;
        if (!proto || proto.invert || !protos.includes(proto.value as number)) throw new OptionError(message, option);
      }
      return given;
    },
  };
}

export const ipMatch = inetMatch('ip', 'ipv4', 0x0800, 'IPv4');
export const ip6Match = inetMatch('ip6', 'ipv6', 0x86dd, 'IPv6');
