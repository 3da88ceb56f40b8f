/** Rows about whole tables, chains, devices and rule sets: what the dump does not have at all, or has and the node had not. */
import type { TraceLogLine } from '../../../formats/trace-log-types.js';
import { builtinChains, type XtRuleset, type XtTableName } from '../../../netfilter/xtables/model.js';
import type { NodeState } from '../../../scenario/model.js';
import { nftTables } from '../../../stack/nft-steps.js';
import { unhookChain } from '../nft-edit.js';
import type { ModelLine } from '../rounds.js';
import { byCommands, byEdit, type Case, type CauseRow, certain, type Finding } from './case.js';
import { byNft, tableOf } from './tool.js';

type RulesetKey = 'iptables' | 'ip6tables' | 'iptablesNft' | 'ip6tablesNft';
const keyOf = (c: Case): RulesetKey =>
  c.backend === 'nft' ? (c.family === 'ipv6' ? 'ip6tablesNft' : 'iptablesNft') : c.family === 'ipv6' ? 'ip6tables' : 'iptables';

const without =
  (key: RulesetKey, table: string) =>
  (n: NodeState): NodeState => {
    const set = n[key];
    return set === null ? n : { ...n, [key]: { ...set, tables: set.tables.filter((t) => t.name !== table) } satisfies XtRuleset };
  };

export const unknownToModel: CauseRow = {
  id: 'inconclusive',
  about: 'The model does not know what Linux does here, and says so.',
  find: (c) => [
    ...madeByEbtables(c),
    ...c.events.flatMap((e) =>
      e.t === 'inconclusive'
        ? [{ text: `the model does not know: ${e.what}`, facts: [], decide: 'nothing on the node: this is a limit of the model', ...certain }]
        : [],
    ),
  ],
};

/** The model evaluates the tables of ebtables-nft as ebtables does, and traces none of it. */
function madeByEbtables(c: Case): Finding[] {
  const l = c.log;
  if (l?.nftFamily !== 'bridge' || c.node.ebtables === null || c.tool(l).hasTable(l)) return [];
  const text = `the table bridge ${l.table} is of ebtables, whose rules the model asks and does not trace`;
  return [{ text, facts: [], decide: 'nothing on the node: leave the lines of that table out of the log', ...certain }];
}

export const deviceMissing: CauseRow = {
  id: 'device-missing',
  about: 'The log names a device that the dump does not have.',
  find(c) {
    const names = new Set(c.node.links.map((l) => l.name));
    const p = c.log?.packet;
    const missing = [p?.in, p?.out, p?.physin, p?.physout].filter((d): d is string => d !== undefined && d !== '' && !names.has(d));
    return [...new Set(missing)].map((d) => ({
      text: `the dump has no device ${d}`,
      facts: [`it has ${[...names].slice(0, 12).join(', ')}${names.size > 12 ? ', …' : ''}`],
      decide: `ip -d link show ${d}; ip addr show ${d}`,
      ...certain,
    }));
  },
};

export const otherBackend: CauseRow = {
  id: 'other-backend',
  about: 'The log is of the one backend (legacy or nf_tables), the rules of the dump were loaded by the other.',
  find(c) {
    const [here, there]: RulesetKey[] = c.family === 'ipv6' ? ['ip6tables', 'ip6tablesNft'] : ['iptables', 'iptablesNft'];
    const of = (key: RulesetKey): number => c.q.given[key]?.tables.length ?? 0;
    const [own, other] = c.backend === 'legacy' ? [of(here), of(there)] : [of(there), of(here)];
    if (own > 0 || other === 0 || (c.log !== null && c.isNative(c.log))) return [];
    const is = c.backend === 'legacy' ? 'legacy' : 'nft';
    return [
      {
        text: `the log is of iptables-${is}, and the dump holds only what iptables-${is === 'legacy' ? 'nft' : 'legacy'} shows`,
        facts: [
          c.backend === 'legacy'
            ? 'TRACE lines in the kernel log come from the legacy backend; nf_tables shows its traces to xtables-monitor and nft monitor trace only'
            : 'xtables-monitor and nft monitor trace show nf_tables’ walk only',
        ],
        decide: `iptables-${is}-save`,
        ...certain,
      },
    ];
  },
};

export const tableMissing: CauseRow = {
  id: 'table-missing',
  about: 'The log shows a table that the dump does not have.',
  find(c) {
    const l = c.log;
    if (l && c.isNative(l)) return missingNft(c, l);
    if (!l || c.tool(l).hasTable(l) || !Object.hasOwn(builtinChains, l.table)) return [];
    const holes = l.kind === 'policy' && l.num !== null ? Math.min(l.num - 1, MOST_HOLES) : 0;
    const base = (builtinChains[l.table as XtTableName] as readonly string[]).includes(l.chain) ? l.chain : builtinChains[l.table as XtTableName][0];
    const policy = `${c.iptables} -t ${l.table} -P ${base} ACCEPT`;
    const hole = `${c.iptables} -t ${l.table} -I ${l.chain} 1 -m mark --mark 0x1/0x0`;
    return [
      {
        text: `the table ${l.table} is not in the dump`,
        facts: [`the log shows ${c.place(l)}; the dump has ${c.ruleset?.tables.map((t) => t.name).join(', ') || 'no tables'}`],
        decide: `${c.iptables}-save -t ${l.table}`,
        ...byCommands(policy, ...new Array<string>(holes).fill(hole)),
      },
    ];
  },
};
const MOST_HOLES = 50;

function missingNft(c: Case, l: TraceLogLine): Finding[] {
  if (c.tool(l).hasTable(l) || (l.nftFamily === 'bridge' && c.node.ebtables !== null)) return [];
  const has = nftTables(c.node).map((t) => `${t.family} ${t.name}`);
  return [
    {
      text: `the dump has no table ${l.nftFamily} ${l.table}`,
      facts: [
        `line ${l.n} of the log is of ${c.place(l)}`,
        c.node.nftRuleset === null
          ? 'the dump has no listing of nftables at all'
          : `the dump has ${has.slice(0, MOST_NAMED).join(', ') || 'no tables'}${has.length > MOST_NAMED ? ', …' : ''}`,
      ],
      decide: 'nft -a list ruleset',
      ...certain,
    },
  ];
}
const MOST_NAMED = 12;

export const tableNotLoaded: CauseRow = {
  id: 'table-not-loaded',
  about: 'The dump has a table that the log never shows: it was not loaded then, or nothing used connection tracking (nat).',
  find(c) {
    const table = c.model?.table;
    if (c.model && c.isNative(c.model)) return notLoadedNft(c, c.model);
    if (table === undefined || c.q.log.lines.some((l) => l.table === table && l.packet.family === c.family)) return [];
    const out: Finding[] = [
      {
        text: `the table ${table} was not loaded when the log was made`,
        facts: [`no line of the log is of ${table}; the model would go on with ${c.place(c.model!)}`],
        decide: `cat /proc/net/${c.family === 'ipv6' ? 'ip6' : 'ip'}_tables_names; lsmod | grep iptable_${table}`,
        ...byEdit(without(keyOf(c), table)),
      },
    ];
    if (table === 'nat')
      out.push({
        text: 'connection tracking was not active then: no rule used it, so that nat chains were passed over',
        facts: ['nat is consulted only while some rule uses conntrack, state or a NAT target'],
        decide: 'conntrack -S; sysctl net.netfilter.nf_conntrack_count',
        ...byEdit(without(keyOf(c), table)),
      });
    return out;
  },
};

/** A table that was not there, or one of its base chains. */
function notLoadedNft(c: Case, m: ModelLine): Finding[] {
  const tool = c.tool(m);
  const lines = c.q.log.lines.filter((l) => l.table === m.table && l.nftFamily === m.nftFamily);
  const facts = [`the model would go on with ${c.place(m)}`];
  const name = `${m.nftFamily} ${m.table}`;
  if (lines.length === 0)
    return [
      {
        text: `the table ${name} was not loaded when the log was made`,
        facts: ['no line of the log is of that table', ...facts],
        decide: `nft list table ${name}`,
        ...byNft(`delete table ${name}`),
      },
    ];
  if (tool.policy(m) === null || lines.some((l) => l.chain === m.chain)) return [];
  return [
    {
      text: `the base chain ${tool.place(m)} was not there when the log was made`,
      facts: ['no line of the log is of that chain', ...facts],
      decide: tool.show(m),
      ...byEdit(unhookChain(tableOf(m), m.chain)),
    },
  ];
}

export const chainMissing: CauseRow = {
  id: 'chain-missing',
  about: 'The log shows a chain that the dump does not have.',
  find(c) {
    // The line itself, or the one behind it where a rule that came since jumps there.
    const l = c.r.walk.lines.slice(c.at, c.at + 2).find((x) => c.tool(x).hasTable(x) && c.tool(x).length(x) === null);
    if (!l) return [];
    const from = c.r.walk.lines[c.r.walk.lines.indexOf(l) - 1];
    const name = c.isNative(l) ? `${l.nftFamily} ${l.table}` : l.table;
    return [
      {
        text: `the chain ${l.chain} of table ${name} is not in the dump: it came with the jump to it after the dump was taken, or has another name there`,
        facts:
          from?.table === l.table && from.num !== null
            ? [`the log goes there from ${c.place(from)}`, c.ruleFact(from, from.num)]
            : [`line ${l.n} of the log is ${c.place(l)}`],
        decide: c.isNative(l)
          ? `nft -a list table ${name}`
          : `${c.iptables} -t ${l.table} -S ${l.chain}; ${c.iptables}-save -t ${l.table} | grep -- '-[jg] ${l.chain}'`,
        ...certain,
      },
    ];
  },
};
