/** Random matches of ip6tables, in the tool's own words, over what is evaluated. */
import { conntrackMatch, hostMatches, laterMatches, limited, MARKS, port, protoMatch as protoMatch4, setMatch } from '../matches.js';
import type { World } from '../node.js';
import { maybe, only, type Place } from '../place.js';
import type { Rng } from '../rng.js';
import type { SetPool } from '../sets.js';

export function address(r: Rng, w: World): string {
  if (r.chance(55)) return r.pick(w.addrs);
  return r.chance(60)
    ? `${r.pick(w.nets)}::/${r.pick([64, 65, 48, 120])}`
    : r.pick(['fd00::/8', '2000::/3', '::/1', 'ff00::/8', 'ff02::1', 'fe80::/10', '::1', '::', '::2/::f', 'fe80::2']);
}

const TYPES6 = ['128', '129', '1', '1/4', '1/1', '2', '3/0', '4', '4/1', '135', '136', '133', '137', 'echo-request', 'port-unreachable'] as const;

export function protoMatch(r: Rng, proto: string): string {
  if (proto === 'ipv6-icmp') return `-m icmp6 ${maybe(r)}--icmpv6-type ${r.pick(TYPES6)}`;
  if (proto === 'mobility-header') return `-m mh ${maybe(r)}--mh-type ${r.pick(['5', '5:6', 'brr'])}`;
  if (proto === 'dccp') return `-m dccp ${r.pick([`--dport ${port(r)}`, '--dccp-types REQUEST', '! --dccp-types REQUEST,DATA', '--dccp-option 1'])}`;
  return protoMatch4(r, proto);
}

/** The extension headers. */
function headerMatch(r: Rng): string {
  return r.weighed<() => string>([
    [
      5,
      () =>
        `-m ipv6header ${maybe(r)}--header ${r.pick(['hop', 'dst', 'route', 'frag', 'auth', 'esp', 'none', 'prot', 'hop,dst', 'hop,prot', 'dst,prot'])}${r.chance(50) ? ' --soft' : ''}`,
    ],
    [
      4,
      () =>
        `-m frag ${r.pick(['--fragid 0:65535', '! --fragid 1:100', '--fragfirst', '--fragmore', '--fraglast', '--fragfirst --fragmore', '--fragres', '--fragid 28672:32768 --fragmore', '! --fragid 0 --fraglen 8'])}`,
    ],
    [
      4,
      () =>
        `-m rt ${r.pick(['--rt-type 0', '--rt-type 4', '! --rt-type 2', '--rt-segsleft 0', '! --rt-segsleft 1:9', '--rt-len 24', '--rt-type 0 --rt-0-addrs 2001:db8:9::1', '--rt-type 0 --rt-0-addrs 2001:db8:9::1 --rt-0-not-strict', '--rt-type 0 --rt-0-res'])}`,
    ],
    [
      3,
      () =>
        `-m hbh ${r.pick(['--hbh-len 8', '! --hbh-len 8', '--hbh-opts 5:2', '--hbh-opts 1', '--hbh-opts 5:2,0', '--hbh-opts 30:4', '--hbh-len 8 --hbh-opts 1:4'])}`,
    ],
    [3, () => `-m dst ${r.pick(['--dst-len 8', '! --dst-len 16', '--dst-opts 1:4', '--dst-opts 30:4', '--dst-opts 30', '--dst-opts 1:1,30:1'])}`],
    [3, () => `-m ah ${r.pick(['--ahspi 257', '! --ahspi 0:256', '--ahlen 16', '! --ahlen 16', '--ahres', '--ahspi 0:4294967295'])}`],
    [
      2,
      () =>
        `-m srh ${r.pick(['--srh-segs-left-eq 0', '! --srh-segs-left-eq 0', '--srh-next-hdr 6', '--srh-hdr-len-gt 1', '--srh-last-entry-lt 2', '--srh-tag 0', '--srh-nsid 2001:db8:9::1', '--srh-lsid 2001:db8:9::/64', '--srh-psid 2001:db8:9::1'])}`,
    ],
  ])();
}

export function match(r: Rng, w: World, sets: SetPool, p: Place, proto: string): string {
  const before = only(p, 'PREROUTING', 'INPUT', 'FORWARD');
  return r.weighed<() => string>([
    [18, () => conntrackMatch(r, () => address(r, w), 'ipv6-icmp')],
    [4, () => `-m state ${maybe(r)}--state ${r.pick(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'RELATED,ESTABLISHED', 'UNTRACKED'])}`],
    [8, () => `-m mark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [5, () => `-m connmark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [12, () => setMatch(r, sets, before)],
    [9, () => addrtype(r, p)],
    [14, () => headerMatch(r)],
    [4, () => `-m length ${maybe(r)}--length ${r.pick(['48', '0:60', '64', '60:', '49:100', '0'])}`],
    [5, () => `-m hl ${r.pick(['--hl-eq 64', '--hl-lt 64', '--hl-gt 62', '! --hl-eq 63'])}`],
    [3, () => (before ? '-m eui64' : '')],
    [3, () => `-m tos ${maybe(r)}--tos ${r.pick(['0x10', '0x08/0xff', '0x00', '0x10/0x3f'])}`],
    [3, () => `-m dscp ${maybe(r)}--dscp ${r.pick(['0x04', '0x00', '0x02'])}`],
    [2, () => `-m comment --comment ${r.pick(['x', '"two words"'])}`],
    [3, () => `-m pkttype ${maybe(r)}--pkt-type ${r.pick(['unicast', 'broadcast', 'multicast'])}`],
    [4, () => ipRange(r, w)],
    [2, () => `-m statistic --mode nth ${maybe(r)}--every ${r.between(2, 3)} --packet ${r.below(2)}`],
    ...hostMatches(r, p, before),
    ...laterMatches(r, true),
    [2, () => `-m u32 --u32 "${r.pick(['0>>28=6', '3&0xFF=17', '4&0xFFFF=0x8:0x60', '4&0xFF=1:63', '40>>16=80', '8=0x20010db8'])}"`],
    [2, () => (proto === 'tcp' ? '-m tcpmss --mss 500:1500' : '')],
    [2, () => `-m ecn ${r.pick(['--ecn-ip-ect 0', '! --ecn-ip-ect 0', '--ecn-ip-ect 2'])}`],
    [
      2,
      () =>
        proto === 'tcp'
          ? `-m connlimit --connlimit-${r.pick(['above', 'upto'])} ${r.below(3)} --connlimit-mask ${r.pick([128, 64])} --connlimit-${r.pick(['saddr', 'daddr'])}`
          : '',
    ],
    [
      2,
      () =>
        `-m recent ${r.pick(['--set', '--rcheck', '--update', '--remove', '! --rcheck', '--rcheck --hitcount 2'])} --name R --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --${r.pick(['rsource', 'rdest'])}`,
    ],
    [
      2,
      () =>
        `-m string --algo ${r.pick(['bm', 'kmp'])} ${maybe(r)}${r.pick(['--string abc', '--string ab', '--hex-string |6162|'])}${r.chance(25) ? ' --icase' : ''}${r.chance(30) ? ` --from ${r.pick([40, 48, 60])}${r.chance(50) ? ' --to 80' : ''}` : ''}`,
    ],
    [3, () => limited(r, 64)],
    [
      2,
      () =>
        `-m connbytes ${maybe(r)}--connbytes ${r.pick(['1', '2:', '0:1', '100:'])} --connbytes-dir ${r.pick(['original', 'reply', 'both'])} --connbytes-mode ${r.pick(['packets', 'bytes', 'avgpkt'])}`,
    ],
    [1, () => `-m quota ${maybe(r)}--quota ${r.pick([60, 100, 1000])}`],
    [1, () => `-m devgroup ${maybe(r)}--${only(p, 'OUTPUT', 'POSTROUTING') ? 'dst' : 'src'}-group ${r.pick(['0x0', '0x1'])}`],
    [1, () => `-m connlabel ${maybe(r)}--label ${r.pick([1, 2])}${r.chance(50) ? ' --set' : ''}`],
    [2, () => (only(p, 'OUTPUT', 'POSTROUTING') ? '-m policy --dir out --pol none' : only(p, 'PREROUTING', 'INPUT') ? '-m policy --dir in --pol none' : '')],
    [1, () => `-m helper ${maybe(r)}--helper ftp`],
    [1, () => `-m physdev ${r.pick(['--physdev-is-bridged', '! --physdev-is-bridged'])}`],
  ])();
}

function ipRange(r: Rng, w: World): string {
  const net = r.pick(w.nets);
  return `-m iprange ${maybe(r)}--${r.pick(['src', 'dst'])}-range ${net}::1-${net}::${r.pick(['9', '4d', 'ffff'])}`;
}

const TYPES = ['LOCAL', 'UNICAST', 'MULTICAST', 'ANYCAST', 'UNREACHABLE', 'UNSPEC', 'LOCAL,ANYCAST', 'UNICAST,LOCAL'] as const;

function addrtype(r: Rng, p: Place): string {
  const limit = r.chance(15) ? (only(p, 'PREROUTING', 'INPUT') ? ' --limit-iface-in' : only(p, 'OUTPUT', 'POSTROUTING') ? ' --limit-iface-out' : '') : '';
  return `-m addrtype ${maybe(r)}--${r.pick(['src', 'dst', 'dst'])}-type ${r.pick(TYPES)}${limit}`;
}
