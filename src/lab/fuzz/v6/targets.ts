/** Random targets of ip6tables, in the tool's own words, over what is evaluated. */
import { PORTS, type World } from '../node.js';
import { only, type Place } from '../place.js';
import type { Rng } from '../rng.js';
import type { SetPool } from '../sets.js';
import { type Row, type Target, targetOf } from '../targets.js';
import { LINK_LOCAL } from './node.js';

export const target = (r: Rng, w: World, sets: SetPool, p: Place, proto: string): Target =>
  targetOf({ nat: natTarget, reject, rejects: 25, mangle: mangleTargets }, r, w, sets, p, proto);

const REASONS = ['no-route', 'adm-prohibited', 'addr-unreachable', 'port-unreachable', 'policy-fail', 'reject-route'] as const;

function reject(r: Rng, proto: string): Target {
  if (proto === 'tcp' && r.chance(50)) return { text: '-j REJECT --reject-with tcp-reset' };
  return { text: `-j REJECT --reject-with icmp6-${r.pick(REASONS)}` };
}

function mangleTargets(r: Rng, w: World, p: Place): Row[] {
  return [
    [6, () => ({ text: `-j HL ${r.pick(['--hl-set 5', '--hl-inc 1', '--hl-dec 1', '--hl-dec 63', '--hl-set 1'])}` })],
    [5, () => ({ text: `-j TOS ${r.pick(['--set-tos 0x10/0x3f', '--and-tos 0x1e', '--or-tos 0x08', '--set-tos 0x08/0xff', '--xor-tos 0x10'])}` })],
    [4, () => ({ text: `-j DSCP --set-dscp ${r.pick(['0x04', '0x02', '0x2e'])}` })],
    [
      3,
      () => ({
        text: `-j TCPMSS ${only(p, 'FORWARD', 'OUTPUT', 'POSTROUTING') && r.chance(50) ? '--clamp-mss-to-pmtu' : '--set-mss 1000'}`,
        proto: 'tcp -m tcp --syn',
      }),
    ],
    [2, () => ({ text: `-j TCPOPTSTRIP --strip-options ${r.pick(['2', '2,3'])}`, proto: 'tcp' })],
    [
      3,
      () => ({
        text: `-j TEE --gateway ${r.chance(20) ? r.pick(LINK_LOCAL) : `${r.pick(w.nets)}::${r.pick(['2', '9'])}`}${r.chance(30) ? ` --oif ${r.pick(w.links).name}` : ''}`,
      }),
    ],
    [2, () => (only(p, 'FORWARD', 'OUTPUT', 'POSTROUTING') ? { text: '-j CLASSIFY --set-class 0001:0010' } : { text: '' })],
    [
      4,
      () =>
        only(p, 'PREROUTING') ? { text: `-j TPROXY --on-port ${r.pick(PORTS)} --on-ip :: --tproxy-mark 0x1/0x1`, proto: r.pick(['tcp', 'udp']) } : { text: '' },
    ],
    [2, () => ({ text: '-j CHECKSUM --checksum-fill', proto: 'udp' })],
    [4, () => prefixTarget(r, w, p)],
  ];
}

/** NPTv6 (RFC 6296). A prefix is taken with no bits behind it only. */
function prefixTarget(r: Rng, w: World, p: Place): Target {
  const name = only(p, 'INPUT', 'POSTROUTING') ? 'SNPT' : only(p, 'PREROUTING', 'OUTPUT') ? 'DNPT' : '';
  if (name === '') return { text: '' };
  const wide = ['2001:db8', 'fd00:5', 'fd00:99'];
  const [from, to] = r.chance(60)
    ? [`${r.pick(w.nets)}::/64`, `${r.pick([...w.nets, 'fd00:99'])}::/64`]
    : [r.pick(wide), r.pick(wide)].map((n) => `${n}::/${r.pick([48, 40])}`);
  return { text: `-j ${name} --src-pfx ${from} --dst-pfx ${to}` };
}

function natTarget(r: Rng, w: World, p: Place, proto: string): Target {
  const ports = proto === 'tcp' || proto === 'udp';
  const pick = (list: readonly string[]): Target => ({ text: `-j ${r.pick(list)}` });
  const to = r.pick(w.addrs);
  if (only(p, 'PREROUTING', 'OUTPUT')) {
    return pick([
      `DNAT --to-destination ${ports && r.chance(50) ? `[${to}]:${r.pick(PORTS)}` : to}`,
      `DNAT --to-destination ${to}`,
      `REDIRECT${ports && r.chance(60) ? ` --to-ports ${r.pick(PORTS)}` : ''}`,
      `NETMAP --to ${r.pick(w.nets)}::/${r.pick([64, 64, 112])}`,
      ...(ports ? [`DNAT --to-destination :${r.pick(PORTS)}`, `DNAT --to-destination [${to}]:3000-3100`] : []),
      'DNAT --to-destination ::1',
    ]);
  }
  return pick([
    `SNAT --to-source ${to}`,
    ...(ports ? [`SNAT --to-source [${to}]:${r.pick(['1024-40001', '5000-50000', '40000-40010'])}`] : []),
    ...(only(p, 'POSTROUTING') ? ['MASQUERADE', 'MASQUERADE', ...(ports ? ['MASQUERADE --to-ports 2000-2100', 'MASQUERADE --random-fully'] : [])] : []),
    `NETMAP --to ${r.pick(w.nets)}::/${r.pick([64, 64, 112])}`,
  ]);
}
