/** `-m eui64`: is the lower half of the IPv6 source made from the frame's source MAC? */
import { smac } from '../../fields.js';
import { call, type PacketCtx } from '../../pred.js';
import type { MatchDef } from '../extension.js';

const ETH_HLEN = 14;

/** eui64_mt6(): universal bit flipped, ff:fe in the middle. */
function matches(c: PacketCtx): boolean {
  const mac = smac.read(c) as number | undefined;
  if (mac === undefined) return false;
  const b = Array.from({ length: 6 }, (_, i) => Math.floor(mac / 256 ** (5 - i)) % 256);
  const wanted = [b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]];
  return wanted.every((v, i) => c.skb.u8(16 + i) === v);
}

/** No link header stands before the packet, as with what a node hears of its own multicasts (dev_loopback_xmit()): it is dropped. */
const headless = call('link header', [], ({ skb }) => skb.eth === null && (skb.macAt ?? 0) > -ETH_HLEN, 'no link header');

export const eui64: MatchDef<Record<string, never>> = {
  name: 'eui64',
  kernel: 'net/ipv6/netfilter/ip6t_eui64.c',
  families: ['ipv6'],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: [],
  parse: () => ({}),
  print: () => '',
  lower: () => [
    { kind: 'hotdrop', pred: headless },
    { kind: 'test', pred: call('eui64', [smac], matches, 'a source made from its MAC') },
  ],
};
