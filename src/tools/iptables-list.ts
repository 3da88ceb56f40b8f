/** `iptables -L` and `-S` of one table (iptables 1.8.9, iptables/iptables.c print_firewall(), print_header(), list_rules()). */
import { type Addr, andAddr, type Family, formatAddr, maskToPrefix } from '../base/addr.js';
import { splitShellWords } from '../base/shell-words.js';
import { protocolName } from '../base/well-known.js';
import type { Command } from '../netfilter/xtables/command-types.js';
import { ruleContext } from '../netfilter/xtables/compile.js';
import type { AddrMatch, IfaceMatch, Rule, XtChain, XtCounters, XtTable } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import { matchTexts, type SavedOption, targetTexts } from './list-text.js';

interface Format {
  readonly family: Family;
  readonly table: string;
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** Letters of grouped short options as well: `-nvL`. */
function formatOf(words: readonly string[], family: Family, table: string): Format {
  const letter = (l: string): boolean => words.some((w) => /^-[a-zA-Z]+$/.test(w) && w.includes(l));
  const long = (name: string): boolean => words.some((w) => w.startsWith('--') && w.length > 4 && `--${name}`.startsWith(w));
  return {
    family,
    table,
    numeric: letter('n') || long('numeric'),
    verbose: letter('v') || long('verbose'),
    exact: letter('x') || long('exact'),
    lineNumbers: long('line-numbers') || letter('0'),
  };
}

/** xtables_print_num(). */
function count(n: number, exact: boolean): string {
  if (exact) return `${String(n).padStart(8)} `;
  if (n <= 99999) return `${String(n).padStart(5)} `;
  let v = n;
  for (const unit of ['K', 'M', 'G', 'T']) {
    v = Math.floor((v + 500) / 1000);
    if (v <= 9999 || unit === 'T') return `${String(v).padStart(4)}${unit} `;
  }
  return '';
}

function header(c: XtChain, table: XtTable, f: Format): string {
  const policy = (): string => {
    if (!f.verbose) return `policy ${c.policy}`;
    return `policy ${c.policy} ${count(c.counters.packets, f.exact).trim()} packets, ${count(c.counters.bytes, f.exact).trim()} bytes`;
  };
  let out = `Chain ${c.name} (${c.policy === null ? `${references(table, c.name)} references` : policy()})\n`;
  if (f.lineNumbers) out += 'num  ';
  if (f.verbose) out += f.exact ? '    pkts      bytes ' : ' pkts bytes ';
  return `${out}target     prot opt ${f.verbose ? 'in     out     ' : ''}source               destination         \n`;
}

function references(table: XtTable, name: string): number {
  let n = 0;
  for (const c of table.chains) for (let i = 0; i < c.rules.length; i++) if (c.rules.jumpOf(i) === name) n++;
  return n;
}

function targetName(r: Rule): string {
  const t = r.target;
  switch (t.kind) {
    case 'none':
      return '';
    case 'verdict':
      return t.verdict;
    case 'jump':
    case 'goto':
      return t.chain;
    case 'extension':
      return t.def.name === 'NOTRACK' ? 'CT' : t.def.name;
    case 'unknown':
      return t.name;
  }
}

const LOOPBACK = 0x7f000001;
const LOOPBACK_NET = 0x7f000000;
/** What /etc/hosts and /etc/networks of every Debian know. */
const nameOf = (a: Addr, whole: boolean): string => (whole && a === LOOPBACK ? 'localhost' : !whole && a === LOOPBACK_NET ? 'loopback' : formatAddr(a));

function address(a: AddrMatch | null, f: Format): string {
  const any = f.numeric ? (f.family === 'ipv4' ? '0.0.0.0/0' : '::/0') : 'anywhere';
  if (a === null) return ` ${any.padEnd(19)} `;
  const len = maskToPrefix(a.mask);
  const full = f.family === 'ipv4' ? 32 : 128;
  const addr = len >= 0 ? a.addr : andAddr(a.addr, a.mask);
  const host = f.numeric ? formatAddr(addr) : nameOf(addr, len === full);
  const text = len === 0 && !a.invert ? any : len === full ? host : `${host}/${len >= 0 ? len : formatAddr(a.mask)}`;
  return `${a.invert ? '!' : ' '}${text.padEnd(19)} `;
}

function iface(m: IfaceMatch | null, f: Format): string {
  const text = m === null || m.name === '' ? (f.numeric ? '*' : 'any') : `${m.invert ? '!' : ''}${m.name}`;
  return `${text.padEnd(6)} `;
}

function protocol(r: Rule, f: Format): string {
  const n = r.proto?.value ?? 0;
  const text = f.numeric ? String(n) : n === 0 ? 'all' : (protocolName(n) ?? String(n));
  return `${r.proto?.invert ? '!' : ' '}${text.padEnd(4)} `;
}

/** What an extension saves, as options. */
function optionsOf(saved: string): SavedOption[] {
  const out: { name: string; invert: boolean; values: string[] }[] = [];
  let invert = false;
  for (const w of splitShellWords(saved) ?? []) {
    if (w === '!') invert = true;
    else if (w.startsWith('--')) {
      out.push({ name: w.slice(2), invert, values: [] });
      invert = false;
    } else out.at(-1)?.values.push(w);
  }
  return out;
}

function extensions(r: Rule, f: Format): string {
  const rc = ruleContext(f.family, f.table, r);
  let out = '';
  for (const m of r.matches) {
    if (m.def === null) {
      out += ` ${m.name}${m.text}`;
      continue;
    }
    const saved = m.def.print(m.data, rc);
    out += matchTexts.get(m.def.name)?.(optionsOf(saved), f.numeric) ?? ` ${m.def.name}${saved}`;
  }
  const t = r.target;
  if (t.kind === 'unknown') return `${out} ${t.name}${t.text}`;
  if (t.kind !== 'extension') return out;
  const saved = t.def.print(t.data, rc);
  return out + (targetTexts.get(t.def.name)?.(optionsOf(saved), f.numeric) ?? ` ${t.def.name}${saved}`);
}

function ruleLine(r: Rule, num: number, f: Format): string {
  let out = f.lineNumbers ? `${String(num).padEnd(4)} ` : '';
  if (f.verbose) out += count(r.counters.packets, f.exact) + count(r.counters.bytes, f.exact);
  out += `${targetName(r).padEnd(9)} ${protocol(r, f)}`;
  const fragment = r.fragment ? `${r.fragment.invert ? '!' : '-'}f` : '--';
  out += `${fragment} `;
  if (f.verbose) out += ` ${iface(r.in, f)}${iface(r.out, f)}`;
  out += address(r.src, f) + address(r.dst, f);
  if (r.target.kind === 'goto') out += '[goto] ';
  return `${out}${extensions(r, f)}\n`;
}

const byCodeUnits = (a: XtChain, b: XtChain): number => (a.name < b.name ? -1 : 1);

/** `-L [CHAIN [N]]` and `-S [CHAIN [N]]`; null where the chain does not exist. */
export function listTable(table: XtTable, family: Family, cmd: Command, words: readonly string[]): string | null {
  const ordered = [...table.chains.filter((c) => c.policy !== null), ...table.chains.filter((c) => c.policy === null).sort(byCodeUnits)];
  const chains = cmd.chain === null ? ordered : ordered.filter((c) => c.name === cmd.chain);
  if (chains.length === 0) return null;
  const f = formatOf(words, family, table.name);
  return cmd.letter === 'L' ? listed(chains, table, cmd, f) : spelledOut(chains, table, cmd, f);
}

function listed(chains: readonly XtChain[], table: XtTable, cmd: Command, f: Format): string {
  if (cmd.number !== null) {
    const c = chains[0];
    return cmd.number > c.rules.length ? '' : ruleLine(c.rules.at(cmd.number - 1), cmd.number, f);
  }
  return chains.map((c) => header(c, table, f) + Array.from({ length: c.rules.length }, (_, i) => ruleLine(c.rules.at(i), i + 1, f)).join('')).join('\n');
}

const counters = (c: XtCounters, f: Format): string => (f.verbose ? ` -c ${c.packets} ${c.bytes}` : '');

function spelledOut(chains: readonly XtChain[], table: XtTable, cmd: Command, f: Format): string {
  const ctx = { family: f.family, table: table.name };
  const line = (c: XtChain, i: number): string => {
    const r = c.rules.at(i);
    const text = printRule(c.name, r, ctx);
    if (!f.verbose) return `${text}\n`;
    // Counters stand in front of the target.
    const jump = r.target.kind === 'none' ? text.length : text.lastIndexOf(r.target.kind === 'goto' ? ' -g ' : ' -j ');
    return `${text.slice(0, jump)}${counters(r.counters, f)}${text.slice(jump)}\n`;
  };
  if (cmd.number !== null) return cmd.number > chains[0].rules.length ? '' : line(chains[0], cmd.number - 1);
  let out = '';
  for (const c of chains) out += c.policy === null ? `-N ${c.name}\n` : `-P ${c.name} ${c.policy}${counters(c.counters, f)}\n`;
  for (const c of chains) for (let i = 0; i < c.rules.length; i++) out += line(c, i);
  return out;
}
