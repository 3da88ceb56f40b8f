/** A scenario on the kernel at hand against the model: the trace points of every node, and where packets died. */

import { formatAddr } from '../base/addr.js';
import type { LocalStep, TracePoint } from '../harness/conformance/corpus.js';
import { bytesHex } from '../harness/conformance/hex.js';
import { tracePoint } from '../harness/conformance/trace-point.js';
import type { Scenario } from '../scenario/model.js';
import { type Execute, type PacketRun, runScenario } from '../stack/run-scenario.js';
import { DropEvents } from './drops.js';
import { withLabLock } from './lock.js';
import { readLogRecord, tracePointOf } from './nflog.js';
import { type LabNode, ScenarioBench, traced, unbuildable } from './scenario-bench.js';
import { sendBySocat, usesSocat } from './socat-send.js';

export interface Verdict {
  readonly result: 'agree' | 'differ' | 'skipped';
  /** Why it was skipped, or the first difference: lines to print. */
  readonly why: readonly string[];
  readonly packets: number;
  readonly points: number;
}

const SETTLE_MS = 60;
const MOST_ROUNDS = 40;
/** Without anything new for so many rounds, all is over. */
const QUIET_ROUNDS = 3;

export async function verify(given: Scenario, execute: Execute): Promise<Verdict> {
  const cannot = unbuildable(given);
  if (cannot !== null) return { result: 'skipped', why: [cannot], packets: 0, points: 0 };
  const scenario = traced(given);
  const model = runScenario(scenario, { execute });
  const unknown = model.events.find((e) => e.t === 'inconclusive');
  if (unknown?.t === 'inconclusive') return { result: 'skipped', why: [`the model is inconclusive: ${unknown.what}`], packets: 0, points: 0 };
  const bench = new ScenarioBench(scenario);
  try {
    await bench.open();
    return await withLabLock(() => compareAll(bench, scenario, model.packets));
  } catch (e) {
    return { result: 'skipped', why: [`not built: ${e instanceof Error ? e.message : String(e)}`], packets: 0, points: 0 };
  } finally {
    bench.close();
  }
}

async function compareAll(bench: ScenarioBench, s: Scenario, runs: readonly PacketRun[]): Promise<Verdict> {
  const drops = new DropEvents(bench.nodes[0].netns, [0x0800, 0x86dd]);
  let points = 0;
  try {
    await commands(bench, s.do);
    let before: PacketRun['packet'] | null = null;
    for (const run of runs) {
      if (run.packet !== before) await commands(bench, run.packet.do);
      before = run.packet;
      for (const n of bench.nodes) n.log.take();
      drops.take();
      await send(bench, run);
      const kernel = await observed(bench);
      const title = `packet ${run.packet.name}${run.packet.count > 1 ? ` ${run.nth}` : ''}`;
      for (const n of bench.nodes) {
        const model = run.events.flatMap((e) => (e.t === 'trace' && e.node === n.name ? [tracePoint(e)] : [])).filter((t) => !housekeeping(t));
        const real = (kernel.get(n.name) ?? []).filter((t) => !housekeeping(t));
        points += real.length;
        const at = firstDifference(model, real);
        if (at >= 0)
          return { result: 'differ', why: [`${title}, node ${n.name}, trace point ${at + 1}`, ...sideBySide(model, real, at)], packets: runs.length, points };
      }
      const expected = run.events.filter((e) => e.t === 'drop' && e.reason === 'NETFILTER_DROP').length;
      const got = drops.take().filter((d) => d.reason === 'NETFILTER_DROP').length;
      if (expected !== got)
        return { result: 'differ', why: [`${title}: NETFILTER_DROP ${expected} times in the model, ${got} times in the kernel`], packets: runs.length, points };
    }
    return { result: 'agree', why: [], packets: runs.length, points };
  } finally {
    drops.close();
  }
}

async function commands(bench: ScenarioBench, list: Scenario['do']): Promise<void> {
  for (const c of list) await bench.nodes.find((n) => n.name === c.node)?.shell.run(c.command);
}

/** As the model sent it: ports and ids that it chose are given to the kernel. */
async function send(bench: ScenarioBench, run: PacketRun): Promise<void> {
  const { spec, source, name } = run.packet;
  const node = bench.nodes.find((n) => n.name === source.node) as LabNode;
  if (spec.kind !== 'ping' && spec.kind !== 'udp' && spec.kind !== 'tcp') return;
  const start = run.outcome.request.start;
  const base = {
    kind: 'local' as const,
    n: run.nth,
    dst: formatAddr(spec.to),
    ...(spec.src === null ? {} : { src: formatAddr(spec.src) }),
    ...(spec.dev === null ? {} : { device: spec.dev }),
    ...(spec.mark === 0 ? {} : { mark: spec.mark }),
    ...(spec.tos === 0 ? {} : { tos: spec.tos }),
    ...(spec.uid === 0 ? {} : { uid: spec.uid }),
  };
  const id = `${name} ${run.nth}`;
  if (spec.kind === 'ping') {
    await node.shell.run(
      `ping -c 1 -W 1 -s ${spec.size}${spec.df ? ' -M do' : ''}${base.src ? ` -I ${base.src}` : ''}${base.device ? ` -I ${base.device}` : ''}${base.mark ? ` -m ${base.mark}` : ''} ${base.dst}`,
    );
    return;
  }
  const step: LocalStep = {
    ...base,
    proto: spec.kind,
    dport: spec.dport,
    ...(start ? { sport: start.sport } : {}),
    ...(spec.kind === 'udp' ? { payload: bytesHex(spec.payload) } : {}),
  };
  if (spec.kind === 'tcp') await node.agent.ask({ op: 'converse', id, step, send: spec.send, close: spec.close });
  else if (usesSocat(step)) await sendBySocat(node.shell, step, id);
  else await node.agent.ask({ op: 'send', id, step });
}

/** What a node says of its own accord when a device comes up or a neighbour is asked for: IGMP, MLD, router and neighbour discovery. Not compared. */
const housekeeping = (t: TracePoint): boolean =>
  t.proto === 'igmp' || (t.proto === 'icmpv6' && t.type !== undefined && ((t.type >= 130 && t.type <= 136) || t.type === 143));

/** Trace points of every node, when none has come for a while. */
async function observed(bench: ScenarioBench): Promise<Map<string, TracePoint[]>> {
  const out = new Map<string, TracePoint[]>(bench.nodes.map((n) => [n.name, []]));
  for (let round = 0, quiet = 0; round < MOST_ROUNDS && quiet < QUIET_ROUNDS; round++) {
    await new Promise((r) => setTimeout(r, SETTLE_MS));
    let more = false;
    for (const n of bench.nodes) {
      for (const r of n.log.take()) {
        const t = tracePointOf(readLogRecord(r.bytes), n.names);
        if (t) {
          out.get(n.name)?.push(t);
          more = true;
        }
      }
    }
    quiet = more ? 0 : quiet + 1;
  }
  return out;
}

/** What is compared of a point. Lengths of TCP segments, ids and ports that NAT chose are the kernel's. */
const FIELDS = ['point', 'in', 'out', 'physin', 'physout', 'src', 'dst', 'proto', 'dport', 'type', 'code', 'flags', 'ttl', 'mark'] as const;
const text = (t: TracePoint | undefined): string =>
  t === undefined
    ? '(nothing)'
    : FIELDS.map((f) => (t[f] === undefined || t[f] === '' ? '' : `${f}=${t[f]}`))
        .filter((x) => x !== '')
        .join(' ');
/** nfnetlink_log tells the bridge port of arrival only beside a device of arrival (__build_packet_message()): POSTROUTING has none. */
const key = (t: TracePoint | undefined): string =>
  text(t !== undefined && !t.in && t.physin !== undefined ? { ...t, physin: '' } : t).replace(/ dport=(\d+)/, (all, p) => (Number(p) >= 1024 ? '' : all));

function firstDifference(model: readonly TracePoint[], kernel: readonly TracePoint[]): number {
  for (let i = 0; i < Math.max(model.length, kernel.length); i++) if (key(model[i]) !== key(kernel[i])) return i;
  return -1;
}

function sideBySide(model: readonly TracePoint[], kernel: readonly TracePoint[], at: number): string[] {
  const rows: string[] = [];
  for (let i = Math.max(0, at - 2); i < Math.min(Math.max(model.length, kernel.length), at + 4); i++) {
    rows.push(`${key(model[i]) === key(kernel[i]) ? '  ' : '≠ '}model   ${text(model[i])}`, `  kernel  ${text(kernel[i])}`);
  }
  return rows;
}
