/** What an ICMP error means to a socket: icmp_err_convert[], tab_unreach[]. errno numbers of Linux. */
import type { Family } from '../../base/addr.js';

const ENETUNREACH = 101;
const EHOSTUNREACH = 113;
const EPROTO = 71;
const EMSGSIZE = 90;
const EACCES = 13;
const ECONNREFUSED = 111;

/** By code of "destination unreachable". */
const unreach4 = [
  ENETUNREACH,
  EHOSTUNREACH,
  92,
  ECONNREFUSED,
  EMSGSIZE,
  95,
  ENETUNREACH,
  112,
  64,
  ENETUNREACH,
  EHOSTUNREACH,
  ENETUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
];
const unreach6 = [ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES];

/** errno for an IPv4 ICMP error; 0 where sockets are not told (source quench, redirect, fragmentation needed). */
export function errnoOf(type: number, code: number): number {
  switch (type) {
    case 3:
      return code === 4 ? 0 : (unreach4[code] ?? 0);
    case 11:
      return EHOSTUNREACH;
    case 12:
      return EPROTO;
    default:
      return 0;
  }
}

export function errnoOf6(type: number, code: number): number {
  switch (type) {
    case 1:
      return unreach6[code] ?? EPROTO;
    case 3:
      return EHOSTUNREACH;
    case 4:
      return EPROTO;
    default:
      return 0;
  }
}

/** Does it end a handshake that waits for its last ACK? tcp_v4_err(): parameter problem, time exceeded, no route to net or host; IPv6: what is fatal. */
export function endsRequest(family: Family, type: number, code: number): boolean {
  if (family === 'ipv4') return type === 11 || type === 12 || (type === 3 && code <= 1);
  return type === 4 || (type === 1 && ![0, 2, 3].includes(code));
}

const names: ReadonlyMap<number, string> = new Map([
  [1, 'EPERM'],
  [13, 'EACCES'],
  [22, 'EINVAL'],
  [32, 'EPIPE'],
  [64, 'ENONET'],
  [71, 'EPROTO'],
  [90, 'EMSGSIZE'],
  [92, 'ENOPROTOOPT'],
  [95, 'EOPNOTSUPP'],
  [97, 'EAFNOSUPPORT'],
  [98, 'EADDRINUSE'],
  [99, 'EADDRNOTAVAIL'],
  [100, 'ENETDOWN'],
  [101, 'ENETUNREACH'],
  [104, 'ECONNRESET'],
  [105, 'ENOBUFS'],
  [111, 'ECONNREFUSED'],
  [112, 'EHOSTDOWN'],
  [113, 'EHOSTUNREACH'],
]);
export const errnoName = (errno: number): string => names.get(errno) ?? `E${errno}`;
