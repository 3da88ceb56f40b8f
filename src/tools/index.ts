/** The tools, by line. Adding one is a file and its line here. */
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

export const tools: readonly Tool[] = [
  ...iptablesTools,
  ipsetTool,
  ipTool,
  sysctlTool,
  bridgeTool,
  ...ebtablesTools,
  conntrackTool,
  nstatTool,
  ssTool,
  ...nftTools,
];

export const findTool = (name: string): Tool | undefined => tools.find((t) => t.names.includes(name.slice(name.lastIndexOf('/') + 1)));
export const toolNames = (): string[] => tools.flatMap((t) => t.names).sort();
