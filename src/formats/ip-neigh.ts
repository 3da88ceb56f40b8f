/** `ip neigh` as text and as `-j` JSON (ip-neighbour(8); iproute2 ip/ipneigh.c). */
import { familyOf, formatAddr, formatMac, type Mac, parseAddr, parseMac } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { Neigh } from '../link/model.js';
import type { ReadOptions } from './ip-link.js';
import { jsonEntries, looksLikeJson } from './json.js';
import { linesOf, parseWord, Words, wordsOf } from './tokens.js';

/** NUD_* as iproute2 prints them. */
export const neighStates: ReadonlySet<string> = new Set(['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT', 'NONE']);

/** A tunnel's neighbours have an IP address for a link-layer address: no MAC then. */
const lladdr = (t: string): Mac | 'other' | null => parseMac(t) ?? (parseAddr(t) === null ? null : 'other');
const macOf = (m: Mac | 'other' | null): Mac | null => (m === 'other' ? null : m);

export function readIpNeigh(text: string, options: ReadOptions): Parsed<readonly Neigh[]> {
  const reporter = new Reporter(options.file, text);
  const out = looksLikeJson(text) ? readJson(text, reporter) : readText(text, reporter);
  return { value: out, diagnostics: reporter.diagnostics };
}

function readJson(text: string, reporter: Reporter): Neigh[] {
  const out: Neigh[] = [];
  for (const f of jsonEntries(text, reporter)) {
    const dev = f.need('dev');
    if (f.need('dst') === null || dev === null) continue;
    const dst = f.parsed('dst', parseAddr, 'bad-address', 'an IP address');
    if (dst === null) continue;
    const mac = f.parsed('lladdr', lladdr, 'bad-mac', 'a MAC address');
    out.push({ dev, family: familyOf(dst), dst, lladdr: macOf(mac), state: f.strings('state'), proxy: f.has('proxy'), router: f.has('router') });
  }
  return out;
}

function readText(text: string, reporter: Reporter): Neigh[] {
  const out: Neigh[] = [];
  for (const line of linesOf(text)) {
    const words = new Words(wordsOf(line), reporter, line.number);
    const first = words.next();
    if (!first) continue;
    const dst = parseWord(first, reporter, parseAddr, 'bad-address', 'an IP address');
    if (dst === null) continue;
    let dev = '';
    let mac: Mac | 'other' | null = null;
    const state: string[] = [];
    const flags = new Set<string>();
    for (let w = words.next(); w; w = words.next()) {
      if (w.text === 'dev') dev = words.value(w)?.text ?? '';
      else if (w.text === 'lladdr') mac = words.parsed(w, lladdr, 'bad-mac', 'a MAC address');
      else if (neighStates.has(w.text)) state.push(w.text);
      // -s: `ref 1 used 48/43/2 probes 1`, also glued together by some releases.
      else if (w.text === 'ref' || w.text === 'used' || w.text === 'probes' || w.text === 'proto') words.next();
      else if (/^\d+$/.test(w.text)) continue;
      else flags.add(w.text);
    }
    if (dev === '') {
      reporter.error('neigh-no-device', 'this neighbour has no device', line.number, first.column, first.text.length, 'ADDRESS dev DEVICE lladdr MAC STATE');
      continue;
    }
    out.push({ dev, family: familyOf(dst), dst, lladdr: macOf(mac), state, proxy: flags.has('proxy'), router: flags.has('router') });
  }
  return out;
}

/** What `ip neigh show` prints; `dev` leaves the device out, as with `ip neigh show dev DEV`. */
export function writeIpNeigh(neighs: readonly Neigh[], o: { readonly dev?: string } = {}): string {
  let out = '';
  for (const n of neighs) {
    if (o.dev !== undefined && n.dev !== o.dev) continue;
    out += `${formatAddr(n.dst)} `;
    if (o.dev === undefined) out += `dev ${n.dev} `;
    if (n.lladdr !== null) out += `lladdr ${formatMac(n.lladdr)} `;
    if (n.router) out += 'router ';
    if (n.proxy) out += 'proxy ';
    for (const s of n.state) out += `${s} `;
    out += '\n';
  }
  return out;
}

/** What `ip -j neigh show` prints: one line. */
export function writeIpNeighJson(neighs: readonly Neigh[], o: { readonly dev?: string } = {}): string {
  const entries = neighs
    .filter((n) => o.dev === undefined || n.dev === o.dev)
    .map((n) => {
      const e: [string, unknown][] = [['dst', formatAddr(n.dst)]];
      if (o.dev === undefined) e.push(['dev', n.dev]);
      if (n.lladdr !== null) e.push(['lladdr', formatMac(n.lladdr)]);
      if (n.router) e.push(['router', null]);
      if (n.proxy) e.push(['proxy', null]);
      if (n.state.length > 0) e.push(['state', n.state]);
      return Object.fromEntries(e);
    });
  return `${JSON.stringify(entries)}\n`;
}
