/** The readers whose diagnostics have rows in diagnostics.table.ts, by the name of the tool whose text they read. */
import { type Diagnostic, Reporter } from '../src/base/diagnostic.js';
import { readBridgeFdb, readBridgeLink, readBridgeVlan } from '../src/formats/bridge.js';
import { readConntrack } from '../src/formats/conntrack.js';
import { parseConntrackCommand } from '../src/formats/conntrack-command.js';
import { readEbtablesSave } from '../src/formats/ebtables-save.js';
import { readIpAddr } from '../src/formats/ip-addr.js';
import { readIpLink } from '../src/formats/ip-link.js';
import { readIpNeigh } from '../src/formats/ip-neigh.js';
import { readIpRoute } from '../src/formats/ip-route.js';
import { readIpRule } from '../src/formats/ip-rule.js';
import { readIpsetList } from '../src/formats/ipset-list.js';
import { readIpsetSave } from '../src/formats/ipset-save.js';
import { readIptablesSave } from '../src/formats/iptables-save.js';
import { readNfnetlinkQueue } from '../src/formats/nfnetlink-queue.js';
import { readNftList } from '../src/formats/nft-list.js';
import { readSockets } from '../src/formats/sockets.js';
import { readSysctl } from '../src/formats/sysctl.js';
import { linesOf, wordsOf } from '../src/formats/tokens.js';
import { readTraceLog } from '../src/formats/trace-log.js';
import { readXfrmPolicy, readXfrmState } from '../src/formats/xfrm.js';
import { loadScenario } from '../src/scenario/load.js';
import type { FileSource } from '../src/scenario/model.js';
import { nodeFromSnapshot } from '../src/scenario/snapshot.js';
import { runScenario } from '../src/stack/run-scenario.js';
import { execute, parseDo } from '../src/tools/execute.js';

/** A folder of texts in memory. */
export function memoryFiles(files: Readonly<Record<string, string>>): FileSource {
  const names = Object.keys(files);
  return {
    read: (p) => (Object.hasOwn(files, p) ? files[p] : null),
    list: (d) => {
      const inside = names.filter((n) => n.startsWith(`${d}/`)).map((n) => n.slice(d.length + 1));
      return inside.length > 0 || d === 'empty' ? inside.filter((n) => !n.includes('/')) : null;
    },
  };
}

const o = { file: 'x' };

/** The node on which the commands of the `do` rows are typed. */
const NODE = `version: 1
nodes:
  a:
    address: 10.0.0.1/24
    gateway: 10.0.0.254
    conntrack: |
      udp 17 30 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 mark=0 use=1
what_if:
  off: [{ a: sysctl -w net.ipv4.ip_forward=0 }]
`;

/** `NODE: COMMAND` as `--do` takes it; `--what-if NAME` as the option. */
function typed(text: string): readonly Diagnostic[] {
  const { value: s } = loadScenario('s.yaml', memoryFiles({ 's.yaml': NODE }));
  if (!s) throw new Error('the scenario of the do rows has errors');
  const whatIf = /^--what-if (.*)$/.exec(text)?.[1] ?? null;
  const { value, diagnostics } = parseDo(s, whatIf === null ? [text] : [], whatIf);
  return [...diagnostics, ...runScenario({ ...s, do: value }, { execute }).diagnostics];
}

export const readers = {
  'ip-link': (t) => readIpLink(t, o).diagnostics,
  'ip-addr': (t) => readIpAddr(t, o).diagnostics,
  'ip-neigh': (t) => readIpNeigh(t, o).diagnostics,
  nft: (t) => readNftList(t, { ...o, typed: true }).diagnostics,
  nfqueue: (t) => readNfnetlinkQueue(t, o).diagnostics,
  'ip-route': (t) => readIpRoute(t, { ...o, family: 'ipv4' }).diagnostics,
  'ip-rule': (t) => readIpRule(t, { ...o, family: 'ipv4' }).diagnostics,
  'bridge-fdb': (t) => readBridgeFdb(t, o).diagnostics,
  'bridge-link': (t) => readBridgeLink(t, o).diagnostics,
  'bridge-vlan': (t) => readBridgeVlan(t, o).diagnostics,
  sysctl: (t) => readSysctl(t, o).diagnostics,
  sockets: (t) => readSockets(t, o).diagnostics,
  'xfrm-policy': (t) => readXfrmPolicy(t, o).diagnostics,
  'xfrm-state': (t) => readXfrmState(t, o).diagnostics,
  'iptables-save': (t) => readIptablesSave(t, { ...o, family: 'ipv4' }).diagnostics,
  'ipset-list': (t) => readIpsetList(t, o).diagnostics,
  'ipset-save': (t) => readIpsetSave(t, o).diagnostics,
  'ebtables-save': (t) => readEbtablesSave(t, 'x').diagnostics,
  conntrack: (t) => readConntrack(t).diagnostics,
  'conntrack-command': (t) => {
    const reporter = new Reporter('x', t);
    parseConntrackCommand(wordsOf(linesOf(t)[0]), reporter);
    return reporter.diagnostics;
  },
  'trace-log': (t) => readTraceLog(t.split('\n'), 'trace.log').diagnostics,
  snapshot: (t) => nodeFromSnapshot('n', t, 'n.snapshot').diagnostics,
  do: typed,
  scenario: (t, files) => loadScenario('s.yaml', memoryFiles({ 's.yaml': t, ...files })).diagnostics,
} satisfies Record<string, (text: string, files?: Readonly<Record<string, string>>) => readonly Diagnostic[]>;
export type ReaderName = keyof typeof readers;
