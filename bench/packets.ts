/** P1 to P4 and P11: packets through rules, and lookups of routes. */
import { Lpm } from '../src/fib/lpm.js';
import { traceLines } from '../src/render/kernel.js';
import { KindRecorder, type Recorder, type RuleRef, TRACES } from '../src/trace/event.js';
import { Frames, synFrame } from './frame.js';
import { cpu, dump, type Measured, ROUNDS, type Row, round, textOf, versus } from './measure.js';
import { router, routerState } from './router.js';

/** Keeps the matched-rule list of the packet at hand: the first `length` of `list`. */
class MatchedRules implements Recorder {
  readonly on = false;
  readonly verbose = false;
  readonly list: RuleRef[] = [];
  length = 0;
  event(): void {}
  matched(rule: RuleRef): void {
    this.list[this.length++] = rule;
  }
}

const FLOWS = 20000;
const SERVICES = 909;
const SENDER = 0x0a010002;
const serviceFlows = (n: number): Frames =>
  new Frames(n, (i) => synFrame(SENDER, 0x0a600001 + ((Math.imul(i, 0x9e3779b1) >>> 0) % SERVICES), 1025 + (i % FLOWS), 80));

/** New flows through one router that stands: conntrack, counters and the matched-rule list kept. */
function flowsThrough(state: ReturnType<typeof routerState>, frames: Frames): () => number {
  const rec = new MatchedRules();
  const r = router(state, rec);
  let sent = 0;
  return () => {
    // As `conntrack -F` before the kernel's round: the flows of the round before are gone, and that is not measured.
    r.node.conntrack.flush();
    const ns = cpu(frames.length, () => {
      for (let i = 0; i < frames.length; i++) {
        rec.length = 0;
        r.inject(frames.at(i));
      }
    });
    sent += frames.length;
    if (r.sent() !== sent || r.node.conntrack.size !== frames.length) throw new Error(`${sent - r.sent()} packets did not arrive`);
    return ns;
  };
}

export const p1: Row = async (k) => {
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
      // A round of ours is a tenth of a second: after the kernel's, with cold caches, three in a row.
      ...(await versus(flowsThrough(state, frames), () => k.ask('flows', FLOWS), { row: 3 })),
      must: 1.5,
      aim: 3,
    },
  ];
};

export const p2: Row = async (k) => {
  const what = 'P2 the same, TRACE text of every packet';
  if (typeof k === 'string') return [{ what, ratios: k, must: 20, aim: 40 }];
  const file = dump('kube-rules', 10000);
  const state = routerState(`*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -j TRACE\nCOMMIT\n${textOf(file)}`);
  const N = 2000;
  const frames = serviceFlows(N);
  let lines = 0;
  let length = 0;
  const pass = (): number => {
    const rec = new KindRecorder(TRACES);
    const r = router(state, rec);
    const line = traceLines();
    lines = 0;
    return cpu(N, () => {
      for (let i = 0; i < N; i++) {
        rec.events.length = 0;
        r.inject(frames.at(i));
        const text = rec.events.map((e) => (e.t === 'trace' ? line(e) : '')).join('\n');
        lines += rec.events.length;
        length += text.length;
      }
    });
  };
  // The kernel traces slowly and gets few packets; ours are passed several times a round, since one pass takes less time than lies between two collections.
  const PASSES = 5;
  const ours = (): number => Array.from({ length: PASSES }, pass).reduce((sum, ns) => sum + ns, 0) / PASSES;
  await k.ask('kube');
  await k.ask('restore', file);
  // As many packets as P1 has until the compilers settle.
  const m = await versus(ours, () => k.ask('traced', N), { warm: (4 * FLOWS) / N / PASSES });
  return [{ what, ratios: m.ratios, note: `${m.note}, ${round(lines / N)} lines a packet${length > 0 ? '' : ', no text'}`, must: 20, aim: 40 }];
};

/** Packets to 10.2.0.2:80, the destination of the last rule of a linear chain, through one router that stands, as the kernel's does. */
function linearRuns(state: ReturnType<typeof routerState>): (n: number) => number {
  const frame = synFrame(SENDER, 0x0a020002, 1024, 80);
  const rec = new MatchedRules();
  const r = router(state, rec);
  return (n) =>
    cpu(n, () => {
      for (let i = 0; i < n; i++) {
        rec.length = 0;
        r.inject(frame);
      }
    });
}

export const p3: Row = async (k) => {
  const out: Measured[] = [];
  for (const kind of ['src', 'port']) {
    const what = `P3 linear chain of 10k rules (${kind}), the last matches`;
    if (typeof k === 'string') {
      out.push({ what, ratios: k, must: 50, aim: 300 });
      continue;
    }
    const file = dump(`linear-${kind}`, 10000);
    const linear = linearRuns(routerState(textOf(file)));
    await k.ask('restore', file);
    out.push({
      what,
      ...(await versus(
        () => linear(50000),
        () => k.ask('forward', 4000),
        // As for P1: a round of ours is a few hundredths of a second.
        { row: 3 },
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

export const p4: Row = async () => {
  const exact = [1000, 50000].map((n) => linearRuns(routerState(textOf(dump('linear-src', n)))));
  const mixes = [1000, 50000].map((n) => {
    const m = mixed(n);
    return { state: routerState(m.text), frames: m.frames };
  });
  const mixedRun = ({ state, frames }: (typeof mixes)[0]): number => {
    const rec = new MatchedRules();
    const r = router(state, rec);
    return cpu(frames.length * 4, () => {
      for (let i = 0; i < 4; i++)
        for (const f of frames) {
          rec.length = 0;
          r.inject(f);
        }
    });
  };
  const growth = (run: (i: 0 | 1) => number): number[] => {
    for (let i = 0; i < 3; i++) [run(0), run(1)];
    return Array.from({ length: ROUNDS }, () => run(1) / run(0));
  };
  return [
    { what: 'P4 growth 50k / 1k rules, exact', ratios: growth((i) => exact[i](20000)), must: 3, aim: 2, below: true },
    { what: 'P4 growth 50k / 1k rules, overlapping', ratios: growth((i) => mixedRun(mixes[i])), must: 12, aim: 8, below: true },
  ];
};

export const p11: Row = async () => {
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
