/**
 * What-if: the scenario as it is and with each variant's commands in front, packet by packet. Every packet is traced whole (as --trace-all does), so that the
 * first rule where a variant's walk leaves the base's can be named even where no TRACE rule stands.
 */
import { type Diagnostic, hasErrors } from '../base/diagnostic.js';
import type { NodeCommand, Scenario } from '../scenario/model.js';
import type { Direction, Fate } from '../stack/outcome.js';
import { type PacketRun, runScenario, type ScenarioRun } from '../stack/run-scenario.js';
import { tracePlace } from '../trace/place.js';
import { applyAll } from './apply.js';
import { execute } from './execute.js';

export interface Variant {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly NodeCommand[];
}

/** Where two walks part: the lines as `node table:CHAIN:kind:N` (of nftables `node inet table chain:kind:N`), null where a walk has ended; `at` counts the lines before. */
export interface Parting {
  readonly direction: Direction;
  readonly at: number;
  readonly base: string | null;
  readonly variant: string | null;
}

export interface WhatIfPacket {
  readonly packet: string;
  readonly request: string;
  /** null: nobody answered. */
  readonly reply: string | null;
  readonly answered: boolean;
  /** Other fates than the base's. */
  readonly changed: boolean;
  /** null: both walk the same lines (or this is the base). */
  readonly parting: Parting | null;
}

export interface WhatIfRow {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly string[];
  readonly packets: readonly WhatIfPacket[];
}

export interface WhatIfTable {
  readonly base: WhatIfRow;
  readonly variants: readonly WhatIfRow[];
  /** Of commands that failed; such a variant has no row. */
  readonly diagnostics: readonly Diagnostic[];
}

/** `delivered node1`, `dropped edge1 XFRM_POLICY (xfrm-policy)`. */
export function fateText(f: Fate): string {
  const why = f.drop ? ` ${f.drop.reason === 'NOT_SPECIFIED' ? '' : `${f.drop.reason} `}(${f.drop.cause})` : f.inconclusive ? ` (${f.inconclusive.what})` : '';
  return `${f.kind}${f.node === '' ? '' : ` ${f.node}`}${why}`;
}

function walkOf(p: PacketRun, direction: Direction): string[] {
  const out: string[] = [];
  for (const e of p.events) {
    if ((e.t !== 'trace' && e.t !== 'nft-trace') || p.outcome.skbs.get(e.skb)?.direction !== direction) continue;
    out.push(`${e.node} ${tracePlace(e)}`);
  }
  return out;
}

function partingOf(base: PacketRun | undefined, variant: PacketRun): Parting | null {
  if (!base) return null;
  for (const direction of ['request', 'reply'] as const) {
    const a = walkOf(base, direction);
    const b = walkOf(variant, direction);
    const n = Math.max(a.length, b.length);
    for (let i = 0; i < n; i++) if (a[i] !== b[i]) return { direction, at: i, base: a[i] ?? null, variant: b[i] ?? null };
  }
  return null;
}

const titleOf = (p: PacketRun): string => (p.packet.count > 1 ? `${p.packet.name}#${p.nth}` : p.packet.name);

function packetRow(p: PacketRun, base: PacketRun | undefined): WhatIfPacket {
  const row = {
    packet: titleOf(p),
    request: fateText(p.outcome.request),
    reply: p.outcome.reply ? fateText(p.outcome.reply) : null,
    answered: p.outcome.answered,
  };
  const before = base && packetRow(base, undefined);
  return { ...row, changed: before !== undefined && (before.request !== row.request || before.reply !== row.reply), parting: partingOf(base, p) };
}

function rowOf(v: Variant, run: ScenarioRun, base: ScenarioRun | null): WhatIfRow {
  return {
    name: v.name,
    description: v.description,
    commands: v.commands.map((c) => `${c.node}: ${c.command}`),
    packets: run.packets.map((p, i) => packetRow(p, base?.packets[i])),
  };
}

/** Runs the scenario and its variants. A variant whose commands fail is left out, its diagnostics told. */
export function whatIfTable(s: Scenario, variants: readonly Variant[]): WhatIfTable {
  const options = { execute, apply: applyAll, traceAll: true };
  const base = runScenario(s, options);
  const diagnostics: Diagnostic[] = [...base.diagnostics];
  const rows: WhatIfRow[] = [];
  for (const v of hasErrors(base.diagnostics) ? [] : variants) {
    const run = runScenario({ ...s, do: [...s.do, ...v.commands] }, options);
    const told = run.diagnostics.filter((d) => !base.diagnostics.some((b) => b.message === d.message && b.code === d.code));
    diagnostics.push(...told);
    if (!hasErrors(run.diagnostics)) rows.push(rowOf(v, run, base));
  }
  return { base: rowOf({ name: '(as it is)', description: '', commands: [] }, base, null), variants: rows, diagnostics };
}

const lineText = (line: string | null): string => line ?? 'ends';

function partingText(p: Parting | null): string {
  if (p === null) return 'the same walk';
  return `${p.direction === 'reply' ? 'reply: ' : ''}${lineText(p.variant)} instead of ${lineText(p.base)}`;
}

/** The table as text: a line per variant and packet, columns aligned. */
export function whatIfText(t: WhatIfTable): string {
  const lines: string[][] = [['variant', 'packet', 'request', 'reply', 'where its trace parts from the base']];
  for (const row of [t.base, ...t.variants]) {
    row.packets.forEach((p, i) => {
      const where = row === t.base ? '' : partingText(p.parting);
      lines.push([i === 0 ? row.name : '', p.packet, p.request, p.reply ?? '-', where]);
    });
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((l) => l[i].length)));
  return lines
    .map(
      (l) =>
        `${l
          .map((cell, i) => (i === l.length - 1 ? cell : cell.padEnd(widths[i])))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
