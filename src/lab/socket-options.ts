/** Socket options that Node has no word for, set by perl on the very socket, which it inherits. */
import { spawnSync } from 'node:child_process';
import { getSystemErrorName } from 'node:util';
import type { LocalStep } from '../harness/conformance/corpus.js';

type Option = readonly [level: number, name: number, value: number | string];

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;
const [IPPROTO_IP, IPPROTO_IPV6] = [0, 41];
const [IP_TOS, IP_TTL, IP_MULTICAST_TTL, IP_MTU_DISCOVER, IP_PMTUDISC_DO] = [1, 2, 33, 10, 2];
const [IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS, IPV6_TCLASS] = [16, 18, 67];

/** Arguments in threes: level, option, value; a number is an int, anything else text. */
const SCRIPT =
  'open(S, "+<&=", 3) or die "$!\\n"; while (my ($l, $n, $v) = splice(@ARGV, 0, 3)) { setsockopt(S, $l, $n, $v =~ /^-?\\d+$/ ? pack("i", $v) : $v) or die "$!\\n" }';

/** Mark, device, TOS and TTL of a step; empty where it asks for none. */
export function socketOptions(s: LocalStep): Option[] {
  const v6 = s.dst.includes(':');
  return [
    ...(s.mark === undefined ? [] : [[SOL_SOCKET, SO_MARK, s.mark | 0] as const]),
    ...(s.device === undefined ? [] : [[SOL_SOCKET, SO_BINDTODEVICE, s.device] as const]),
    ...(s.tos === undefined ? [] : [v6 ? ([IPPROTO_IPV6, IPV6_TCLASS, s.tos] as const) : ([IPPROTO_IP, IP_TOS, s.tos] as const)]),
    // As ping does: to a group as well.
    ...(s.ttl === undefined
      ? []
      : v6
        ? ([
            [IPPROTO_IPV6, IPV6_UNICAST_HOPS, s.ttl],
            [IPPROTO_IPV6, IPV6_MULTICAST_HOPS, s.ttl],
          ] as const)
        : ([
            [IPPROTO_IP, IP_TTL, s.ttl],
            [IPPROTO_IP, IP_MULTICAST_TTL, s.ttl],
          ] as const)),
    ...(s.df && !v6 ? [[IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO] as const] : []),
  ];
}

/** Null, or what was said against it. `fd`: the socket's. */
export function setSocketOptions(fd: number, options: readonly Option[]): string | null {
  if (options.length === 0) return null;
  const r = spawnSync('perl', ['-e', SCRIPT, ...options.flat().map(String)], { stdio: ['ignore', 'ignore', 'pipe', fd], encoding: 'utf8' });
  return r.status === 0 ? null : `perl: ${r.error?.message ?? r.stderr.trim()}`;
}

/** What SO_ERROR says, an error of an IPv6 connection in the making included, which wakes no poller; null = none. Asking takes it away. */
export function pendingError(fd: number): string | null {
  const script = 'open(S, "+<&=", 3) or die "$!\\n"; print unpack("i", getsockopt(S, 1, 4))';
  const r = spawnSync('perl', ['-e', script], { stdio: ['ignore', 'pipe', 'ignore', fd], encoding: 'utf8' });
  const errno = Number(r.stdout);
  return r.status === 0 && errno > 0 ? getSystemErrorName(-errno) : null;
}
