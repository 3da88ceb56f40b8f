/** The sockets of a scenario's node: those it declares, and those that its packets open. What they receive becomes 'deliver' events. */
import type { Addr, Family } from '../../base/addr.js';
import { familyOf } from '../../base/addr.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { packetView } from '../../packet/view.js';
import type { NodeRun } from '../node-run.js';
import { icmp6Send } from '../stages/icmp6-send.js';
import type { SocketOptions, TcpSock, UdpSock } from './sock.js';
import { Sockets } from './sockets.js';

const ECHOREPLY = 0;
const ECHOREPLY6 = 129;

export const plainSocket = (id: string, family: Family, addr: Addr, port: number): SocketOptions => ({
  id,
  family,
  addr,
  port,
  uid: 0,
  boundDev: null,
  mark: 0,
  tos: 0,
  broadcast: false,
  transparent: false,
});

export class ScenarioSockets extends Sockets {
  readonly #pings = new Map<number, string>();
  /** errno of a connection that failed, by socket id. */
  readonly failures = new Map<string, number>();
  readonly established = new Set<string>();
  /** Ids of UDP sockets whose program sends every datagram back. */
  readonly #echoing = new Set<string>();

  constructor(readonly node: NodeRun) {
    super(
      node,
      {
        isn: () => node.choose.below(0xffffffff, 'isn'),
        accepted() {},
        connected: (s: TcpSock) => this.established.add(s.id),
        received() {},
        ended() {},
        failed: (s: TcpSock, errno: number) => this.failures.set(s.id, errno),
        datagram() {},
      },
      icmp6Send,
    );
    for (const s of node.given.sockets) {
      const o: SocketOptions = {
        ...plainSocket(s.id, familyOf(s.addr), s.addr, s.port),
        uid: s.uid,
        transparent: s.transparent,
        boundDev: s.dev === null ? null : (node.device(s.dev) ?? null),
      };
      if (s.proto === 'udp' && s.echo) this.#echoing.add(s.id);
      if (s.proto === 'tcp') this.listen(o);
      else this.bindUdp(o);
    }
  }

  /** ping(8) waits for replies with this id. */
  awaitPing(id: number, socket: string): void {
    this.#pings.set(id, socket);
  }

  /** An unbound server answers with the address that its route chooses, not with the one it was asked at. */
  override datagram(s: UdpSock, data: Uint8Array, skb: Skb, sport: number): void {
    if (this.#echoing.has(s.id)) this.udp.send(s, skb.saddr, sport, data, { kind: 'reply', of: skb.id }, this.inputDev(skb));
  }

  override rawDeliver(skb?: Skb, proto?: number): boolean {
    if (!skb || (proto !== IPPROTO.ICMP && proto !== IPPROTO.ICMPV6)) return false;
    return this.#ping(skb, proto === IPPROTO.ICMP ? ECHOREPLY : ECHOREPLY6);
  }

  #ping(skb: Skb, type: number): boolean {
    const th = skb.thoff;
    if (skb.data.length < th + 8 || skb.u8(th) !== type) return false;
    const socket = this.#pings.get(skb.u16(th + 4));
    if (socket === undefined) return false;
    this.node.tell(skb, { t: 'deliver', socket, what: 'echo reply', view: packetView(skb) });
    return true;
  }
}

export const scenarioSockets = (n: NodeRun): ScenarioSockets => new ScenarioSockets(n);
