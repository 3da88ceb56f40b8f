/**
 * scenarios/README.md, made from the scenarios themselves: `npx tsx scripts/scenario-index.ts` writes it, test/scenarios/index.test.ts checks that it is up to date.
 * The first paragraph of a description is the symptom, in the words of whoever met it.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskFiles, scenarioFiles } from '../src/cli/files.js';
import { loadScenario } from '../src/scenario/load.js';
import type { Scenario } from '../src/scenario/model.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const scenariosDir = join(root, 'scenarios');
export const indexFile = join(scenariosDir, 'README.md');

/** Topic folders in the order of the page, with what belongs there; a folder that is missing here comes last under its own name. */
const topics: readonly (readonly [string, string])[] = [
  ['.', 'The report this program began with'],
  ['rp-filter', 'Reverse path filter and asymmetric routes'],
  ['bridge', 'Bridges and br_netfilter'],
  ['dnat', 'Port forwarding'],
  ['wrong-way-back', 'The answer takes another way'],
  ['policy-routing', 'Marks, rules, several uplinks'],
  ['marks-and-local', 'Loopback addresses, marks and source validation'],
  ['firewalls-side-by-side', 'Firewall programs side by side'],
  ['conntrack', 'Connection tracking'],
  ['ipset', 'Sets that never match'],
  ['tunnels', 'Tunnels and IPsec'],
  ['fabedge', 'FabEdge'],
  ['dual-stack', 'IPv6 and both at once'],
];

interface Row {
  readonly path: string;
  readonly folder: string;
  readonly scenario: Scenario;
}

const flat = (text: string): string => text.replace(/\s+/g, ' ').trim();
const symptom = (s: Scenario): string => flat(s.description.split(/\n\s*\n/)[0] ?? '');
const cell = (text: string): string => text.replaceAll('|', '\\|');

function rows(dir: string): Row[] {
  return scenarioFiles(dir).map((file) => {
    const { value } = loadScenario(file, diskFiles);
    if (value === null) throw new Error(`${file} cannot be read: sim run says why`);
    const path = relative(dir, file);
    return { path, folder: dirname(path), scenario: value };
  });
}

function section(title: string, list: readonly Row[]): string[] {
  const lines = list.map((r) => {
    const fixes = r.scenario.whatIf.map((w) => `\`${w.name}\``).join(', ');
    return `| [${r.scenario.name}](${r.path}) | ${cell(symptom(r.scenario))} | ${fixes} |`;
  });
  return ['', `## ${title}`, '', '| Scenario | Symptom | What if |', '| --- | --- | --- |', ...lines];
}

/** The page as Markdown text. */
export function scenarioIndex(dir = scenariosDir): string {
  const all = rows(dir);
  const known = new Set(topics.map(([folder]) => folder));
  const others = [...new Set(all.map((r) => r.folder))].filter((f) => !known.has(f)).map((f) => [f, f] as const);
  const out = [
    '# Scenarios',
    '',
    `${all.length} puzzles that people met, each a file that runs alone: \`sim run NAME\` tells the story, \`sim what-if NAME\` compares the repairs,`,
    '`sim test scenarios` checks what the files expect. Causes and sources stand in the descriptions.',
    '',
    'Nodes, wires, commands and what-ifs of the scenarios in the topic folders were also built in network namespaces of a Linux 6.18 kernel: pings and connections end',
    'there as the files say. Not compared: tunnels/ipsec-masquerade-first and rp-filter/ipip-one-way (that kernel had no ESP and no ipip), noflush-without-the-declaration,',
    'packets injected as `packet:`, and what a ping cannot show (rules hit, drop reasons, conntrack entries). One known difference: packet `second` of',
    'dropped-syn-leaves-no-hole under `syn-let-through` connects again on the kernel. Where the kernel contradicts a report, the description says so.',
  ];
  for (const [folder, title] of [...topics, ...others]) {
    const list = all.filter((r) => r.folder === folder);
    if (list.length > 0) out.push(...section(title, list));
  }
  return `${out.join('\n')}\n`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) writeFileSync(indexFile, scenarioIndex());
