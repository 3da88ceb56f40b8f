/** The formats, by line. Adding one is a file and its line here. */
import { json } from './json.js';
import { kernel } from './kernel.js';
import { mermaid } from './mermaid.js';
import { nftTrace } from './nft-trace.js';
import type { Renderer } from './renderer.js';
import { story } from './story.js';
import { summary } from './summary.js';
import { pcap, tcpdump } from './tcpdump.js';
import { trace } from './trace.js';
import { xtablesMonitor } from './xtables-monitor.js';

export const renderers: readonly Renderer[] = [story, trace, kernel, xtablesMonitor, nftTrace, tcpdump, pcap, summary, json, mermaid];
export const findRenderer = (name: string): Renderer | undefined => renderers.find((r) => r.name === name);
export { EVERYTHING, type Layer, type Narrowing } from './narrow.js';
export type { Renderer, RenderOptions } from './renderer.js';
