/** The tools, by line: which programs a file answers for, and the file, which is read when one of them is asked for. Adding one is a file and its line here. */
import { bridgeTool } from './bridge.js';
import { conntrackTool } from './conntrack.js';
import { ebtablesTools } from './ebtables.js';
import { ipTool } from './ip/index.js';
import { ipsetTool } from './ipset.js';
import { iptablesTools } from './iptables.js';
import { nftTools } from './nft.js';
import { nstatTool } from './nstat.js';
import { ssTool } from './ss.js';
import { sysctlTool } from './sysctl.js';
import type { Tool } from './tool.js';

/** A program of xtables with its two backends and their -restore and -save. */
const suite = (name: string): readonly string[] =>
  ['', '-restore', '-save'].flatMap((end) => ['', '-legacy', '-nft'].map((backend) => `${name}${backend}${end}`));

const table: readonly (readonly [programs: readonly string[], tools: () => readonly Tool[]])[] = [
  [[...suite('iptables'), ...suite('ip6tables')], iptablesTools],
  [['ipset'], ipsetTool],
  [['ip'], ipTool],
  [['sysctl'], sysctlTool],
  [['bridge'], bridgeTool],
  [suite('ebtables'), ebtablesTools],
  [['conntrack'], conntrackTool],
  [['nstat'], nstatTool],
  [['ss'], ssTool],
  [['nft', 'arptables'], nftTools],
];

export function findTool(name: string): Tool | undefined {
  const program = name.slice(name.lastIndexOf('/') + 1);
  return table
    .find(([programs]) => programs.includes(program))?.[1]()
    .find((t) => t.names.includes(program));
}
export const toolNames = (): string[] => table.flatMap(([programs]) => programs).sort();
