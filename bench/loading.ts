/** P5 to P7: dumps loaded, and what they take. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { dir, dump, type Measured, median, type Row, round, type Timed, timed } from './measure.js';

/** `bytes` a rule or entry; `compiled` a rule with every chain compiled; `member`: ns of a set match. */
const weigh = (kind: string, file: string): { bytes: number; compiled: number; member: number } =>
  JSON.parse(execFileSync(process.execPath, ['--expose-gc', join(dir, 'load.mjs'), kind, file, 'weigh'], { encoding: 'utf8' }));

export const p5: Row = async (k) => {
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

export const p7: Row = async (k) => {
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
