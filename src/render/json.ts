/** `--format json`: `{ version, packets, events }`. Its JSON Schema (`sim schema --trace`) comes from the same table as the text. */
import type { Ends, Fate } from '../stack/outcome.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { failed } from './fates.js';
import { addrKind, eventSchema, flagKind, integerKind, type Kind, listKind, objectKind, oneKind, orNullKind, textKind, writeEvent } from './json-shapes.js';
import { shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';
import { type Repair, repairsOf } from './repairs.js';
import { boxBefore } from './summary.js';

const JSON_VERSION = 1;

const ends: Kind = objectKind<Ends>({
  src: addrKind,
  dst: addrKind,
  proto: integerKind,
  sport: integerKind,
  dport: integerKind,
  type: integerKind,
  code: integerKind,
});

interface FateRow {
  readonly fate: Fate['kind'];
  readonly node: string;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly cause: string | null;
  readonly inconclusive: string | null;
  readonly start: Ends | null;
  readonly end: Ends | null;
}
const fate: Kind = objectKind<FateRow>({
  fate: oneKind('delivered', 'dropped', 'left', 'held', 'inconclusive', 'handled', 'none'),
  node: textKind,
  stage: orNullKind(textKind),
  reason: orNullKind(textKind),
  cause: orNullKind(textKind),
  inconclusive: orNullKind(textKind),
  start: orNullKind(ends),
  end: orNullKind(ends),
});

interface OutcomeRow {
  readonly errno: number;
  readonly answered: boolean;
  readonly request: FateRow;
  readonly reply: FateRow | null;
}
const outcome = { errno: integerKind, answered: flagKind, request: fate, reply: orNullKind(fate) };

/** `saves`, `fate` and `outcome` are null where it was not tried. */
interface RepairRow extends Omit<Repair, 'packet'> {
  readonly outcome: OutcomeRow | null;
}
const repair: Kind = objectKind<RepairRow>({
  do: listKind(textKind),
  saves: orNullKind(flagKind),
  fate: orNullKind(textKind),
  harms: listKind(textKind),
  outcome: orNullKind(objectKind<OutcomeRow>(outcome)),
});

interface PacketRow extends OutcomeRow {
  readonly name: string;
  readonly nth: number;
  /** Of a packet that failed. */
  readonly repairs?: readonly RepairRow[];
}
const packet: Kind = objectKind<PacketRow>({ name: textKind, nth: integerKind, ...outcome, repairs: listKind(repair) }, ['repairs']);

const fateRow = (p: PacketRun, f: Fate): FateRow => ({
  fate: f.kind,
  node: f.node,
  stage: f.at < 0 ? null : boxBefore(p.events, f.at),
  reason: f.drop?.reason ?? null,
  cause: f.drop?.cause ?? null,
  inconclusive: f.inconclusive?.what ?? null,
  start: f.start,
  end: f.end,
});

function outcomeRow(p: PacketRun): OutcomeRow {
  const { request, reply, answered } = p.outcome;
  return { errno: p.errno, answered, request: fateRow(p, request), reply: reply && fateRow(p, reply) };
}

function packetRow(p: PacketRun, tried: RenderOptions['tried']): PacketRow {
  const row = { name: p.packet.name, nth: p.nth, ...outcomeRow(p) };
  if (!failed(p)) return row;
  return { ...row, repairs: repairsOf(p, tried).map(({ packet: q, ...r }) => ({ ...r, outcome: q && outcomeRow(q) })) };
}

export function renderJson(run: ScenarioRun, o: Pick<RenderOptions, 'narrow' | 'tried'>): string {
  const shown = run.packets.filter((p) => o.narrow.packet === null || p.packet.name === o.narrow.packet);
  const events = shown.flatMap((p) => shownEvents(p, o.narrow));
  // One event a line: the whole is valid JSON, and line tools can work on it.
  const lines = events.map((e) => `    ${JSON.stringify(writeEvent(e))}`).join(',\n');
  const packets = shown.map((p) => `    ${JSON.stringify(packet.write(packetRow(p, o.tried)))}`).join(',\n');
  return `{\n  "version": ${JSON_VERSION},\n  "packets": [\n${packets}\n  ],\n  "events": [\n${lines}\n  ]\n}\n`;
}

/** JSON Schema (draft 2020-12) of that format. */
export function traceSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'netfilter-sim trace',
    type: 'object',
    properties: { version: { const: JSON_VERSION }, packets: { type: 'array', items: packet.schema }, events: { type: 'array', items: eventSchema() } },
    required: ['version', 'packets', 'events'],
    additionalProperties: false,
  };
}
