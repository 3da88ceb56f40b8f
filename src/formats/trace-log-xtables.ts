/**
 * `xtables-monitor --trace`: a PACKET line with the packet, then a TRACE line per rule, end of chain (older releases) and policy.
 *
 *     PACKET: 2 d07fcd1f IN=r0 MACSRC=.. SRC=.. DST=.. LEN=.. TOS=0x0 TTL=64 ID=1DF SPORT=.. DPORT=.. SYN
 *     TRACE: 2 d07fcd1f raw:PREROUTING:rule:0x3:CONTINUE  -4 -t raw -A PREROUTING -j TRACE
 *     TRACE: 2 d07fcd1f filter:FORWARD:policy:ACCEPT
 */
import { IPPROTO } from '../packet/skb.js';
import type { LoggedPacket, TraceLogLine } from './trace-log-types.js';
import { readPacketWords } from './trace-log-words.js';

const PACKET = /^\s*PACKET: (2|10) ([0-9a-f]+) (.*)$/;
const TRACE = /^\s*TRACE: (2|10) ([0-9a-f]+) (\w+):(\S+?):(rule|return|policy):(\S*)\s*(.*)$/;
const RETURN = '0xfffffffb';
/** More traces than these are not under way at once. */
const MOST = 4096;

export class XtablesMonitorReader {
  readonly #packets = new Map<string, LoggedPacket>();

  /** undefined: understood, but no trace point; null: no such line; a text: what is wrong. */
  line(text: string, n: number): TraceLogLine | string | null | undefined {
    const p = PACKET.exec(text);
    if (p) return this.#packet(p[2], p[3]);
    const t = TRACE.exec(text);
    return t ? this.#trace(t, text, n) : null;
  }

  #packet(id: string, words: string): string | undefined {
    const packet = readPacketWords(words);
    if (packet === null) return 'it is cut before SRC= and DST=';
    if (this.#packets.size >= MOST) this.#packets.clear();
    this.#packets.set(id, withProtocol(packet));
    return undefined;
  }

  #trace(t: RegExpExecArray, text: string, n: number): TraceLogLine | string {
    const [, , id, table, chain, kind, rest, words] = t;
    const packet = this.#packets.get(id);
    if (!packet) return `the PACKET line of trace ${id} is not in the log`;
    if (kind === 'rule' && !words.includes('-A ')) return 'it is cut before the rule';
    const rule = kind === 'rule' ? /^(0x[0-9a-f]+|\d+):(.*)$/.exec(rest) : null;
    return {
      n,
      text: text.trim(),
      time: null,
      table,
      chain,
      kind: kind as TraceLogLine['kind'],
      num: null,
      handle: rule ? Number(rule[1]) : null,
      rule: /-A .*$/.exec(words)?.[0].trimEnd() ?? null,
      verdict: kind === 'policy' ? rest.toLowerCase() : rule ? verdict(rule[2]) : null,
      traceId: id,
      nftFamily: null,
      mark: null,
      packet,
    };
  }
}

function verdict(v: string): string {
  if (v === RETURN) return 'return';
  const [word, chain] = v.split(':');
  return chain === undefined ? word.toLowerCase() : `${word.toLowerCase()} ${chain}`;
}

/** No protocol is named: flags are TCP's, ports without flags UDP's, no ports ICMP's. */
function withProtocol(p: LoggedPacket): LoggedPacket {
  if (p.proto !== null) return p;
  const proto = p.tcp ? IPPROTO.TCP : p.sport !== null ? IPPROTO.UDP : p.family === 'ipv4' ? IPPROTO.ICMP : IPPROTO.ICMPV6;
  return { ...p, proto, cut: false, len: p.len !== null && p.family === 'ipv6' ? p.len + 20 : p.len };
}
