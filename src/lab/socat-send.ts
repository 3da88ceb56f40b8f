/** Local packets that need a socket option Node has no word for: raw ICMP, SO_MARK, SO_BINDTODEVICE, the TOS. They are sent by socat, which only sends. */
import type { LocalStep, StepResult } from '../harness/conformance/corpus.js';
import { hexBytes } from '../harness/conformance/hex.js';
import { buildIcmp, echoRest } from '../packet/build.js';
import type { Shell } from './shell.js';

export const usesSocat = (s: LocalStep): boolean =>
  s.proto === 'icmp' || s.mark !== undefined || s.device !== undefined || s.tos !== undefined || s.ttl !== undefined || s.df !== undefined;

/** strerror(3) as socat prints it. */
const ERRNO = new Map<string, string>([
  ['Operation not permitted', 'EPERM'],
  ['Invalid argument', 'EINVAL'],
  ['Network is unreachable', 'ENETUNREACH'],
  ['No route to host', 'EHOSTUNREACH'],
  ['Permission denied', 'EACCES'],
  ['Message too long', 'EMSGSIZE'],
  ['Cannot assign requested address', 'bind:EADDRNOTAVAIL'],
  ['Address already in use', 'bind:EADDRINUSE'],
  ['Invalid cross-device link', 'EXDEV'],
  ['Connection refused', 'ECONNREFUSED'],
  ['No buffer space available', 'ENOBUFS'],
  ['Address family not supported by protocol', 'EAFNOSUPPORT'],
]);

const SOL_SOCKET = 1;
const SO_MARK = 36;
const IPPROTO_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DO = 2;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;

export async function sendBySocat(shell: Shell, s: LocalStep, id: string): Promise<StepResult> {
  const v6 = s.dst.includes(':');
  const host = (a: string): string => (v6 && a !== '' ? `[${a}]` : a);
  const options = [
    ...(s.src === undefined && s.sport === undefined ? [] : [`bind=${host(s.src ?? '')}${s.sport === undefined ? '' : `:${s.sport}`}`]),
    ...(s.mark === undefined ? [] : [`setsockopt-int=${SOL_SOCKET}:${SO_MARK}:${s.mark | 0}`]),
    ...(s.device === undefined ? [] : [`so-bindtodevice=${s.device}`]),
    ...(s.tos === undefined ? [] : [v6 ? `ipv6-tclass=${s.tos}` : `ip-tos=${s.tos}`]),
    ...(s.ttl === undefined
      ? []
      : v6
        ? [`ipv6-unicast-hops=${s.ttl}`, `setsockopt-int=${IPPROTO_IPV6}:${IPV6_MULTICAST_HOPS}:${s.ttl}`]
        : [`ip-ttl=${s.ttl}`, `ip-multicast-ttl=${s.ttl}`]),
    ...(s.df ? [`setsockopt-int=${IPPROTO_IP}:${IP_MTU_DISCOVER}:${IP_PMTUDISC_DO}`] : []),
    ...(s.broadcast ? ['broadcast'] : []),
  ];
  const icmp = s.proto === 'icmp';
  const target = icmp ? `IP${v6 ? 6 : 4}-SENDTO:${host(s.dst)}:${v6 ? 58 : 1}` : `UDP${v6 ? 6 : 4}-DATAGRAM:${host(s.dst)}:${s.dport}`;
  const data = icmp
    ? buildIcmp({ type: s.type ?? 8, code: s.code ?? 0, rest: echoRest(s.echo_id ?? 0, s.echo_seq ?? 0), payload: hexBytes(s.payload ?? '') })
    : hexBytes(s.payload ?? '');
  const octal = [...data].map((v) => `\\${v.toString(8).padStart(3, '0')}`).join('');
  const { out, status } = await shell.run(`printf '${octal}' | socat -u STDIN ${[target, ...options].join(',')}`);
  if (status === 0) return { ok: true, ...(icmp ? {} : { socket: id }) };
  const text = /: ([^:\n]+)\n/.exec(`${out.split('\n').find((l) => / E /.test(l)) ?? ''}\n`)?.[1] ?? out.trim();
  return { error: ERRNO.get(text) ?? text };
}
