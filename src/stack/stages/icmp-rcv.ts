/** icmp_rcv() and its handlers (net/ipv4/icmp.c). */
import { readAddr } from '../../base/addr.js';
import { foldChecksum, sum16 } from '../../packet/checksum.js';
import type { Skb } from '../../packet/skb.js';
import { RTCF_BROADCAST, RTCF_MULTICAST } from '../../packet/types.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpReply, icmpTypes } from './icmp-send.js';

const ECHOREPLY = 0;
const DEST_UNREACH = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const ECHO = 8;
const TIME_EXCEEDED = 11;
const PARAMETERPROB = 12;
const TIMESTAMP = 13;
const EXT_ECHO = 42;
const EXT_ECHOREPLY = 43;

export function icmpRcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const fail = (reason: string, cause: 'bad-checksum' | 'bad-header' | 'icmp-ignored' | 'proto-unknown'): 'gone' => {
    k.count('IcmpInErrors');
    k.drop(skb, reason, 'icmp_rcv', cause, { type: skb.data[skb.nhlen] ?? null });
    return 'gone';
  };
  if (!k.xfrmPolicyCheck(skb, 'in')) {
    k.drop(skb, 'XFRM_POLICY', 'icmp_rcv', 'xfrm-policy', k.xfrmFacts(skb, 'in'));
    return 'gone';
  }
  k.count('IcmpInMsgs');
  const body = skb.data.subarray(skb.nhlen);
  if (foldChecksum(sum16(body, 0, body.length)) !== 0) {
    k.count('IcmpInCsumErrors');
    return fail('ICMP_CSUM', 'bad-checksum');
  }
  if (body.length < 8) return fail('NOT_SPECIFIED', 'bad-header');
  const type = body[0];
  k.count(`IcmpMsgInType${type}`);
  const row = icmpTypes[type];
  if (row) k.count(`IcmpIn${row.name}`);
  if (type === EXT_ECHO) return finish(k, skb, null);
  if (skb.dst!.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
    const query = type === ECHO || type === TIMESTAMP;
    if (query && k.sysctl('net/ipv4/icmp_echo_ignore_broadcasts') !== 0) return fail('INVALID_PROTO', 'icmp-ignored');
    if (!query && type !== 17 && type !== 18) return fail('INVALID_PROTO', 'icmp-ignored');
  }
  if (type === EXT_ECHOREPLY) return finish(k, skb, k.sockets.pingRcv(skb));
  if (type > 18) return fail('UNHANDLED_PROTO', 'proto-unknown');
  return type === ECHO ? echo(k, skb, body) : finish(k, skb, handle(k, skb, type, body));
}

/** icmp_echo(). */
function echo(k: Kernel, skb: Skb, body: Uint8Array): 'gone' {
  if (k.sysctl('net/ipv4/icmp_echo_ignore_all') !== 0) return finish(k, skb, null);
  k.tell(skb, { t: 'consume', why: 'echo-replied', into: null });
  icmpReply(k, skb, ECHOREPLY, u32(body, 4), body.subarray(8));
  return 'gone';
}

function finish(k: Kernel, skb: Skb, reason: string | null): 'gone' {
  if (reason === null) k.tell(skb, { t: 'consume', why: 'handled', into: null });
  else k.drop(skb, reason, 'icmp_rcv', reason === 'NO_SOCKET' ? 'no-socket' : 'icmp-ignored', { type: skb.data[skb.nhlen] });
  return 'gone';
}

/** icmp_pointers[type].handler: null = consumed, otherwise the drop reason. */
function handle(k: Kernel, skb: Skb, type: number, body: Uint8Array): string | null {
  switch (type) {
    case TIMESTAMP:
      return timestamp(k, skb, body);
    case ECHOREPLY:
      return k.sockets.pingRcv(skb);
    case DEST_UNREACH:
    case SOURCE_QUENCH:
    case TIME_EXCEEDED:
    case PARAMETERPROB:
      return unreach(k, skb, type, body);
    case REDIRECT:
      return redirect(k, skb, body);
    default:
      return null;
  }
}

function timestamp(k: Kernel, skb: Skb, body: Uint8Array): string | null {
  if (body.length < 12) {
    k.count('IcmpInErrors');
    return 'PKT_TOO_SMALL';
  }
  const reply = new Uint8Array(12);
  reply.set(body.subarray(8, 12));
  const ms = k.now() % 86_400_000;
  for (const at of [4, 8]) {
    reply[at] = ms >>> 24;
    reply[at + 1] = ms >>> 16;
    reply[at + 2] = ms >>> 8;
    reply[at + 3] = ms;
  }
  icmpReply(k, skb, 14, u32(body, 4), reply);
  return null;
}

/** icmp_unreach(): errors about packets that we may have sent. */
function unreach(k: Kernel, skb: Skb, type: number, body: Uint8Array): string | null {
  const quoted = body.subarray(8);
  const bad = (reason: string): string => {
    k.count('IcmpInErrors');
    return reason;
  };
  if (quoted.length < 20) return bad('NOT_SPECIFIED');
  if ((quoted[0] & 15) < 5) return bad('IP_INHDR');
  const code = body[1];
  let info = 0;
  if (type === DEST_UNREACH) {
    if ((code & 15) === 4) {
      const mode = k.sysctl('net/ipv4/ip_no_pmtu_disc');
      if (mode === 2) return null;
      if (mode === 0 || mode === 3) info = (body[6] << 8) | body[7];
    }
    if (code > 15) return null;
  } else if (type === PARAMETERPROB) info = body[4];
  else if (type === TIME_EXCEEDED && code === 1) return null;
  const to = readAddr(quoted, 16, 'ipv4');
  if (k.sysctl('net/ipv4/icmp_ignore_bogus_error_responses') === 0 && k.addrType('ipv4', to, null) === 'broadcast') return null;
  socketDeliver(k, skb, type, code, info, quoted);
  return null;
}

/** icmp_socket_deliver(): needs the whole quoted header and 8 bytes of the protocol. */
function socketDeliver(k: Kernel, skb: Skb, type: number, code: number, info: number, quoted: Uint8Array): void {
  if (quoted.length < (quoted[0] & 15) * 4 + 8) {
    k.count('IcmpInErrors');
    return;
  }
  k.sockets.icmpError(skb, 'ipv4', type, code, info, quoted);
}

function redirect(k: Kernel, skb: Skb, body: Uint8Array): string | null {
  const quoted = body.subarray(8);
  if (quoted.length < 20) {
    k.count('IcmpInErrors');
    return 'PKT_TOO_SMALL';
  }
  socketDeliver(k, skb, REDIRECT, body[1], u32(body, 4), quoted);
  return null;
}

const u32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
