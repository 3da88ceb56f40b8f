/** The sockets of a case: listening ones from its state, those that steps open, and what they were given (kernel-corpus/README.md). */
import { type Addr, anyAddr, type Family, formatAddr, mapped, parseAddr } from '../../base/addr.js';
import type { NetDevice } from '../../packet/types.js';
import type { NodeRun } from '../../stack/node-run.js';
import { errnoName } from '../../stack/sockets/icmp-errno.js';
import type { SocketLayer } from '../../stack/sockets/layer.js';
import { spoken } from '../../stack/sockets/mapped.js';
import type { SocketOptions, TcpSock, UdpSock } from '../../stack/sockets/sock.js';
import { type Icmp6Send, type SocketEvents, Sockets } from '../../stack/sockets/sockets.js';
import { icmp6Send } from '../../stack/stages/icmp6-send.js';
import type { World } from '../../stack/world.js';
import type { CaseInput, Delivery, LocalStep, SockCloseStep, SockSendStep, StepResult } from './corpus.js';
import { bytesHex, hexBytes } from './hex.js';
import type { IsnOracle } from './run.js';

export interface CaseSockets {
  readonly make: (n: NodeRun) => SocketLayer;
  /** A step begins: its number, for the ISN oracle. */
  begin(n: number): void;
  local(s: LocalStep | SockSendStep | SockCloseStep, n: NodeRun, world: World): StepResult | undefined;
  takeDeliveries(): readonly Delivery[];
}

export function caseSockets(input: CaseInput, isn: IsnOracle, seen: Set<number>, icmp6: Icmp6Send = icmp6Send): CaseSockets {
  return new CaseSocketTable(input, isn, seen, icmp6);
}

/** A named socket of the case and where `sock_send` on it goes. */
interface Entry {
  readonly id: string;
  readonly sock: TcpSock | UdpSock;
  /** udp: last peer of a listening socket, first destination of a local one. tcp: the last accepted connection, or the socket itself. */
  peer: { readonly addr: Addr; readonly port: number; readonly dev: NetDevice | null } | null;
  conn: TcpSock | null;
  readonly events: Delivery[];
  /** SO_ERROR is read once a step: the last error counts. */
  error: number;
  /** EPIPE of a program that has read to the end: its next write tells. 0 = none. */
  unseen: number;
}

/** Stands for a connection whose number no later input tells. */
const SOME_ISN = 0x1000_0000;
const EPIPE = 32;

class CaseSocketTable implements CaseSockets, SocketEvents {
  readonly #entries: Entry[] = [];
  readonly #byConn = new Map<TcpSock, Entry>();
  #sockets: Sockets | null = null;
  #step = -1;
  #isns = 0;

  constructor(
    readonly input: CaseInput,
    readonly oracle: IsnOracle,
    readonly seen: Set<number>,
    readonly icmp6: Icmp6Send,
  ) {}

  make = (n: NodeRun): SocketLayer => {
    const layer = new Sockets(n, this, this.icmp6);
    this.#sockets = layer;
    for (const s of n.given.sockets) {
      const o: SocketOptions = {
        id: s.id,
        family: typeof s.addr === 'number' ? 'ipv4' : 'ipv6',
        addr: s.addr,
        port: s.port,
        uid: s.uid,
        boundDev: s.dev === null ? null : (n.device(s.dev) ?? null),
        mark: 0,
        tos: 0,
        broadcast: false,
        transparent: s.transparent,
      };
      this.seen.add(s.port);
      this.#add(s.id, s.proto === 'tcp' ? layer.listen(o) : layer.bindUdp(o));
    }
    return layer;
  };

  #add(id: string, sock: TcpSock | UdpSock): Entry {
    const e: Entry = { id, sock, peer: null, conn: null, events: [], error: 0, unseen: 0 };
    this.#entries.push(e);
    if (sock.proto === 6) this.#byConn.set(sock, e);
    return e;
  }

  begin(n: number): void {
    this.#step = n;
  }

  takeDeliveries(): readonly Delivery[] {
    const out: Delivery[] = [];
    for (const e of this.#entries) {
      if (e.error !== 0) out.push({ socket: e.id, event: 'error', error: errnoName(e.error) });
      out.push(...e.events);
      e.error = 0;
      e.events.length = 0;
    }
    // The owner reads all that came before the next step.
    for (const s of this.#byConn.keys()) s.unread = 0;
    return out;
  }

  // --- what a step sends ---

  local(s: LocalStep | SockSendStep | SockCloseStep, n: NodeRun, world: World): StepResult | undefined {
    this.#step = s.n;
    let result: StepResult | undefined;
    world.inProcess = true;
    n.attempt(null, () => {
      if (s.kind === 'sock_close') result = this.#sockClose(s);
      else
        result =
          s.kind === 'sock_send' ? this.#sockSend(s) : s.proto === 'tcp' ? this.#connect(s, n) : s.proto === 'udp' ? this.#sendUdp(s, n) : this.#sendIcmp(s, n);
    });
    world.inProcess = false;
    world.run();
    for (const e of this.#entries) if (e.sock.proto === 6) e.sock.owned = false;
    for (const c of this.#byConn.keys()) c.owned = false;
    return result;
  }

  #options(s: LocalStep, n: NodeRun, id: string): SocketOptions {
    const family: Family = s.dst.includes(':') ? 'ipv6' : 'ipv4';
    const dev: NetDevice | null = s.device === undefined ? null : (n.device(s.device) ?? null);
    const src = s.src === undefined ? null : parseAddr(s.src);
    if (s.sport !== undefined) this.seen.add(s.sport);
    return {
      id,
      family,
      addr: src ?? anyAddr(family),
      port: s.sport ?? 0,
      uid: s.uid ?? 0,
      boundDev: dev,
      mark: s.mark ?? 0,
      tos: s.tos ?? 0,
      broadcast: s.broadcast ?? false,
      transparent: false,
      ttl: s.ttl ?? null,
      dontFragment: s.df ?? false,
    };
  }

  #nextId(): string {
    return `local${this.#entries.length}`;
  }

  #connect(s: LocalStep, n: NodeRun): StepResult {
    const layer = this.#layer();
    const asked = this.#options(s, n, this.#nextId());
    const { o, to } = spoken(asked, parseAddr(s.dst) ?? anyAddr(asked.family));
    const unbound = layer.bindErrno(o);
    if (unbound !== 0) return { error: `bind:${errnoName(unbound)}` };
    const taken = layer.tcp.socks.some(
      (t) =>
        t.state === 'LISTEN' &&
        t.family === o.family &&
        t.port === o.port &&
        (t.addr === o.addr || t.addr === anyAddr(o.family) || o.addr === anyAddr(o.family)),
    );
    if (taken) return { error: 'bind:EADDRINUSE' };
    const sock = layer.tcp.open(o, 'CLOSE');
    sock.owned = true;
    const entry = this.#add(o.id, sock);
    const errno = layer.tcp.connect(sock, to, s.dport ?? 0, s.src !== undefined);
    if (errno !== 0) {
      this.#remove(entry);
      return { error: errnoName(errno) };
    }
    const own = typeof sock.laddr === 'number' && asked.family === 'ipv6' ? mapped(sock.laddr) : sock.laddr;
    return { ok: true, socket: o.id, getsockname: [formatAddr(own), sock.port] };
  }

  #sendUdp(s: LocalStep, n: NodeRun): StepResult {
    const layer = this.#layer();
    const asked = this.#options(s, n, this.#nextId());
    const { o, to } = spoken(asked, parseAddr(s.dst) ?? anyAddr(asked.family));
    const unbound = layer.bindErrno(o);
    if (unbound !== 0) return { error: `bind:${errnoName(unbound)}` };
    const sock = layer.bindUdp(o);
    const entry = this.#add(o.id, sock);
    entry.peer = { addr: to, port: s.dport ?? 0, dev: null };
    const errno = layer.udp.send(sock, to, s.dport ?? 0, hexBytes(s.payload ?? ''));
    if (errno !== 0) {
      layer.udp.close(sock);
      this.#remove(entry);
      return { error: errnoName(errno) };
    }
    return { ok: true, socket: o.id };
  }

  #sendIcmp(s: LocalStep, n: NodeRun): StepResult {
    const o = this.#options(s, n, 'raw');
    const unbound = this.#layer().bindErrno(o);
    if (unbound !== 0) return { error: `bind:${errnoName(unbound)}` };
    const to = parseAddr(s.dst) ?? anyAddr(o.family);
    if (s.echo_id !== undefined) this.seen.add(s.echo_id);
    const message = { type: s.type ?? 8, code: s.code ?? 0, id: s.echo_id ?? 0, seq: s.echo_seq ?? 0, payload: hexBytes(s.payload ?? '') };
    const errno = this.#layer().sendRawIcmp(o, to, message);
    return errno === 0 ? { ok: true } : { error: errnoName(errno) };
  }

  #sockSend(s: SockSendStep): StepResult {
    const layer = this.#layer();
    const e = this.#entries.find((x) => x.id === s.socket);
    const data = hexBytes(s.payload);
    if (!e) return { error: 'EBADF' };
    if (e.sock.proto === 17) {
      if (!e.peer) return { error: 'EDESTADDRREQ' };
      const errno = layer.udp.send(e.sock, e.peer.addr, e.peer.port, data, { kind: 'sent', of: null }, e.peer.dev);
      return errno === 0 ? { ok: true } : { error: errnoName(errno) };
    }
    const c = e.conn ?? e.sock;
    if (e.unseen !== 0) {
      e.error = e.unseen;
      e.unseen = 0;
      return { ok: true };
    }
    if (c.state !== 'ESTABLISHED' && c.state !== 'CLOSE_WAIT') return { error: 'EPIPE' };
    c.owned = true;
    layer.tcp.send(c, data);
    return { ok: true };
  }

  #sockClose(s: SockCloseStep): StepResult {
    const e = this.#entries.find((x) => x.id === s.socket);
    if (!e) return { error: 'EBADF' };
    if (e.sock.proto === 17) this.#layer().udp.close(e.sock);
    else this.#layer().tcp.shutdown(e.conn ?? e.sock);
    return { ok: true };
  }

  #remove(e: Entry): void {
    this.#entries.splice(this.#entries.indexOf(e), 1);
    if (e.sock.proto === 6) this.#byConn.delete(e.sock);
  }

  #layer(): Sockets {
    if (!this.#sockets) throw new Error('netfilter-sim bug: sockets are made with the node');
    return this.#sockets;
  }

  // --- SocketEvents ---

  isn(): number {
    this.#isns++;
    return this.oracle.isnFor(this.#step) ?? (SOME_ISN + 0x10000 * this.#isns) >>> 0;
  }
  accepted(listener: TcpSock, child: TcpSock): void {
    const e = this.#byConn.get(listener);
    if (!e) return;
    this.#byConn.set(child, e);
    e.conn = child;
    e.events.push({ socket: e.id, event: 'accept', from: [formatAddr(child.raddr), child.rport], to: [formatAddr(child.laddr), child.port] });
  }
  connected(s: TcpSock): void {
    this.#byConn.get(s)?.events.push({ socket: s.id, event: 'connected' });
  }
  received(s: TcpSock, data: Uint8Array): void {
    const e = this.#byConn.get(s);
    if (!e) return;
    e.events.push({ socket: e.id, event: 'data', data: bytesHex(data) });
  }
  ended(s: TcpSock): void {
    const e = this.#byConn.get(s);
    e?.events.push({ socket: e.id, event: 'eof' });
  }
  failed(s: TcpSock, errno: number): void {
    const e = this.#byConn.get(s);
    if (!e) return;
    if (errno === EPIPE) e.unseen = errno;
    else e.error = errno;
  }
  datagram(s: UdpSock, data: Uint8Array, from: Addr, sport: number, to: Addr, dev: NetDevice | null): void {
    const e = this.#entries.find((x) => x.sock === s);
    if (!e) return;
    const peer = [formatAddr(from), sport] as const;
    if (e.id.startsWith('srv')) {
      e.peer = { addr: from, port: sport, dev };
      e.events.push({ socket: e.id, event: 'data', data: bytesHex(data), from: peer, to: formatAddr(to), dev: dev?.name ?? '' });
    } else e.events.push({ socket: e.id, event: 'data', data: bytesHex(data), from: peer });
  }
}
