/** Rows about whole tables, chains, devices and rule sets: what the dump does not have at all, or has and the node had not. */
import { builtinChains, type XtRuleset, type XtTableName } from '../../../netfilter/xtables/model.js';
import type { NodeState } from '../../../scenario/model.js';
import { byCommands, byEdit, type Case, type CauseRow, certain, type Finding, place } from './case.js';

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
  find: (c) =>
    c.events.flatMap((e) =>
      e.t === 'inconclusive'
        ? [{ text: `the model does not know: ${e.what}`, facts: [], decide: 'nothing on the node: this is a limit of the model', ...certain }]
        : [],
    ),
};

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
    if (own > 0 || other === 0) return [];
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
    if (!l || c.hasTable(l.table) || !Object.hasOwn(builtinChains, l.table)) return [];
    const holes = l.kind === 'policy' && l.num !== null ? Math.min(l.num - 1, MOST_HOLES) : 0;
    const base = (builtinChains[l.table as XtTableName] as readonly string[]).includes(l.chain) ? l.chain : builtinChains[l.table as XtTableName][0];
    const policy = `${c.iptables} -t ${l.table} -P ${base} ACCEPT`;
    const hole = `${c.iptables} -t ${l.table} -I ${l.chain} 1 -m mark --mark 0x1/0x0`;
    return [
      {
        text: `the table ${l.table} is not in the dump`,
        facts: [`the log shows ${place(l)}; the dump has ${c.ruleset?.tables.map((t) => t.name).join(', ') || 'no tables'}`],
        decide: `${c.iptables}-save -t ${l.table}`,
        ...byCommands(policy, ...new Array<string>(holes).fill(hole)),
      },
    ];
  },
};
const MOST_HOLES = 50;

export const tableNotLoaded: CauseRow = {
  id: 'table-not-loaded',
  about: 'The dump has a table that the log never shows: it was not loaded then, or nothing used connection tracking (nat).',
  find(c) {
    const table = c.model?.table;
    if (table === undefined || c.q.log.lines.some((l) => l.table === table && l.packet.family === c.family)) return [];
    const out: Finding[] = [
      {
        text: `the table ${table} was not loaded when the log was made`,
        facts: [`no line of the log is of ${table}; the model would go on with ${place({ ...c.model!, handle: null })}`],
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

export const chainMissing: CauseRow = {
  id: 'chain-missing',
  about: 'The log shows a chain that the dump does not have.',
  find(c) {
    // The line itself, or the one behind it where a rule that came since jumps there.
    const l = c.r.walk.lines.slice(c.at, c.at + 2).find((x) => c.hasTable(x.table) && !c.chain(x.table, x.chain));
    if (!l) return [];
    const from = c.r.walk.lines[c.r.walk.lines.indexOf(l) - 1];
    return [
      {
        text: `the chain ${l.chain} of table ${l.table} is not in the dump: it came with the jump to it after the dump was taken, or has another name there`,
        facts:
          from?.table === l.table && from.num !== null
            ? [`the log goes there from ${place(from)}`, c.ruleFact(from.table, from.chain, from.num)]
            : [`line ${l.n} of the log is ${place(l)}`],
        decide: `${c.iptables} -t ${l.table} -S ${l.chain}; ${c.iptables}-save -t ${l.table} | grep -- '-[jg] ${l.chain}'`,
        ...certain,
      },
    ];
  },
};
