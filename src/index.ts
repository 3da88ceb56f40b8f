/**
 * netfilter-sim as a library.
 *
 *   import { loadScenario, network, ping } from 'netfilter-sim';
 *   const net = loadScenario('scenarios/fabedge-edge-to-node.yaml');
 *   net.send(ping('net-tool-edge1', '10.234.102.161')).outcome.request.drop?.reason   // 'IP_RPFILTER'
 *   net.repairs(ping('net-tool-edge1', '10.234.102.161'))[0].do   // ['edge1: ipset add FABEDGE-PEER-CIDR 10.234.102.161']
 *
 * Matchers for vitest: `import 'netfilter-sim/vitest'`. Arbitraries for fast-check: `import { … } from 'netfilter-sim/fast-check'`.
 */
import { diskFiles } from './cli/files.js';
import { type Net, type NetworkInput, netFromFile, netFromText, netFromValue } from './harness/library.js';
import type { FileSource } from './scenario/model.js';

/** The scenario in a file. Paths inside are relative to the file that names them. Throws ScenarioError. */
export const loadScenario = (path: string, files: FileSource = diskFiles): Net => netFromFile(path, files);
/** The scenario in a text; its relative paths start from `name`. Throws ScenarioError. */
export const parseScenario = (text: string, name = 'scenario.yaml', files: FileSource = diskFiles): Net => netFromText(text, name, files);
/** A scenario written in code: `network({ nodes: { a: { address: '10.0.0.1/24' } }, wires: [['a:eth0', 'b:eth0']] })`. Throws ScenarioError. */
export const network = (value: NetworkInput, files: FileSource = diskFiles): Net => netFromValue(value, files);

export type { Diagnostic, Span } from './base/diagnostic.js';
export type { Judgement, Verdict } from './harness/judge.js';
export {
  type ApplyInput,
  type LibraryRunOptions,
  Net,
  type NetworkInput,
  type PacketInput,
  packet,
  ping,
  repairs,
  runScenario,
  ScenarioError,
  tcp,
  udp,
} from './harness/library.js';
export type { Repair } from './render/repairs.js';
export type { FileSource, NodeState, Scenario, ScenarioPacket } from './scenario/model.js';
export type { ExpectFile, NodeFile, PacketFile, ScenarioFile } from './scenario/schema.js';
export { jsonSchema } from './scenario/schema.js';
export type { Fate, FateKind, Outcome } from './stack/outcome.js';
export type { PacketRun, ScenarioRun } from './stack/run-scenario.js';
export type { Event, RuleRef } from './trace/event.js';
