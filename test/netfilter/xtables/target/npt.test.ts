/** SNPT against Linux 6.18 (ip6tables-legacy 1.8.9): sources of UDP packets as the far end received them; the checksum is the sent one. */
import { describe, expect, it } from 'vitest';
import { formatIp6, parseIp6 } from '../../../../src/base/addr.js';
import type { PacketCtx } from '../../../../src/netfilter/pred.js';
import type { TargetAct } from '../../../../src/netfilter/xtables/extension.js';
import { SNPT } from '../../../../src/netfilter/xtables/target/NPT.js';
import { buildIp6, buildUdp } from '../../../../src/packet/build.js';
import { ETH_P_IPV6, IPPROTO, Skb } from '../../../../src/packet/skb.js';
import { transportChecksumBad } from '../../../../src/packet/verify.js';

const rows: readonly (readonly [string, string, string, string])[] = [
  ['2001:db8:1::/48', 'fd00:abcd:1::/48', '2001:db8:1::5', 'fd00:abcd:1:84ea::5'],
  ['2001:db8:1::/48', 'fd00:abcd:1::/48', '2001:db8:1:0:1234:5678:9abc:def0', 'fd00:abcd:1:84ea:1234:5678:9abc:def0'],
  ['2001:db8:1::/48', 'fd00:abcd:1::/48', '2001:db8:1:ffff:ffff:ffff:ffff:1', 'fd00:abcd:1:84ea:ffff:ffff:ffff:1'],
  ['2001:db8:1::/64', 'fd00:abcd:1:77::/64', '2001:db8:1::5', 'fd00:abcd:1:77:8473::5'],
  ['2001:db8:1::/64', 'fd00:abcd:1:77::/64', '2001:db8:1:0:1234:5678:9abc:def0', 'fd00:abcd:1:77:96a7:5678:9abc:def0'],
  ['2001:db8:1::/64', 'fd00:abcd:1:77::/64', '2001:db8:1:ffff:ffff:ffff:ffff:1', 'fd00:abcd:1:77:ffff:ffff:ffff:8474'],
  ['2001:db8:1::/56', 'fd00:abcd:1:7700::/56', '2001:db8:1::5', 'fd00:abcd:1:7700:dea::5'],
  ['2001:db8::/32', 'fd00:abcd::/32', '2001:db8:1:0:1234:5678:9abc:def0', 'fd00:abcd:1:84ea:1234:5678:9abc:def0'],
];

describe('SNPT', () => {
  it.each(rows)('%s > %s: %s becomes %s', (from, to, source, wanted) => {
    const ctx = { family: 'ipv6' as const, table: 'mangle', proto: 0, protoInverted: false };
    const data = SNPT.parse(
      [
        { name: 'src-pfx', value: from, invert: false },
        { name: 'dst-pfx', value: to, invert: false },
      ],
      ctx,
    );
    const src = parseIp6(source)!;
    const dst = parseIp6('2001:db8:2::9')!;
    const payload = buildUdp({ sport: 7, dport: 9, payload: new Uint8Array([1, 2, 3, 4]) }, src, dst);
    const skb = new Skb(1, { kind: 'sent', of: null }, buildIp6({ src, dst, proto: IPPROTO.UDP, payload }), ETH_P_IPV6);
    expect((SNPT.lower(data, ctx) as TargetAct)({ skb } as PacketCtx)).toBe('CONTINUE');
    expect(formatIp6(skb.saddr as string)).toBe(wanted);
    expect(transportChecksumBad(skb)).toBe(false);
  });
});
