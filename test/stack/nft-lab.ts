/** Scenarios run in tests of iptables-nft: from a file beside them, or a router between two hosts with rules of the test's own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadScenario, parseScenario } from '../../src/scenario/load.js';
import type { FileSource } from '../../src/scenario/model.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import type { Event, EventOf } from '../../src/trace/event.js';

const files: FileSource = {
  read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null),
  list: (path) => (existsSync(path) ? readdirSync(path) : null),
};
const commands = { execute };

export const recordedDir = new URL('nft-recorded/', import.meta.url).pathname;

export function runFile(name: string): ScenarioRun {
  const r = loadScenario(`${recordedDir}${name}`, files);
  if (!r.value) throw new Error(r.diagnostics.map((d) => d.message).join('\n'));
  return runScenario(r.value, commands);
}

const indent = (text: string): string => text.replace(/^/gm, '      ');

export interface Rules {
  readonly nft?: string;
  readonly legacy?: string;
  /** `nft -a list ruleset`. */
  readonly listing?: string;
  /** Commands on the router before the packet. */
  readonly commands?: readonly string[];
  readonly backend?: 'nft';
}

/** One UDP packet 10.1.0.2:1000 > 10.2.0.2:53 through a router with these rules. */
export function routed(rules: Rules, packet = '{ to: 10.2.0.2:53, sport: 1000 }'): readonly Event[] {
  const part = (key: string, text: string | undefined): string => (text === undefined ? '' : `    ${key}: |\n${indent(text)}\n`);
  const text = `version: 1
name: routed
nodes:
  a: { address: 10.1.0.2/24, gateway: 10.1.0.1 }
  b: { address: 10.2.0.2/24, gateway: 10.2.0.1, listen: [udp/53] }
  r:
    addresses: { r0: 10.1.0.1/24, r1: 10.2.0.1/24 }
    sysctl: { net.ipv4.ip_forward: 1 }
${rules.backend ? `    backend: ${rules.backend}\n` : ''}${part('iptables', rules.legacy)}${part('iptables-nft', rules.nft)}${part('nft', rules.listing)}
wires:
  - [a:eth0, r:r0]
  - [b:eth0, r:r1]
packets:
  - { name: p, from: a, udp: ${packet}, do: [${(rules.commands ?? []).map((c) => JSON.stringify(`r: ${c}`)).join(', ')}] }
`;
  const r = parseScenario(text, 'routed', files);
  if (!r.value) throw new Error(r.diagnostics.map((d) => d.message).join('\n'));
  return runScenario(r.value, commands).events.filter((e) => e.node === 'r');
}

const isNft = (e: Event): e is EventOf<'nft-trace'> => e.t === 'nft-trace';

/** `table:CHAIN:N verdict`, `table:CHAIN:end`, `table:CHAIN:policy accept`; the mark where there is one. */
export const traceOf = (events: readonly Event[]): string[] =>
  events.filter(isNft).map((e) => {
    const what = e.kind === 'rule' ? `${e.rule.num} ${e.verdict}` : e.kind === 'end' ? 'end' : `policy ${e.policy}`;
    return `${e.rule.table}:${e.rule.chain}:${what}${e.mark ? ` mark ${e.mark}` : ''}`;
  });

export const dropsOf = (events: readonly Event[]): string[] =>
  events.filter((e): e is EventOf<'drop'> => e.t === 'drop').map((e) => `${e.reason} ${e.location} ${e.cause}`);
