/**
 * A process in a node's namespace that owns its sockets: one JSON request a line on standard input, one JSON answer a line on standard output.
 * Run as `ip netns exec NAME node socket-agent.js`; nothing imports it.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, isIPv6, type Server, type Socket as TcpSocket } from 'node:net';
import { createInterface } from 'node:readline';
import type { CorpusSocket, Delivery, LocalStep, StepResult } from '../harness/conformance/corpus.js';
import { pendingError, setSocketOptions, socketOptions } from './socket-options.js';

export type AgentRequest =
  /** `echo`: sends every datagram back. */
  | { readonly op: 'listen'; readonly sockets: readonly (CorpusSocket & { readonly echo?: boolean })[] }
  /** A whole conversation: connect, each text as one write, close if asked. Answers when it is over or has stalled. */
  | { readonly op: 'converse'; readonly id: string; readonly step: LocalStep; readonly send: readonly string[]; readonly close: boolean }
  | { readonly op: 'send'; readonly id: string; readonly step: LocalStep }
  | { readonly op: 'sock_send'; readonly socket: string; readonly payload: string }
  | { readonly op: 'sock_close'; readonly socket: string }
  | { readonly op: 'poll' }
  | { readonly op: 'reset' };

interface Entry {
  readonly id: string;
  udp: UdpSocket | null;
  server: Server | null;
  /** The connection: the one opened, or the last accepted. */
  tcp: TcpSocket | null;
  peer: { readonly addr: string; readonly port: number } | null;
  events: Delivery[];
  error: string | null;
  readonly children: TcpSocket[];
}

const entries: Entry[] = [];
const hex = (b: Buffer): string => b.toString('hex');
/** Node writes the device behind a link-local address. */
const unscoped = (a: string): string => a.replace(/%.*$/, '');
const codeOf = (e: unknown): string => (e as NodeJS.ErrnoException).code ?? String(e);

function entry(id: string): Entry {
  const e: Entry = { id, udp: null, server: null, tcp: null, peer: null, events: [], error: null, children: [] };
  entries.push(e);
  return e;
}

/** Sockets made inside belong to that user: the kernel takes the owner from the effective uid. */
async function as<T>(uid: number, work: () => Promise<T>): Promise<T> {
  if (uid === 0) return work();
  process.seteuid?.(uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function bindUdp(e: Entry, addr: string, port: number, uid = 0): Promise<string | null> {
  return as(
    uid,
    () =>
      new Promise((resolve) => {
        const s = createSocket({ type: isIPv6(addr) ? 'udp6' : 'udp4', ipv6Only: isIPv6(addr) });
        e.udp = s;
        s.once('error', (err) => resolve(`bind:${codeOf(err)}`));
        s.on('error', () => {});
        s.on('message', (data, from) => {
          if (e.id.startsWith('srv')) e.peer = { addr: from.address, port: from.port };
          e.events.push({ socket: e.id, event: 'data', data: hex(data), from: [unscoped(from.address), from.port] });
        });
        s.bind(port, addr, () => resolve(null));
      }),
  );
}

function attach(e: Entry, s: TcpSocket): void {
  e.tcp = s;
  e.children.push(s);
  s.on('data', (d) => e.events.push({ socket: e.id, event: 'data', data: hex(d) }));
  s.on('end', () => e.events.push({ socket: e.id, event: 'eof' }));
  s.on('error', (err) => {
    e.error = codeOf(err);
  });
}

function listenTcp(e: Entry, addr: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    e.server = createServer({ allowHalfOpen: true }, (s) => {
      e.events.push({
        socket: e.id,
        event: 'accept',
        from: [unscoped(s.remoteAddress ?? ''), s.remotePort ?? 0],
        to: [unscoped(s.localAddress ?? ''), s.localPort ?? 0],
      });
      attach(e, s);
    });
    e.server.once('error', (err) => resolve(`bind:${codeOf(err)}`));
    e.server.listen({ host: addr, port, backlog: 16, ipv6Only: isIPv6(addr) }, () => resolve(null));
  });
}

async function listen(sockets: readonly (CorpusSocket & { readonly echo?: boolean })[]): Promise<string | null> {
  for (const s of sockets) {
    const e = entry(s.id);
    const failed = s.proto === 'udp' ? await bindUdp(e, s.addr, s.port) : await listenTcp(e, s.addr, s.port);
    if (failed !== null) return `${s.id}: ${failed}`;
    if (s.echo) e.udp?.on('message', (data, from) => e.udp?.send(data, from.port, from.address));
  }
  return null;
}

const anyOf = (dst: string): string => (isIPv6(dst) ? '::' : '0.0.0.0');

async function sendUdp(id: string, s: LocalStep): Promise<StepResult> {
  const e = entry(id);
  const failed = await bindUdp(e, s.src ?? anyOf(s.dst), s.sport ?? 0, s.uid ?? 0);
  e.peer = { addr: s.dst, port: s.dport ?? 0 };
  if (failed === null && s.broadcast) e.udp?.setBroadcast(true);
  const refused = failed ?? setSocketOptions(descriptor(e.udp), socketOptions(s));
  const error = refused ?? (await transmit(e.udp, Buffer.from(s.payload ?? '', 'hex'), e.peer));
  if (error === null) return { ok: true, socket: id };
  drop(e);
  return { error };
}

/** The descriptor of a socket: Node keeps it to itself. */
const descriptor = (s: UdpSocket | TcpSocket | null): number => (s as unknown as { _handle?: { fd?: number } } | null)?._handle?.fd ?? -1;

function transmit(s: UdpSocket | null, data: Buffer, to: { readonly addr: string; readonly port: number }): Promise<string | null> {
  return new Promise((resolve) => s?.send(data, to.port, to.addr, (err) => resolve(err ? codeOf(err) : null)));
}

function openTcp(id: string, s: LocalStep): Promise<StepResult> {
  const e = entry(id);
  return as(
    s.uid ?? 0,
    () =>
      new Promise((resolve) => {
        let early: string | null = null;
        let settled = false;
        const c = connect({ host: s.dst, port: s.dport ?? 0, localPort: s.sport, localAddress: s.src ?? anyOf(s.dst), allowHalfOpen: true });
        c.on('connect', () => e.events.push({ socket: id, event: 'connected' }));
        // An error of the call itself comes before the loop has polled; a later one is the connection's.
        c.on('error', (err) => {
          const bind = (err as NodeJS.ErrnoException).syscall === 'bind' ? 'bind:' : '';
          if (!settled) early = `${bind}${codeOf(err)}`;
        });
        attach(e, c);
        e.peer = { addr: s.dst, port: s.dport ?? 0 };
        setImmediate(() => {
          settled = true;
          if (early !== null && early !== 'ECONNREFUSED') {
            drop(e);
            resolve({ error: early });
            return;
          }
          const at = c.address() as { address?: string; port?: number };
          resolve({ ok: true, socket: id, getsockname: [at.address ?? '', at.port ?? 0] });
        });
      }),
  );
}

const STEP_MS = 40;
const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

async function converse(id: string, step: LocalStep, send: readonly string[], close: boolean): Promise<StepResult> {
  const r = await openTcp(id, step);
  const c = entries.find((e) => e.id === id)?.tcp;
  if (!r.ok || !c) return r;
  await pause(STEP_MS);
  if (c.connecting || c.destroyed) return r;
  for (const text of send) {
    c.write(text);
    await pause(STEP_MS);
  }
  if (close) c.end();
  await pause(STEP_MS);
  return r;
}

async function sockSend(name: string, payload: string): Promise<StepResult> {
  const e = entries.find((x) => x.id === name);
  if (!e) return { error: 'EBADF' };
  const data = Buffer.from(payload, 'hex');
  if (e.udp) {
    if (!e.peer) return { error: 'EDESTADDRREQ' };
    const error = await transmit(e.udp, data, e.peer);
    return error === null ? { ok: true } : { error };
  }
  if (!e.tcp || e.tcp.destroyed || !e.tcp.writable) return { error: 'EPIPE' };
  e.tcp.write(data);
  return { ok: true };
}

/** udp, or a connection that was never made: closed and forgotten; tcp: the sending side ends (FIN). */
async function sockClose(name: string): Promise<StepResult> {
  const e = entries.find((x) => x.id === name);
  if (!e) return { error: 'EBADF' };
  if (e.udp || e.tcp?.connecting) drop(e);
  else e.tcp?.end();
  await settle();
  return { ok: true };
}

function poll(): Delivery[] {
  const out: Delivery[] = [];
  for (const e of entries) {
    if (e.error === null && e.tcp?.connecting && e.peer !== null && isIPv6(e.peer.addr)) e.error = pendingError(descriptor(e.tcp));
    if (e.error !== null) out.push({ socket: e.id, event: 'error', error: e.error });
    out.push(...e.events);
    e.error = null;
    e.events = [];
  }
  return out;
}

function drop(e: Entry): void {
  e.udp?.close();
  e.server?.close();
  // A reset waits for a connection that is still being made; such a one is just closed.
  for (const c of e.children) c.connecting ? c.destroy() : c.resetAndDestroy();
  entries.splice(entries.indexOf(e), 1);
}

/** Two turns of the loop: what the kernel has for our sockets has been read after them. */
const settle = (): Promise<void> => new Promise((r) => setImmediate(() => setImmediate(() => setImmediate(r))));

async function answer(r: AgentRequest): Promise<unknown> {
  switch (r.op) {
    case 'listen':
      return listen(r.sockets);
    case 'send':
      return r.step.proto === 'tcp' ? openTcp(r.id, r.step) : sendUdp(r.id, r.step);
    case 'converse':
      return converse(r.id, r.step, r.send, r.close);
    case 'sock_send':
      return sockSend(r.socket, r.payload);
    case 'sock_close':
      return sockClose(r.socket);
    case 'poll':
      await settle();
      return poll();
    case 'reset':
      for (const e of [...entries]) drop(e);
      await settle();
      return null;
  }
}

let queue: Promise<void> = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  queue = queue.then(async () => {
    const value = await answer(JSON.parse(line) as AgentRequest).catch((e: unknown) => ({ error: codeOf(e) }));
    process.stdout.write(`${JSON.stringify(value)}\n`);
  });
});
process.stdin.on('end', () => process.exit(0));
process.stdout.write('"ready"\n');
