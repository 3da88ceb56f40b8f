/** What a node remembers of other hosts to limit what it tells them (struct inet_peer; ip_rt_send_redirect() and ip_error() in net/ipv4/route.c). */
import type { Addr } from '../base/addr.js';

interface Peer {
  tokens: number;
  /** Virtual ms. */
  last: number;
  redirects: number;
  /** ip_error() has just taken a token: the ICMP that follows stands in the same instant. */
  answering: boolean;
}

/** A new peer looks as if it had been silent for a minute. */
const NEW_PEER_AGE = 60_000;
const ERROR_COST = 1000;
const ERROR_BURST = 5000;
const BURST_FACTOR = 6;
/** Redirects of IPv6: one in so many ms, on average. */
export const REDIRECT_INTERVAL = 1000;
const REDIRECT_LOAD = 20;
const REDIRECT_NUMBER = 9;
const REDIRECT_SILENCE = 20 * 1024;

export class InetPeers {
  readonly #peers = new Map<Addr, Peer>();

  #get(to: Addr, now: number): Peer {
    let p = this.#peers.get(to);
    if (!p) {
      p = { tokens: 0, last: now - NEW_PEER_AGE, redirects: 0, answering: false };
      this.#peers.set(to, p);
    }
    return p;
  }

  /** May a redirect be sent to this source now? Counts it as sent. Intervals double. */
  redirect(to: Addr, now: number): boolean {
    const p = this.#get(to, now);
    if (now > p.last + REDIRECT_SILENCE) {
      p.tokens = 0;
      p.redirects = 0;
    }
    if (p.redirects >= REDIRECT_NUMBER) {
      p.last = now;
      return false;
    }
    if (p.redirects > 0 && now <= p.last + REDIRECT_LOAD * 2 ** p.redirects) return false;
    p.last = now;
    p.redirects++;
    return true;
  }

  /** May ip_error() answer this source now? It shares the bucket with redirects: after a redirect, errors wait a second. */
  error(to: Addr, now: number): boolean {
    const p = this.#get(to, now);
    p.tokens = Math.min(ERROR_BURST, p.tokens + now - p.last);
    p.last = now;
    p.answering = p.tokens >= ERROR_COST;
    if (p.answering) p.tokens -= ERROR_COST;
    return p.answering;
  }

  /**
   * inet_peer_xrlim_allow(): may an ICMP of a rate-limited type go to `to`? `interval` is icmp_ratelimit in ms; with 0 all may, but the bucket that
   * ip_error() shares is emptied by it. Two packets are never in the same instant, whatever the virtual clock says.
   */
  icmp(to: Addr, now: number, interval: number): boolean {
    const p = this.#get(to, now);
    if (!p.answering) {
      p.tokens = Math.min(BURST_FACTOR * interval, p.tokens + now - p.last);
      p.last = now;
    }
    p.answering = false;
    if (p.tokens < interval) return false;
    p.tokens -= interval;
    return true;
  }
}
