/** `--format trace`: the TRACE lines of the legacy backend without the packet, one `table:CHAIN:kind:N` a line. */
import type { ScenarioRun } from '../stack/run-scenario.js';
import type { Event, EventOf } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';

export const tracePoint = (e: EventOf<'trace'>): string => `${e.rule.table}:${e.rule.chain}:${e.kind}:${e.rule.num}`;
export const isTrace = (e: Event): e is EventOf<'trace'> => e.t === 'trace';

export function renderTrace(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  return run.packets
    .flatMap((p) => shownEvents(p, o.narrow).filter(isTrace))
    .map((e) => `${tracePoint(e)}\n`)
    .join('');
}
