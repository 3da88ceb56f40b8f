/** P8 to P10 and P12: what-if warm and as a command, starting, sweeps. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelLines } from '../src/render/kernel.js';
import { parseScenario } from '../src/scenario/load.js';
import { runScenario } from '../src/stack/run-scenario.js';
import { applyAll } from '../src/tools/apply.js';
import { execute } from '../src/tools/execute.js';
import { dump, files, median, plainEnv, type Row, round, textOf, timed } from './measure.js';

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

export const p8: Row = async (k) => {
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
  // Until the compilers have settled.
  for (let i = 0; i < 600; i++) whatIf();
  const sim = ['bin/sim.cjs', 'run', path, '--format', 'kernel', '--do', 'm: iptables -I FORWARD 1 -p icmp -j ACCEPT'];
  const labs: number[] = [];
  const warm: number[] = [];
  const cold: number[] = [];
  for (let i = 0; i < 3; i++) {
    const said = execFileSync('python3', [join(k.dir, '3_whatif_lab.py'), '1'], { encoding: 'utf8', env: plainEnv });
    labs.push(Number(/legacy one what-if: total (\d+) ms/.exec(said)?.[1]));
    warm.push(median(Array.from({ length: 21 }, whatIf)));
    cold.push(median(Array.from({ length: 5 }, () => wall(() => execFileSync(process.execPath, sim, { env: plainEnv })))));
  }
  const note = `lab ${round(median(labs))} ms, warm ${round(median(warm))} ms, cold ${round(median(cold))} ms`;
  return [
    { ...rows[0], ratios: labs.map((l, i) => l / warm[i]), note },
    { ...rows[1], ratios: labs.map((l, i) => l / cold[i]) },
  ];
};

/** CPU seconds of ten runs: GNU time counts in hundredths. */
function several(env: NodeJS.ProcessEnv, ...args: string[]): number {
  const r = spawnSync(
    '/usr/bin/time',
    ['-f', '%U %S', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" >/dev/null; done', 'sh', process.execPath, ...args],
    { encoding: 'utf8', env },
  );
  const [user, sys] = r.stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return user + sys;
}

export const p10: Row = async () => {
  const empty = join(files, 'empty.js');
  writeFileSync(empty, '');
  const scenario = 'scenarios/rp-filter/loose-on-one-interface.yaml';
  const ratios = (env: NodeJS.ProcessEnv, rounds: number): { run: number[]; help: number[] } => {
    const run: number[] = [];
    const help: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const base = several(env, empty);
      run.push(several(env, 'bin/sim.cjs', 'run', scenario) / base);
      help.push(several(env, 'bin/sim.cjs', '--help') / base);
    }
    return { run, help };
  };
  const plain = ratios(plainEnv, 7);
  const asSet = process.env.NODE_EXTRA_CA_CERTS === undefined ? null : ratios(process.env, 5);
  const note = (of: readonly number[] | undefined): { note?: string } =>
    of ? { note: `${round(median(of))} with the certificates of NODE_EXTRA_CA_CERTS, as set here` } : {};
  return [
    { what: 'P10 sim run of a small scenario / empty node process, CPU', ratios: plain.run, must: 1.6, aim: 1.3, below: true, ...note(asSet?.run) },
    { what: 'P10 sim --help / empty node process, CPU', ratios: plain.help, must: 1.3, aim: 1.15, below: true, ...note(asSet?.help) },
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

export const sweepMemory =
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

export const sweepSpeed: Row = async () => {
  // A million packets, as for the memory: every thread loads and compiles for itself first, which takes half a second.
  const N = 1e6;
  const threads: number[] = [];
  for (let i = 0; i < 3; i++) {
    const one = await wallOf(sweepArgs(N, 1));
    threads.push(one / (await wallOf(sweepArgs(N, 2))));
  }
  return [{ what: 'P12 sweep of 1,000,000 packets on two cores: --jobs 1 / --jobs 2, wall', ratios: threads, must: 1.7, aim: 1.9 }];
};
