/** A list of MAC addresses, each perhaps with an IPv4 address. ebtables-nft keeps them as an nftables set, sorted. */
import { formatIp4, type Ip4, type Mac, parseIp4, parseMac } from '../../../base/addr.js';
import { call, type Field, type PacketCtx, type Pred } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { arpIpDst, arpIpSrc, ethDst, ethSrc, ip4 } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';

export interface AmongEntry {
  readonly mac: Mac;
  readonly ip: Ip4 | null;
}

const order = (a: AmongEntry, b: AmongEntry): number => a.mac - b.mac || (a.ip ?? 0) - (b.ip ?? 0);

function parse(text: string): readonly AmongEntry[] {
  const list = text
    .split(',')
    .filter((w) => w !== '')
    .map((w) => {
      const [m, a] = w.split('=');
      const mac = parseMac(m);
      if (mac === null) throw new OptionError(`Invalid MAC address '${m}'`);
      const ip = a === undefined ? null : parseIp4(a);
      if (a !== undefined && ip === null) throw new OptionError(`Invalid IP address '${a}'`);
      return { mac, ip };
    });
  if (list.length === 0) throw new OptionError('Missing MAC list');
  return list.sort(order);
}

/** ether_ntoa(3): no leading zeros. */
const ntoa = (m: Mac): string => Array.from({ length: 6 }, (_, i) => (Math.floor(m / 256 ** (5 - i)) % 256).toString(16)).join(':');
const print = (list: readonly AmongEntry[]): string => list.map((e) => ntoa(e.mac) + (e.ip === null ? '' : `=${formatIp4(e.ip)}`)).join(',');

function pred(mac: Field, ip: Field, arp: Field, list: readonly AmongEntry[]): Pred {
  const keys = new Set(list.map((e) => (e.ip === null ? `${e.mac}` : `${e.mac}=${e.ip}`)));
  const test = (c: PacketCtx): boolean => {
    const m = mac.read(c);
    const a = ip.read(c) ?? arp.read(c);
    return keys.has(`${m}`) || (a !== undefined && keys.has(`${m}=${a}`));
  };
  return call('among', [mac, ip, arp], test, print(list));
}

export const amongMatch: EbtMatchDef = {
  name: 'among',
  kernel: 'net/bridge/netfilter/ebt_among.c',
  options: [
    ebtOption<readonly AmongEntry[]>({ name: 'among-src', parse, print, pred: (l) => pred(ethSrc, ip4.src, arpIpSrc, l) }),
    ebtOption<readonly AmongEntry[]>({ name: 'among-dst', parse, print, pred: (l) => pred(ethDst, ip4.dst, arpIpDst, l) }),
  ],
};
