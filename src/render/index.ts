/** The formats, by line. Adding one is a file that exports a function, and its line here. */
import { renderJson } from './json.js';
import { renderKernel } from './kernel.js';
import { renderMermaid } from './mermaid.js';
import { renderNftTrace } from './nft-trace.js';
import type { Renderer } from './renderer.js';
import { renderStory } from './story.js';
import { renderSummary } from './summary.js';
import { renderPcap, renderTcpdump } from './tcpdump.js';
import { renderTrace } from './trace.js';
import { renderXtablesMonitor } from './xtables-monitor.js';

/** The formats made of TRACE lines need a TRACE rule. */
const NO_TRACE =
  'no TRACE rule matched, so there is no TRACE line; --trace-all flags each packet before its first hook, as a TRACE rule would (rule numbers stay as they are)';
const NO_NFT_TRACE = 'no rule of nftables or iptables-nft was met by a traced packet';
const QUIET = 'no device saw a packet';

export const renderers: readonly Renderer[] = [
  { name: 'story', summary: 'what became of each packet and why, then its walk', render: renderStory },
  { name: 'trace', summary: 'table:CHAIN:kind:N of each TRACE line', render: renderTrace, whenEmpty: NO_TRACE },
  { name: 'kernel', summary: 'the kernel log: TRACE lines in full, LOG targets, martians', render: renderKernel, whenEmpty: NO_TRACE },
  { name: 'xtables-monitor', summary: 'xtables-monitor --trace', render: renderXtablesMonitor, whenEmpty: NO_NFT_TRACE },
  { name: 'nft-trace', summary: 'nft monitor trace', render: renderNftTrace, whenEmpty: NO_NFT_TRACE },
  { name: 'tcpdump', summary: 'what tcpdump -ni any would print on the nodes', render: renderTcpdump, whenEmpty: QUIET },
  { name: 'pcap', summary: 'the same as a capture file (with -o FILE)', render: renderPcap },
  { name: 'summary', summary: 'one stable line per packet and direction, for regression files', render: renderSummary },
  { name: 'json', summary: 'packets, their fates, changes that could save them, and every event, as JSON (sim schema --trace)', render: renderJson },
  { name: 'mermaid', summary: 'a flow chart of the boxes walked, a subgraph a node', render: renderMermaid },
];
export const findRenderer = (name: string): Renderer | undefined => renderers.find((r) => r.name === name);
export { EVERYTHING, type Layer, type Narrowing } from './narrow.js';
export type { Renderer, RenderOptions } from './renderer.js';
