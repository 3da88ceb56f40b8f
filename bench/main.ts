/** The table of `npm run bench`: each ratio from interleaved rounds in one run, CPU time on both sides; median, min..max, what must be and what is aimed at. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { Lpm } from '../src/fib/lpm.js';
import { kernelLines, traceLines } from '../src/render/kernel.js';
import { parseScenario } from '../src/scenario/load.js';
import { runScenario } from '../src/stack/run-scenario.js';
import { applyAll } from '../src/tools/apply.js';
import { execute } from '../src/tools/execute.js';
import { type Recorder, type RuleRef, TraceRecorder } from '../src/trace/event.js';
import { synFrame } from './frame.js';
import { Kernel } from './kernel.js';
import { router, routerState } from './router.js';

const ROUNDS = 5;
const [dir, ...only] = process.argv.slice(2);

/** One line of the table; `ratios` one number a round. A text: why it was not measured. */
interface Measured {
  readonly what: string;
  readonly ratios: readonly number[] | string;
  readonly unit?: string;
  readonly must: number;
  readonly aim: number;
  /** True: the smaller the better. */
  readonly below?: boolean;
  readonly note?: string;
}
type Row = (k: Kernel | string) => Promise<Measured[]>;

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1];
const round = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));

/** ns of CPU time that `work` takes for each of `n`. */
function cpu(n: number, work: () => void): number {
  const from = process.cpuUsage();
  work();
  const used = process.cpuUsage(from);
  return ((used.user + used.system) * 1000) / n;
}

/** `ours` and `theirs` in turn; theirs over ours, after rounds in which the compilers settle. */
async function versus(ours: () => number, theirs: () => Promise<number>, warm = 12): Promise<{ ratios: number[]; note: string }> {
  for (let i = 0; i < warm; i++) ours();
  const a: number[] = [];
  const b: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    b.push(await theirs());
    a.push(ours());
  }
  return { ratios: a.map((x, i) => b[i] / x), note: `ours ${round(median(a) / 1000)} us, kernel ${round(median(b) / 1000)} us` };
}

const files = join(dir, 'files');
mkdirSync(files, { recursive: true });
const generated = new Map<string, string>();
/** A dump of gen.py in a file. */
function dump(kind: string, n: number): string {
  const key = `${kind}-${n}`;
  const hit = generated.get(key);
  if (hit) return hit;
  const gen = resolve('../shared/performance/kernel/gen.py');
  const file = join(files, key);
  writeFileSync(file, execFileSync('python3', [gen, kind, String(n)], { maxBuffer: 1 << 30 }));
  generated.set(key, file);
  return file;
}
const textOf = (file: string): string => readFileSync(file, 'utf8');

/** Keeps the matched-rule list of the packet at hand. */
class MatchedRules implements Recorder {
  readonly on = false;
  readonly verbose = false;
  list: RuleRef[] = [];
  event(): void {}
  matched(rule: RuleRef): void {
    this.list.push(rule);
  }
}

const FLOWS = 20000;
const SERVICES = 909;
const SENDER = 0x0a010002;
const serviceFlows = (n: number): Uint8Array[] =>
  Array.from({ length: n }, (_, i) => synFrame(SENDER, 0x0a600001 + ((Math.imul(i, 0x9e3779b1) >>> 0) % SERVICES), 1025 + (i % FLOWS), 80));

/** New flows through a fresh router: conntrack, counters and the matched-rule list kept. */
function flowsThrough(state: ReturnType<typeof routerState>, frames: readonly Uint8Array[]): number {
  const rec = new MatchedRules();
  const r = router(state, rec);
  const ns = cpu(frames.length, () => {
    for (const f of frames) {
      rec.list = [];
      r.inject(f);
    }
  });
  if (r.sent() !== frames.length) throw new Error(`${frames.length - r.sent()} packets did not arrive`);
  return ns;
}

const p1: Row = async (k) => {
  const what = 'P1 new flows through 10k kube rules, kernel / ours';
  if (typeof k === 'string') return [{ what, ratios: k, must: 1.5, aim: 3 }];
  const file = dump('kube-rules', 10000);
  const state = routerState(textOf(file));
  const frames = serviceFlows(FLOWS);
  await k.ask('kube');
  await k.ask('restore', file);
  return [
    {
      what,
      ...(await versus(
        () => flowsThrough(state, frames),
        () => k.ask('flows', FLOWS),
      )),
      must: 1.5,
      aim: 3,
    },
  ];
};

const p2: Row = async (k) => {
  const what = 'P2 the same, TRACE text of every packet';
  if (typeof k === 'string') return [{ what, ratios: k, must: 20, aim: 40 }];
  const file = dump('kube-rules', 10000);
  const state = routerState(`*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -j TRACE\nCOMMIT\n${textOf(file)}`);
  const N = 2000;
  const frames = serviceFlows(N);
  let lines = 0;
  let length = 0;
  const ours = (): number => {
    const rec = new TraceRecorder();
    const r = router(state, rec);
    const line = traceLines();
    lines = 0;
    return cpu(N, () => {
      for (const f of frames) {
        rec.events.length = 0;
        r.inject(f);
        const text = rec.events.map((e) => (e.t === 'trace' ? line(e) : '')).join('\n');
        lines += rec.events.length;
        length += text.length;
      }
    });
  };
  await k.ask('kube');
  await k.ask('restore', file);
  // Rounds are short: the kernel traces slowly. As many packets as P1 has until the compilers settle.
  const m = await versus(ours, () => k.ask('traced', N), (4 * FLOWS) / N);
  return [{ what, ratios: m.ratios, note: `${m.note}, ${round(lines / N)} lines a packet${length > 0 ? '' : ', no text'}`, must: 20, aim: 40 }];
};

/** Packets to 10.2.0.2:80, the destination of the last rule of a linear chain. */
function linearRun(state: ReturnType<typeof routerState>, n: number): number {
  const frame = synFrame(SENDER, 0x0a020002, 1024, 80);
  const rec = new MatchedRules();
  const r = router(state, rec);
  return cpu(n, () => {
    for (let i = 0; i < n; i++) {
      rec.list = [];
      r.inject(frame);
    }
  });
}

const p3: Row = async (k) => {
  const out: Measured[] = [];
  for (const kind of ['src', 'port']) {
    const what = `P3 linear chain of 10k rules (${kind}), the last matches`;
    if (typeof k === 'string') {
      out.push({ what, ratios: k, must: 50, aim: 300 });
      continue;
    }
    const file = dump(`linear-${kind}`, 10000);
    const state = routerState(textOf(file));
    await k.ask('restore', file);
    out.push({
      what,
      ...(await versus(
        () => linearRun(state, 50000),
        () => k.ask('forward', 4000),
      )),
      must: 50,
      aim: 300,
    });
  }
  return out;
};

/** `n` rules of five prefix lengths on both sides, ports exact, ranges or any, some that do not end the walk; and packets spread over them. */
function mixed(n: number): { text: string; frames: Uint8Array[] } {
  let seed = 12345;
  const below = (b: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % b;
  };
  const dotted = (a: number): string => [a >>> 24, (a >>> 16) & 255, (a >>> 8) & 255, a & 255].join('.');
  const lens = [32, 32, 24, 24, 16, 8, 0];
  const lines = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
  const frames: Uint8Array[] = [];
  for (let i = 0; i < n; i++) {
    const [s, d] = [0x0b000000 + below(1 << 22), 0x0c000000 + below(1 << 22)];
    const [ls, ld] = [lens[below(7)], lens[below(7)]];
    const port = 1 + below(60000);
    const cutTo = (a: number, l: number): string => `${dotted(l === 0 ? 0 : (a & (-1 << (32 - l))) >>> 0)}/${l}`;
    const ports = below(3) === 0 ? '' : below(2) === 0 ? ` --dport ${port}` : ` --dport ${port}:${port + below(500)}`;
    const specific = ls + ld >= 24 || ports !== '';
    const match = `${ls > 0 ? ` -s ${cutTo(s, ls)}` : ''}${ld > 0 ? ` -d ${cutTo(d, ld)}` : ''} -p tcp -m tcp${ports}`;
    lines.push(`-A FORWARD${specific ? match : ` -s ${dotted(s)}/32 -p tcp`}${below(100) < 15 ? '' : ' -j ACCEPT'}`);
    if (frames.length < 2000 && below(Math.max(1, Math.floor(n / 2000))) === 0) frames.push(synFrame(s, d, 1024, port));
  }
  return { text: [...lines, 'COMMIT', ''].join('\n'), frames };
}

const p4: Row = async () => {
  const exact = [1000, 50000].map((n) => routerState(textOf(dump('linear-src', n))));
  const mixes = [1000, 50000].map((n) => {
    const m = mixed(n);
    return { state: routerState(m.text), frames: m.frames };
  });
  const mixedRun = ({ state, frames }: (typeof mixes)[0]): number => {
    const r = router(state, new MatchedRules());
    return cpu(frames.length * 4, () => {
      for (let i = 0; i < 4; i++) for (const f of frames) r.inject(f);
    });
  };
  const growth = (run: (i: 0 | 1) => number): number[] => {
    for (let i = 0; i < 3; i++) [run(0), run(1)];
    return Array.from({ length: ROUNDS }, () => run(1) / run(0));
  };
  return [
    { what: 'P4 growth 50k / 1k rules, exact', ratios: growth((i) => linearRun(exact[i], 20000)), must: 3, aim: 2, below: true },
    { what: 'P4 growth 50k / 1k rules, overlapping', ratios: growth((i) => mixedRun(mixes[i])), must: 12, aim: 8, below: true },
  ];
};

/** What starts is measured without further certificates: Node reads them before anything else, an empty program as well, and they would hide what ours takes. */
const { NODE_EXTRA_CA_CERTS: _, ...plainEnv } = process.env;

interface Timed {
  readonly cpu: number;
  readonly rss_mb: number;
}
/** CPU seconds and peak RSS of a process of ours, through GNU time. */
function timed(...args: string[]): Timed {
  const r = spawnSync('/usr/bin/time', ['-f', '%U %S %M', process.execPath, ...args], { encoding: 'utf8', env: plainEnv, stdio: ['ignore', 'ignore', 'pipe'] });
  const [user, sys, kb] = r.stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { cpu: user + sys, rss_mb: kb / 1024 };
}
/** `bytes` a rule or entry; `compiled` a rule with every chain compiled; `member`: ns of a set match. */
const weigh = (kind: string, file: string): { bytes: number; compiled: number; member: number } =>
  JSON.parse(execFileSync(process.execPath, ['--expose-gc', join(dir, 'load.mjs'), kind, file, 'weigh'], { encoding: 'utf8' }));

const p5: Row = async (k) => {
  const file = dump('kube-rules', 100000);
  const { bytes, compiled } = weigh('rules', file);
  // Chains compile when the first packet comes to them: the first is what a loaded node takes, the second what it can grow to when packets have met every chain.
  const heap: Measured[] = [
    { what: 'P6 heap bytes a rule beyond the text, loaded', ratios: [bytes], unit: 'B', must: 400, aim: 150, below: true },
    { what: 'P6 the same, every chain compiled and indexed', ratios: [compiled], unit: 'B', must: 400, aim: 150, below: true },
  ];
  // Ready to trace: read and checked as the kernel does; a chain compiles when a packet comes to it.
  const what = ['P5 100k rules ready to trace: iptables-legacy-restore / ours, CPU', 'P6 RSS: ours / iptables-legacy-restore'];
  if (typeof k === 'string') return [{ what: what[0], ratios: k, must: 2, aim: 4 }, ...heap, { what: what[1], ratios: k, must: 1.5, aim: 0.8, below: true }];
  const ours: Timed[] = [];
  const theirs: Timed[] = [];
  for (let i = 0; i < 3; i++) {
    theirs.push(await k.ask<Timed>('time_restore', file));
    ours.push(timed(join(dir, 'load.mjs'), 'rules', file));
  }
  await k.ask('flush');
  const note = `ours ${round(median(ours.map((x) => x.cpu)))} s, restore ${round(median(theirs.map((x) => x.cpu)))} s`;
  return [
    { what: what[0], ratios: ours.map((x, i) => theirs[i].cpu / x.cpu), must: 2, aim: 4, note },
    ...heap,
    {
      what: what[1],
      ratios: ours.map((x, i) => x.rss_mb / theirs[i].rss_mb),
      must: 1.5,
      aim: 0.8,
      below: true,
      note: `ours ${round(median(ours.map((x) => x.rss_mb)))} MB`,
    },
  ];
};

const p7: Row = async (k) => {
  const file = dump('ipset-ip', 1000000);
  const w = weigh('ipset', file);
  const rows: Measured[] = [
    { what: 'P7 membership in a set of 1M, CPU', ratios: [w.member], unit: 'ns', must: 200, aim: 80, below: true },
    { what: 'P7 bytes an entry', ratios: [w.bytes], unit: 'B', must: 40, aim: 16, below: true },
  ];
  const what = 'P7 1M entries: ipset restore / ours, CPU';
  if (typeof k === 'string') return [{ what, ratios: k, must: 5, aim: 20 }, ...rows];
  const ratios: number[] = [];
  for (let i = 0; i < 2; i++) {
    const theirs = await k.ask<Timed>('time_ipset', file);
    ratios.push(theirs.cpu / timed(join(dir, 'load.mjs'), 'ipset', file).cpu);
  }
  return [{ what, ratios, must: 5, aim: 20 }, ...rows];
};

/** Three nodes in a line with 400 rules each, and a ping through them (3_whatif_lab.py). */
function labScenario(): string {
  const rules = textOf(dump('lab', 400));
  const traced = rules.replace('*mangle', '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p icmp -j TRACE\nCOMMIT\n*mangle');
  writeFileSync(join(files, 'lab.rules'), rules);
  writeFileSync(join(files, 'lab-traced.rules'), traced);
  const node = (name: string, addresses: string, rest: string, file: string): string =>
    `  ${name}: { addresses: { ${addresses} }, ${rest}sysctl: { net.ipv4.ip_forward: 1 }, iptables: { file: ${file} } }\n`;
  return `version: 1
name: lab
nodes:
${node('a', 'wa: 10.1.0.2/24', 'gateway: 10.1.0.1, ', 'lab.rules')}${node('m', 'ra: 10.1.0.1/24, rb: 10.2.0.1/24', '', 'lab-traced.rules')}${node('b', 'wb: 10.2.0.2/24', 'gateway: 10.2.0.1, ', 'lab.rules')}wires:
  - [a:wa, m:ra]
  - [m:rb, b:wb]
packets:
  - { name: ping, from: a, ping: 10.2.0.2 }
`;
}

const p8: Row = async (k) => {
  const rows = [
    { what: 'P8 warm what-if: namespace lab / ours, wall', must: 100, aim: 300 },
    { what: 'P9 cold what-if command: building the lab / ours, wall', must: 1, aim: 1.3 },
  ];
  const path = join(files, 'lab.yaml');
  writeFileSync(path, labScenario());
  const { value: scenario, diagnostics } = parseScenario(textOf(path), path, { read: (p) => (existsSync(p) ? textOf(p) : null), list: () => null });
  if (!scenario) return rows.map((r) => ({ ...r, ratios: `the scenario does not load: ${diagnostics[0]?.message}` }));
  if (typeof k === 'string') return rows.map((r) => ({ ...r, ratios: k }));
  const wall = (work: () => void): number => {
    const t = process.hrtime.bigint();
    work();
    return Number(process.hrtime.bigint() - t) / 1e6;
  };
  let n = 0;
  const whatIf = (): number =>
    wall(() => {
      const run = runScenario(
        { ...scenario, do: [{ node: 'm', command: `iptables -I FORWARD 1 -p icmp -m comment --comment w${n++} -j ACCEPT`, span: null }] },
        { execute, apply: applyAll },
      );
      if (run.packets[0]?.outcome.reply?.kind !== 'delivered') throw new Error('the ping was not answered');
      kernelLines(run.packets[0], run.packets[0].events);
    });
  for (let i = 0; i < 200; i++) whatIf();
  const sim = ['bin/sim.cjs', 'run', path, '--format', 'kernel', '--do', 'm: iptables -I FORWARD 1 -p icmp -j ACCEPT'];
  const labs: number[] = [];
  const warm: number[] = [];
  const cold: number[] = [];
  for (let i = 0; i < 3; i++) {
    const said = execFileSync('python3', [join(k.dir, '3_whatif_lab.py'), '1'], { encoding: 'utf8', env: plainEnv });
    labs.push(Number(/legacy one what-if: total (\d+) ms/.exec(said)?.[1]));
    warm.push(median(Array.from({ length: 21 }, whatIf)));
    cold.push(wall(() => execFileSync(process.execPath, sim, { env: plainEnv })));
  }
  const note = `lab ${round(median(labs))} ms, warm ${round(median(warm))} ms, cold ${round(median(cold))} ms`;
  return [
    { ...rows[0], ratios: labs.map((l, i) => l / warm[i]), note },
    { ...rows[1], ratios: labs.map((l, i) => l / cold[i]) },
  ];
};

/** CPU seconds of ten runs: GNU time counts in hundredths. */
function several(...args: string[]): number {
  const r = spawnSync(
    '/usr/bin/time',
    ['-f', '%U %S', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" >/dev/null; done', 'sh', process.execPath, ...args],
    { encoding: 'utf8', env: plainEnv },
  );
  const [user, sys] = r.stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return user + sys;
}

const p10: Row = async () => {
  const empty = join(files, 'empty.js');
  writeFileSync(empty, '');
  const scenario = 'scenarios/rp-filter/loose-on-one-interface.yaml';
  const run: number[] = [];
  const help: number[] = [];
  for (let i = 0; i < 7; i++) {
    const base = several(empty);
    run.push(several('bin/sim.cjs', 'run', scenario) / base);
    help.push(several('bin/sim.cjs', '--help') / base);
  }
  return [
    { what: 'P10 sim run of a small scenario / empty node process, CPU', ratios: run, must: 1.6, aim: 1.3, below: true },
    { what: 'P10 sim --help / empty node process, CPU', ratios: help, must: 1.3, aim: 1.15, below: true },
  ];
};

const p11: Row = async () => {
  const addresses = Uint32Array.from({ length: 200000 }, (_, i) => (0x40000000 + (Math.imul(i, 0x9e3779b1) >>> 3)) >>> 0);
  const table = (n: number): Lpm<number> =>
    new Lpm(
      'ipv4',
      Array.from({ length: n }, (_, i) => ({ addr: (0x40000000 + ((Math.imul(i, 0x9e3779) & 0xffffff) << 4)) >>> 0, len: 20 + (i % 9), item: i })).map((e) => ({
        ...e,
        addr: (e.addr & (-1 << (32 - e.len))) >>> 0,
      })),
    );
  const [small, large] = [table(10), table(100000)];
  const look = (t: Lpm<number>): number =>
    cpu(addresses.length, () => {
      let found = 0;
      for (const a of addresses) if (t.find(a) !== null) found++;
      if (found > addresses.length) throw new Error();
    });
  for (let i = 0; i < 10; i++) [look(small), look(large)];
  return [
    {
      what: 'P11 longest-prefix match, 100k routes / 10 routes',
      ratios: Array.from({ length: 9 }, () => look(large) / look(small)),
      must: 5,
      aim: 2,
      below: true,
    },
  ];
};

/** UDP from one of two hosts to the other, whose rules take some ports and drop the rest. */
function sweepArgs(packets: number, jobs: number): string[] {
  const path = join(files, 'two.yaml');
  const rules = '*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 1:1000 -j ACCEPT\nCOMMIT\n';
  const nodes = { a: { address: '10.0.0.1/8' }, b: { address: '10.0.0.2/8', iptables: rules } };
  writeFileSync(path, JSON.stringify({ version: 1, name: 'two', nodes, wires: [['a:eth0', 'b:eth0']] }));
  const to = new Array(packets / 50000).fill('10.0.0.2').join(',');
  return ['bin/sim.cjs', 'sweep', path, '--from', 'a', '--to', to, '--proto', 'udp', '--port', '1-50000', '--jobs', String(jobs), '--json'];
}

const sweepMemory =
  (millions: number): Row =>
  async () => {
    const large = millions * 1e6;
    const [few, many] = [timed(...sweepArgs(large / 10, 2)), timed(...sweepArgs(large, 2))];
    const what = `P12 sweep: peak memory, ${millions},000,000 packets over ${(large / 10).toLocaleString('en')}`;
    const note = `${round(few.rss_mb)} and ${round(many.rss_mb)} MB; ${round(large / many.cpu / 1000)}k packets a second of CPU`;
    return [{ what, ratios: [many.rss_mb / few.rss_mb], must: 1.1, aim: 1.02, below: true, note }];
  };

/** Wall seconds of processes of ours that run at once. */
async function wallOf(...processes: string[][]): Promise<number> {
  const from = process.hrtime.bigint();
  await Promise.all(processes.map((args) => once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit')));
  return Number(process.hrtime.bigint() - from) / 1e9;
}

const sweepSpeed: Row = async () => {
  // About ten seconds of one thread: starting and compiling is done once by each.
  const N = 500000;
  const threads: number[] = [];
  const apart: number[] = [];
  for (let i = 0; i < 3; i++) {
    const one = await wallOf(sweepArgs(N, 1));
    threads.push(one / (await wallOf(sweepArgs(N, 2))));
    apart.push(one / (await wallOf(sweepArgs(N / 2, 1), sweepArgs(N / 2, 1))));
  }
  const note = `two processes of half as much at once: ${round(median(apart))}`;
  return [{ what: 'P12 sweep on two cores: --jobs 1 / --jobs 2, wall', ratios: threads, must: 1.7, aim: 1.9, note }];
};

/** Rows that take minutes; only when named. */
const long: ReadonlySet<string> = new Set(['P12-10M']);

const rows: readonly (readonly [string, Row])[] = [
  ['P1', p1],
  ['P2', p2],
  ['P3', p3],
  ['P4', p4],
  ['P5', p5],
  ['P7', p7],
  ['P8', p8],
  ['P10', p10],
  ['P11', p11],
  ['P12', sweepMemory(1)],
  ['P12', sweepSpeed],
  ['P12-10M', sweepMemory(10)],
];

function show(m: Measured): string {
  if (typeof m.ratios === 'string') return `${m.what.padEnd(62)}  not compared: ${m.ratios}`;
  const mid = median(m.ratios);
  const ok = (limit: number): boolean => (m.below ? mid <= limit : mid >= limit);
  const unit = m.unit ?? 'x';
  const spread = m.ratios.length > 1 ? `${round(Math.min(...m.ratios))}..${round(Math.max(...m.ratios))}` : '';
  const sign = m.below ? '<=' : '>=';
  return `${m.what.padEnd(62)} ${`${round(mid)} ${unit}`.padStart(9)}  ${spread.padEnd(14)} must ${sign} ${m.must}, aim ${m.aim}  ${ok(m.aim) ? 'AIM' : ok(m.must) ? 'ok' : 'MISSED'}${m.note ? `  (${m.note})` : ''}`;
}

const kernel = await Kernel.start();
process.stdout.write(
  `${cpus()[0]?.model.trim()} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, node ${process.version}${typeof kernel === 'string' ? `; no kernel: ${kernel}` : ''}\n`,
);
try {
  for (const [name, row] of rows) {
    if (only.length > 0 ? !only.includes(name) : long.has(name)) continue;
    try {
      for (const m of await row(kernel)) process.stdout.write(`${show(m)}\n`);
    } catch (e) {
      process.stdout.write(`${name}: failed: ${e instanceof Error ? e.message : String(e)}\n`);
    }
    global.gc?.();
  }
} finally {
  if (typeof kernel !== 'string') await kernel.end();
}
