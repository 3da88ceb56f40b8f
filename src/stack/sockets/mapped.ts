/** Sockets of both families: to ::ffff:a.b.c.d UDP and TCP of IPv6 speak IPv4 (udpv6_sendmsg(), tcp_v6_connect()). */
import { type Addr, ANY4, ANY6, mappedIp4 } from '../../base/addr.js';
import { Inconclusive } from '../inconclusive.js';
import type { SocketOptions } from './sock.js';

/**
 * The socket and the address that a datagram or connection of `o` to `to` is really of. What was set of traffic class and hop limit is IPv6's alone.
 * Throws Inconclusive where the socket is bound to an IPv6 address.
 */
export function spoken(o: SocketOptions, to: Addr): { readonly o: SocketOptions; readonly to: Addr } {
  const inner = mappedIp4(to);
  if (inner === null) return { o, to };
  if (o.addr !== ANY6) throw new Inconclusive('a socket with an IPv6 address that sends to an IPv4-mapped one');
  return { o: { ...o, family: 'ipv4', addr: ANY4, tos: 0, ttl: null, dontFragment: false }, to: inner };
}
