/** Targets that write MAC addresses: snat, dnat, redirect, arpreply. */
import { formatMac, isMulticastMac, MAC_BROADCAST, type Mac, parseMac } from '../../../base/addr.js';
import { ETH_P_ARP } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { type EbtTargetDef, ebtOption, givenValue } from '../option.js';
import { verdictOption, withVerdict } from './verdict.js';

function parse(text: string): Mac {
  const m = parseMac(text);
  if (m === null) throw new OptionError(`Bad MAC address '${text}'`);
  return m;
}

/** The bridge that the frame's input port belongs to; for brouting the port itself. */
function receiver(c: PacketCtx): Mac | undefined {
  if (c.hook === 'BROUTING') return c.in?.mac;
  return c.hook === 'PREROUTING' && c.in?.master ? c.env.device(c.in.master)?.mac : undefined;
}

function tell(c: PacketCtx, field: string, before: Mac, after: Mac): void {
  if (!c.env.rec.on) return;
  c.env.rec.event({ t: 'mangle', node: c.env.node, skb: c.skb.id, time: c.env.now(), field, before: formatMac(before), after: formatMac(after), rule: c.rule });
}

export const snatTarget: EbtTargetDef = {
  name: 'snat',
  kernel: 'net/bridge/netfilter/ebt_snat.c',
  tables: ['nat'],
  options: [
    ebtOption<Mac>({ name: 'to-src', aliases: ['to-source'], noInvert: true, parse, print: formatMac }),
    ebtOption<true>({ name: 'snat-arp', flag: true, noInvert: true, parse: () => true, print: () => '' }),
    verdictOption('snat-target'),
  ],
  verdict: 'snat-target',
  defaultVerdict: 'ACCEPT',
  finish(given) {
    if (givenValue(given, 'to-src') === undefined) throw new OptionError('You must specify the source address', 'to-src');
    return withVerdict(given, 'snat-target', 'ACCEPT');
  },
  act(given) {
    const mac = givenValue(given, 'to-src') as Mac;
    const arp = givenValue(given, 'snat-arp') === true;
    return (c) => {
      if (!c.skb.eth) return true;
      tell(c, 'source mac', c.skb.eth.src, mac);
      c.skb.eth.src = mac;
      if (arp && c.skb.protocol === ETH_P_ARP && c.skb.data.length >= 14 && c.skb.data[4] === 6) writeMac(c.skb.data, 8, mac);
      return true;
    };
  },
};

function writeMac(b: Uint8Array, at: number, mac: Mac): void {
  for (let i = 5, v = mac; i >= 0; i--, v = Math.floor(v / 256)) b[at + i] = v % 256;
}

export const dnatTarget: EbtTargetDef = {
  name: 'dnat',
  kernel: 'net/bridge/netfilter/ebt_dnat.c',
  tables: ['nat', 'broute'],
  options: [ebtOption<Mac>({ name: 'to-dst', aliases: ['to-destination'], noInvert: true, parse, print: formatMac }), verdictOption('dnat-target')],
  verdict: 'dnat-target',
  defaultVerdict: 'ACCEPT',
  finish(given) {
    if (givenValue(given, 'to-dst') === undefined) throw new OptionError('You must specify the destination address', 'to-dst');
    return withVerdict(given, 'dnat-target', 'ACCEPT');
  },
  act(given) {
    const mac = givenValue(given, 'to-dst') as Mac;
    return (c) => {
      if (!c.skb.eth) return true;
      tell(c, 'destination mac', c.skb.eth.dst, mac);
      c.skb.eth.dst = mac;
      const mine = receiver(c);
      if (isMulticastMac(mac)) c.skb.pktType = mac === MAC_BROADCAST ? 'broadcast' : 'multicast';
      else if (mine !== undefined) c.skb.pktType = mac === mine ? 'host' : 'otherhost';
      return true;
    };
  },
};

export const redirectTarget: EbtTargetDef = {
  name: 'redirect',
  kernel: 'net/bridge/netfilter/ebt_redirect.c',
  tables: ['nat', 'broute'],
  options: [verdictOption('redirect-target')],
  verdict: 'redirect-target',
  defaultVerdict: 'ACCEPT',
  act: () => (c) => {
    const mine = receiver(c);
    if (!c.skb.eth || mine === undefined) return true;
    tell(c, 'destination mac', c.skb.eth.dst, mine);
    c.skb.eth.dst = mine;
    c.skb.pktType = 'host';
    return true;
  },
};
