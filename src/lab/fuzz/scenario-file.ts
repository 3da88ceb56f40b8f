/** A case as a scenario file, for `sim run`, `sim test` and `sim lab verify`: the node as its tools printed it, its packets, and what differed. */
import type { CorpusCase, StepRecord } from '../../harness/conformance/corpus.js';
import { hexBytes } from '../../harness/conformance/hex.js';
import { modelPointNft, tracePoint } from '../../harness/conformance/trace-point.js';
import { parseScenario } from '../../scenario/load.js';
import { yamlOf } from '../../scenario/yaml.js';
import { type Execute, runScenario } from '../../stack/run-scenario.js';
import { Sysctls } from '../../stack/sysctls.js';
import type { Finding } from './run.js';

const NODE = 'node';

/** Text of the file. What a scenario cannot say, or says otherwise, stands in its description. */
export function scenarioFile(f: Pick<Finding, 'id' | 'recorded' | 'outcome'>, execute: Execute): string {
  const { recorded } = f;
  const steps = recorded.steps.map((s) => ({ step: s, packet: packetOf(s) }));
  const left = steps.filter((s) => s.packet === null).map((s) => `Step ${s.step.n} is left out: a scenario has no word for it.`);
  const body = {
    version: 1,
    name: recorded.id,
    description: '',
    nodes: { [NODE]: nodeOf(recorded) },
    packets: steps.flatMap((s) => (s.packet === null ? [] : [s.packet])),
  };
  const told = [...differenceOf(f), ...left, ...partingOf(f, yamlOf({ ...body, description: 'x' }), execute)];
  return yamlOf({ ...body, description: `${told.join('\n')}\n` });
}

function differenceOf(f: Pick<Finding, 'recorded' | 'outcome'>): string[] {
  const d = f.outcome.score.firstDifference;
  if (d === null) return [`Recorded on Linux ${f.recorded.kernel}; the model agrees.`];
  const points = f.recorded.steps.find((s) => s.n === d.step)?.observed.trace.map((t) => `  ${t.point}`) ?? [];
  return [
    `Linux ${f.recorded.kernel} and the model differ in step-${d.step}: ${d.area} ${d.field}: kernel ${d.kernel ?? 'nothing'}, model ${d.model ?? 'nothing'}.`,
    'The trace of that step in the kernel:',
    ...points,
  ];
}

/** Where the scenario's own run leaves the model's run of the case: a number of a connection that the case knew, say. */
function partingOf(f: Pick<Finding, 'recorded' | 'outcome'>, text: string, execute: Execute): string[] {
  const { value, diagnostics } = parseScenario(text, `${f.recorded.id}.yaml`, { read: () => null, list: () => null });
  if (value === null) return [`This file is not read: ${diagnostics.find((d) => d.severity === 'error')?.message ?? 'no reason given'}.`];
  for (const run of runScenario(value, { execute }).packets) {
    const n = Number(run.packet.name.replace('step-', ''));
    const model = f.outcome.model.steps.find((s) => s.n === n)?.observed?.trace.map((t) => t.point) ?? [];
    const here = run.events.flatMap((e) => (e.t === 'trace' ? [tracePoint(e).point] : e.t === 'nft-trace' ? [modelPointNft(e, 0).point] : []));
    if (here.join() !== model.join()) return [`In this file step-${n} goes another way in the model than in the recorded case.`];
  }
  return [];
}

function nodeOf(c: CorpusCase): Record<string, unknown> {
  const s = c.state;
  const nft = c.backend === 'nft' ? '-nft' : '';
  const list = (v: readonly unknown[]): string => `[\n${v.map((x) => JSON.stringify(x)).join(',\n')}\n]\n`;
  return {
    links: list(s.link),
    addresses: list(s.addr),
    ...(s.neigh.length > 0 ? { neigh: list(s.neigh) } : {}),
    ...(s.bridge_link?.length ? { bridge: list(s.bridge_link), fdb: list(s.bridge_fdb ?? []) } : {}),
    ...(s.ebtables_save ? { ebtables: s.ebtables_save } : {}),
    routes: s.route_text,
    rules: s.rule_text,
    ...(s.ipset_save ? { ipset: s.ipset_save } : {}),
    ...(s.route6_text ? { routes6: s.route6_text, rules6: s.rule6_text ?? '' } : {}),
    ...(s.iptables_save ? { [`iptables${nft}`]: s.iptables_save } : {}),
    ...(s.ip6tables_save ? { [`ip6tables${nft}`]: s.ip6tables_save } : {}),
    ...(s.nft_ruleset ? { nft: s.nft_ruleset } : {}),
    sysctl: sysctlText(s.sysctl ?? {}),
    ...((s.sockets ?? []).length > 0 ? { sockets: (s.sockets ?? []).map((k) => ({ id: k.id, proto: k.proto, address: k.addr, port: k.port })) } : {}),
  };
}

/** Settings that are not as in a fresh namespace. */
function sysctlText(all: Readonly<Record<string, string>>): string {
  const fresh = new Sysctls([]);
  const usual = (path: string): number => {
    const m = /^net\/(ipv4|ipv6)\/conf\/([^/]+)\/(.+)$/.exec(path);
    return m ? fresh.conf(m[1] as 'ipv4' | 'ipv6', m[2], m[3]) : fresh.get(path);
  };
  const lines = Object.entries(all).filter(([k, v]) => /^-?\d+$/.test(v) && Number(v) !== usual(k));
  return lines.map(([k, v]) => `${k} = ${v}\n`).join('');
}

function packetOf(s: StepRecord): Record<string, unknown> | null {
  const name = `step-${s.n}`;
  if (s.kind === 'inject') return { name, at: `${NODE}:${s.dev}`, frame: s.frame };
  if (s.kind !== 'local' || s.broadcast) return null;
  const one = <K extends string>(key: K, v: unknown): Record<string, unknown> => (v === undefined ? {} : { [key]: v });
  const sending = { to: s.dst, ...one('src', s.src), ...one('dev', s.device), ...one('tos', s.tos), ...one('mark', s.mark), ...one('uid', s.uid) };
  if (s.proto === 'icmp') {
    if (s.type !== 8 && s.type !== 128) return null;
    return { name, from: NODE, ping: { ...sending, ...one('id', s.echo_id), ...one('seq', s.echo_seq), size: hexBytes(s.payload ?? '').length } };
  }
  const to = s.dst.includes(':') ? `[${s.dst}]:${s.dport}` : `${s.dst}:${s.dport}`;
  if (s.proto === 'tcp') return { name, from: NODE, tcp: { ...sending, to, ...one('sport', s.sport) } };
  return { name, from: NODE, udp: { ...sending, to, ...one('sport', s.sport), ...one('payload_hex', s.payload) } };
}
