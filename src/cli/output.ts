/** The options that choose a format and narrow it, and where the result goes: shared by `sim run` and `sim trace`. */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { nearest } from '../base/diagnostic.js';
import { triedRepairs } from '../harness/repairs.js';
import { findRenderer, type Layer, type Narrowing, renderers } from '../render/index.js';
import type { Direction } from '../stack/outcome.js';
import type { RunOptions, ScenarioRun } from '../stack/run-scenario.js';
import { EXIT } from './files.js';
import { onTerminal, out as writeOut } from './out.js';

export interface OutputOptions {
  readonly format: string;
  readonly output?: string;
  readonly layer: Layer;
  readonly node?: string;
  readonly packet?: string;
  readonly dir?: Direction;
  readonly verbose?: boolean;
}

export function outputOptions(c: Command): Command {
  return c
    .option('--format <name>', `one of ${renderers.map((r) => r.name).join(', ')}`, 'story')
    .option('-o, --output <file>', 'write there instead of standard output')
    .addOption(new Option('--layer <layer>', 'print inner packets, outer ones (IPsec, IPIP, VXLAN) or all').choices(['inner', 'outer', 'all']).default('all'))
    .option('--node <name>', 'print what happened on this node')
    .option('--packet <name>', 'print this packet')
    .addOption(new Option('--dir <direction>', 'print this direction').choices(['request', 'reply']))
    .option('--verbose', 'also the rules that were tried and why they did not match');
}

function complain(message: string, hint: string): null {
  process.stderr.write(`error: ${message}\n  hint: ${hint}\n`);
  return null;
}

const among = (word: string, names: readonly string[]): string => {
  const near = nearest(word, names);
  return near ? `did you mean “${near}”?` : `one of ${names.join(', ')}`;
};

/** Null after complaining: what is to be printed does not exist. Checked before the run. */
export function checkOutput(o: OutputOptions, nodes: readonly string[], packets: readonly string[]): Narrowing | null {
  if (!findRenderer(o.format)) {
    return complain(
      `there is no format “${o.format}”`,
      among(
        o.format,
        renderers.map((r) => r.name),
      ),
    );
  }
  if (o.node !== undefined && !nodes.includes(o.node)) return complain(`there is no node “${o.node}”`, among(o.node, nodes));
  if (o.packet !== undefined && !packets.includes(o.packet)) return complain(`there is no packet “${o.packet}”`, among(o.packet, packets));
  if (o.format === 'pcap' && o.output === undefined && onTerminal()) return complain('a capture is no text for a terminal', 'add -o FILE');
  return { node: o.node ?? null, packet: o.packet ?? null, dir: o.dir ?? null, layer: o.layer };
}

const wantsColour = (o: OutputOptions): boolean => o.output === undefined && !process.env.NO_COLOR && onTerminal();

/** Prints a run, which `how` made, of the scenario that the user calls `given`; returns the exit code. */
export function print(run: ScenarioRun, o: OutputOptions, narrow: Narrowing, how: RunOptions, given: string): number {
  const renderer = findRenderer(o.format);
  if (!renderer) return EXIT.badInput;
  const spent = { events: 0 };
  const out = renderer.render(run, {
    verbose: o.verbose ?? false,
    narrow,
    colour: wantsColour(o),
    given,
    tried: (p) => triedRepairs(run, p, { ...how, verbose: false }, spent),
  });
  if (out.length === 0 && renderer.whenEmpty) process.stderr.write(`${renderer.whenEmpty}\n`);
  if (o.output === undefined) {
    writeOut(out);
    return EXIT.ok;
  }
  try {
    writeFileSync(o.output, out);
    return EXIT.ok;
  } catch (e) {
    process.stderr.write(`error: ${o.output} cannot be written: ${e instanceof Error ? e.message : String(e)}\n`);
    return EXIT.environment;
  }
}
