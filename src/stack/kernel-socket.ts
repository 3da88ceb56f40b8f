/** The kernel's own sockets (icmp_sk, icmpv6_sk, ipv4_tcp_sk): what the node itself sends belongs to one. */
import type { Family } from '../base/addr.js';
import type { SkSocket } from '../packet/types.js';

const make = (family: Family, proto: number): SkSocket => ({
  id: 'kernel',
  family,
  proto,
  uid: 0,
  gid: 0,
  groups: [],
  mark: 0,
  priority: 0,
  boundDev: null,
  transparent: false,
  full: false,
  kernel: true,
  cgroupPath: null,
  classid: 0,
});

const ICMP = 1;
const ICMPV6 = 58;
const TCP = 6;
const UDP = 17;
export const icmpSk = make('ipv4', ICMP);
export const icmp6Sk = make('ipv6', ICMPV6);
export const tcpSk = make('ipv4', TCP);
/** That on which VXLAN devices of one port receive (vxlan_socket_create()). */
export const vxlanSk: SkSocket = { ...make('ipv4', UDP), full: true, boundAny: true };
