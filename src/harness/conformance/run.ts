/**
 * What the harness lends the engine while it replays a case: the engine itself is plugged in as a `CaseRunner`; the kernel's free choices go in by the
 * one door for choices (SCORING.md R1) and initial sequence numbers by an oracle over the later inputs (R2). Neither looks at `observed`.
 */
import type { Chooser } from '../../netfilter/env.js';
import { IPPROTO } from '../../packet/skb.js';
import type { CaseInput, CorpusCase, InjectStep, ModelCase, StepInput } from './corpus.js';
import { caseInput } from './corpus.js';
import { hexBytes } from './hex.js';
import { type PacketAt, packetsIn } from './packets.js';
import { type CaseScore, scoreCase } from './score.js';
import { visibleModel } from './unobserved.js';

/** Replays the steps of a case on a node built from its state. Never throws on a valid case: what it does not know makes a step inconclusive. */
export type CaseRunner = (input: CaseInput) => ModelCase;

export interface CaseOutcome {
  readonly score: CaseScore;
  readonly model: ModelCase;
}

/** Runs and scores one case. An exception of the engine is our own bug; it is reported as an inconclusive case so that the other cases still count. */
export function runCase(recorded: CorpusCase, runner: CaseRunner): CaseOutcome {
  const input = caseInput(recorded);
  let model: ModelCase;
  try {
    model = visibleModel(recorded, runner(input));
  } catch (e) {
    const what = `engine threw: ${e instanceof Error ? e.message : String(e)}`;
    model = { id: input.id, steps: input.steps.map((s) => ({ n: s.n, inconclusive: what })) };
  }
  return { score: scoreCase(recorded, model), model };
}

/**
 * `choosePort` of SCORING.md R1: the first of `ports` (in the order of the record) in min..max that is not yet in use. `seen` holds the ports and ICMP ids of
 * every frame, socket and conntrack tuple of the model in this case so far and is kept by the runner (packets.ts: noteNumbers). What was given out before
 * counts as in use too while there is another: a connection over lo may have come and gone without a frame.
 */
export function ephemeralChooser(ports: readonly number[], seen: Set<number>): Chooser {
  const given = new Set<number>();
  return {
    port(min: number, max: number): number {
      const fit = ports.filter((v) => v >= min && v <= max && !seen.has(v));
      const chosen = fit.find((v) => !given.has(v)) ?? fit[0];
      if (chosen !== undefined) {
        given.add(chosen);
        return chosen;
      }
      // Nothing observable depends on it; a number not in use avoids a clash that the kernel did not have.
      for (let v = min; v <= max; v++) if (!seen.has(v)) return v;
      return min;
    },
    // Nothing in a case rests on chance (`--mode random`, ECMP and address ranges do not occur).
    below: () => 0,
  };
}

/**
 * Initial sequence numbers of the node's own TCP (R2): learnt from what later injected frames acknowledge or quote.
 *
 *     local connect at step n     the first frame derived from step n with ACK: ack - 1; or an ICMP error that quotes the SYN: its seq
 *     SYN injected at step n      the first later frame of the same flow, or that answers what was emitted then, with ACK: ack - 1; or an ICMP error derived from n that quotes the SYN-ACK: its seq
 */
export class IsnOracle {
  readonly #steps: readonly StepInput[];
  readonly #vxlanPorts: ReadonlySet<number>;
  readonly #packets = new Map<number, { readonly frame: Uint8Array; readonly packets: readonly PacketAt[] }>();

  constructor(steps: readonly StepInput[], vxlanPorts: ReadonlySet<number>) {
    this.#steps = steps;
    this.#vxlanPorts = vxlanPorts;
  }

  /** ISN of the connection that the node opens or accepts at step `n`; null when no later input tells (then any number will do). */
  isnFor(n: number): number | null {
    const at = this.#steps.findIndex((s) => s.n === n);
    if (at < 0) return null;
    const step = this.#steps[at];
    if (step.kind === 'local') return this.#ofConnect(at, step.n);
    return step.kind === 'inject' ? this.#ofAccept(at, step) : null;
  }

  #ofConnect(at: number, n: number): number | null {
    const related = new Set([n]);
    for (const s of this.#steps.slice(at + 1)) {
      if (s.kind !== 'inject' || s.derived_from === undefined || !related.has(s.derived_from)) continue;
      related.add(s.n);
      const isn = this.#ownSeq(s);
      if (isn !== null) return isn;
    }
    return null;
  }

  #ownSeq(s: InjectStep): number | null {
    const { frame, packets } = this.#read(s);
    const top = topSegment(packets);
    if (top) return acknowledged(frame, top);
    return quotedSeq(frame, packets);
  }

  #ofAccept(at: number, step: InjectStep): number | null {
    const syn = topSegment(this.#read(step).packets);
    if (!syn) return null;
    const related = new Set([step.n]);
    for (const s of this.#steps.slice(at + 1)) {
      if (s.kind !== 'inject') continue;
      const { frame, packets } = this.#read(s);
      const p = topSegment(packets);
      const quoted = s.derived_from === step.n && !p ? quotedSeq(frame, packets) : null;
      if (quoted !== null) return quoted;
      if (!p) continue;
      // Where the client was translated on INPUT its segments come from another address than its SYN, which tells by what they answer.
      const answers = s.derived_from !== undefined && related.has(s.derived_from) && !(frame[p.thoff + 13] & TH_SYN);
      if (answers) related.add(s.n);
      if (!answers && (p.src !== syn.src || p.dst !== syn.dst || p.sport !== syn.sport || p.dport !== syn.dport)) continue;
      const isn = acknowledged(frame, p);
      if (isn !== null) return isn;
    }
    return null;
  }

  #read(s: InjectStep): { readonly frame: Uint8Array; readonly packets: readonly PacketAt[] } {
    let r = this.#packets.get(s.n);
    if (!r) {
      const frame = hexBytes(s.frame);
      r = { frame, packets: packetsIn(frame, this.#vxlanPorts) };
      this.#packets.set(s.n, r);
    }
    return r;
  }
}

const TH_SYN = 2;
const TH_ACK = 16;
const u32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;

/** The TCP segment that the frame carries, itself or inside VXLAN; the innermost that is not a quote. */
const topSegment = (packets: readonly PacketAt[]): PacketAt | undefined =>
  packets.filter((p) => p.where !== 'quoted' && p.proto === IPPROTO.TCP && p.thoff >= 0).at(-1);

/** Sequence number of the TCP segment that an ICMP error quotes. */
function quotedSeq(frame: Uint8Array, packets: readonly PacketAt[]): number | null {
  const q = packets.find((p) => p.where === 'quoted' && p.proto === IPPROTO.TCP && p.thoff >= 0 && p.thoff + 8 <= frame.length);
  return q ? u32(frame, q.thoff + 4) : null;
}

const acknowledged = (frame: Uint8Array, p: PacketAt): number | null =>
  p.thoff + 14 <= frame.length && (frame[p.thoff + 13] & TH_ACK) !== 0 ? (u32(frame, p.thoff + 8) - 1) >>> 0 : null;
