/** A node and its packets as the lab builds them: the tools' own lines, so that whatever reads or shrinks a case only has to leave lines out. */
import type { CorpusLink, CorpusSocket, InjectStep, LocalStep, SockSendStep } from '../harness/conformance/corpus.js';
import type { Backend } from './node-state.js';

export interface RuleLine {
  readonly table: string;
  /** `-A CHAIN …`. */
  readonly text: string;
}

export interface ChainLine {
  readonly table: string;
  readonly name: string;
  /** null: a user chain. */
  readonly policy: 'ACCEPT' | 'DROP' | null;
}

/** Answers what an earlier step made the node emit. Without an emission the step is left out. */
export interface FollowStep {
  readonly kind: 'follow';
  readonly n: number;
  readonly of: number;
  /** reply: whom it reached answers as its protocol would; error: a router on the way complains; of TCP also data, the end and a reset. */
  readonly how: 'reply' | 'error' | 'data' | 'fin' | 'rst';
}

export type SpecStep = InjectStep | LocalStep | SockSendStep | FollowStep;

export interface CaseSpec {
  readonly id: string;
  /** Who loads the rules; absent: iptables-legacy. */
  readonly backend?: Backend;
  /** Whose rules, addresses and routes these are; absent: IPv4's; both: IPv6's, and IPv4's stand in `beside`. */
  readonly family?: 'ipv6' | 'both';
  readonly category: string;
  readonly scenario: string;
  readonly tags: readonly string[];
  readonly links: readonly CorpusLink[];
  /** Lines of `ip -force -batch` that make further devices, before there are settings for them; absent: none. */
  readonly devices?: readonly string[];
  /** Lines of `bridge -force -batch`. */
  readonly bridge?: readonly string[];
  readonly ebtables?: readonly RuleLine[];
  /** Lines of `nft -f`, each a command of its own; `rules` are not loaded where there are none. */
  readonly nft?: readonly string[];
  /** They are loaded before `rules`. */
  readonly nftFirst?: boolean;
  /** Lines of `ip -force -batch`. */
  readonly ip: readonly string[];
  /** IPv4's part of a node of both families. */
  readonly ip4?: readonly string[];
  readonly chains4?: readonly ChainLine[];
  readonly rules4?: readonly RuleLine[];
  /** Lines of `ipset restore`. */
  readonly sets: readonly string[];
  readonly chains: readonly ChainLine[];
  readonly rules: readonly RuleLine[];
  /** Path below /proc/sys and value. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  readonly sockets: readonly CorpusSocket[];
  readonly steps: readonly SpecStep[];
}

export const TABLES: readonly (readonly [table: string, chains: readonly string[]])[] = [
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['security', ['INPUT', 'FORWARD', 'OUTPUT']],
];

/** Text for ebtables-restore: both tables, emptied of what was before. */
export function ebtablesText(rules: readonly RuleLine[]): string {
  const table = (name: string, chains: readonly string[]): string =>
    `*${name}\n${chains.map((c) => `:${c} ACCEPT\n`).join('')}${rules.flatMap((r) => (r.table === name ? [`${r.text}\n`] : [])).join('')}`;
  return table('filter', ['INPUT', 'FORWARD', 'OUTPUT']) + table('nat', ['PREROUTING', 'OUTPUT', 'POSTROUTING']);
}

/** Text for iptables-restore: all five tables, so that each is registered and emptied of what was before. Tracing comes first. */
export function restoreText(s: Pick<CaseSpec, 'chains' | 'rules'>): string {
  let out = '';
  for (const [table, builtins] of TABLES) {
    out += `*${table}\n`;
    for (const b of builtins) out += `:${b} ${s.chains.find((c) => c.table === table && c.name === b)?.policy ?? 'ACCEPT'} [0:0]\n`;
    for (const c of s.chains) if (c.table === table && c.policy === null) out += `:${c.name} - [0:0]\n`;
    if (table === 'raw') out += '-A PREROUTING -j TRACE\n-A OUTPUT -j TRACE\n';
    for (const r of s.rules) if (r.table === table) out += `${r.text}\n`;
    out += 'COMMIT\n';
  }
  return out;
}
