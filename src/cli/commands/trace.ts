/** `sim trace DIR|SNAPSHOT PACKET`: one packet through one node, from a folder of dumps or a snapshot, without a scenario file. */
import type { Command } from 'commander';
import { type Diagnostic, hasErrors, nearest } from '../../base/diagnostic.js';
import { readPcap } from '../../packet/pcap.js';
import { parsePacketText } from '../../packet/text.js';
import type { NodeState, PacketSpec, Scenario, ScenarioPacket } from '../../scenario/model.js';
import { type RunOptions, runScenario } from '../../stack/run-scenario.js';
import { execute, parseDo } from '../../tools/execute.js';
import { complain, diskFiles, EXIT, openNode, scenarioOfNode } from '../files.js';
import { checkOutput, type OutputOptions, outputOptions, print } from '../output.js';

interface Options extends OutputOptions {
  readonly in?: string;
  readonly local?: boolean;
  readonly pcap?: string;
  readonly do: readonly string[];
  readonly traceAll?: boolean;
}

const HELP = `
  sim trace node1.snapshot --in eth0 'icmp 10.0.0.9 > 203.0.113.7'
  sim trace node1.snapshot --in eth0 'tcp 10.0.0.9:4000 > 203.0.113.7:80 syn'
  sim trace dumps/ --local 'udp 10.0.0.1:4000 > 10.0.0.53:53'
  sim trace dumps/ --in eth0 'tcp 10.0.0.9:4000 > 203.0.113.7:80 ack df len 1500 ttl 3'
  sim trace dumps/ --in eth0 --pcap bad.pcap --format trace

Words behind the addresses: flags of TCP (syn ack fin rst psh urg), df, ttl N, tos N, id N, len BYTES, type N and code N of icmp.
How a node is dumped: sim capture --help. More nodes than one: sim new --help.`;

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  const command = program.command('trace');
  outputOptions(
    command
      .description('One packet through one node, from a folder of its dumps or a snapshot')
      .argument('<dir>', 'folder with iptables-save, ipset-save, ip-addr.json, ip-link.json, ip-route.txt, sysctl.txt, …; or a snapshot (sim capture)')
      .argument('[packet]', "as 'icmp 10.0.0.1 > 10.0.0.2' or 'tcp 10.0.0.1:4000 > 10.0.0.2:80 syn'")
      .option('--in <device>', 'the device it arrives at')
      .option('--local', 'it is sent by the node itself')
      .option('--pcap <file>', 'the packets of a capture instead of one in words')
      .option('--do <COMMAND>', 'change the node first, in the administrator’s own commands (repeatable)', collect, [])
      .option('--trace-all', 'flag each packet before its first hook, as if a TRACE rule stood there'),
  ).action((dir: string, packet: string | undefined, o: Options) => {
    process.exitCode = run(dir, packet, o);
  });
  command.addHelpText('after', HELP);
}

function fail(message: string, hint: string): null {
  process.stderr.write(`error: ${message}\n  hint: ${hint}\n`);
  return null;
}

function run(dir: string, text: string | undefined, o: Options): number {
  const node = openNode(dir);
  if (node === null) return EXIT.badInput;
  const packet = readPacket(node, text, o);
  if (packet === null) return EXIT.badInput;
  const narrow = checkOutput(o, [node.name], [packet.name]);
  if (narrow === null) return EXIT.badInput;
  const scenario: Scenario = { ...scenarioOfNode(node, dir), packets: [packet], traceAll: o.traceAll ?? false };
  const { value: commands, diagnostics } = parseDo(
    scenario,
    o.do.map((c) => (c.startsWith(`${node.name}:`) ? c : `${node.name}: ${c}`)),
    null,
  );
  complain(diagnostics);
  if (hasErrors(diagnostics)) return EXIT.badInput;
  const how: RunOptions = { verbose: o.verbose ?? false, execute };
  const result = runScenario({ ...scenario, do: commands }, how);
  complain(result.diagnostics);
  return hasErrors(result.diagnostics) ? EXIT.badInput : print(result, o, narrow, how, dir);
}

const span = { file: 'command line', line: 1, column: 1, length: 0 };

function readPacket(node: NodeState, text: string | undefined, o: Options): ScenarioPacket | null {
  const source = readSource(node, o);
  if (source === null) return null;
  const spec = o.pcap === undefined ? fromText(text) : fromCapture(o.pcap);
  if (spec === null) return null;
  return { name: o.packet ?? 'packet', description: '', do: [], count: 1, source, spec, span };
}

function readSource(node: NodeState, o: Options): ScenarioPacket['source'] | null {
  if (o.local && o.in !== undefined) return fail('--local and --in exclude each other', 'it is sent by the node, or it arrives at a device');
  if (o.local) return { kind: 'local', node: node.name };
  const names = node.links.map((l) => l.name);
  if (o.in === undefined) return fail('where does it come from?', `--in DEVICE (${names.join(', ')}), or --local`);
  if (names.includes(o.in)) return { kind: 'device', node: node.name, dev: o.in };
  const near = nearest(o.in, names);
  return fail(`${node.name} has no device “${o.in}”`, near ? `did you mean “${near}”?` : `it has ${names.join(', ')}`);
}

function fromText(text: string | undefined): PacketSpec | null {
  if (text === undefined) return fail('no packet is given', "for example 'icmp 10.0.0.1 > 10.0.0.2', or --pcap FILE");
  const { value, diagnostics } = parsePacketText(text, { file: 'packet', line: 1, column: 1 });
  complain(diagnostics.map((d): Diagnostic => ({ ...d, sourceLine: d.sourceLine ?? text })));
  return value === null ? null : { kind: 'text', text, bytes: value };
}

function fromCapture(file: string): PacketSpec | null {
  const bytes = diskFiles.readBytes?.(file) ?? null;
  if (bytes === null) return fail(`${file} cannot be read`, 'a capture as tcpdump -w writes it');
  const { diagnostics } = readPcap(bytes, file);
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : { kind: 'pcap', file, bytes };
}
