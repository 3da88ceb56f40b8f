/** The tools, by line. Adding one is a file and its line here. */
import { iptablesTools } from './iptables.js';
import { sysctlTool } from './sysctl.js';
import type { Tool } from './tool.js';

export const tools: readonly Tool[] = [...iptablesTools, sysctlTool];

export const findTool = (name: string): Tool | undefined => tools.find((t) => t.names.includes(name));
export const toolNames = (): string[] => tools.flatMap((t) => t.names).sort();
