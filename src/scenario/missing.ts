/**
 * Parts of a node that its snapshot does not tell: which they are, and what cannot be said without them. A part that is empty, or that the kernel has nothing
 * of, is not missing. What is missing stands in the node (NodeState.missing); a packet whose fate hangs on it is inconclusive (stack/missing.ts).
 */
import type { Diagnostic } from '../base/diagnostic.js';
import type { Snapshot, SnapshotPart } from '../formats/snapshot.js';
import type { Rule, RuleList } from '../netfilter/xtables/model.js';
import type { MissingPart, NodeState } from './model.js';
import { type PartKind, partOfFile, partOfKind } from './parts.js';

interface Row {
  readonly kind: PartKind;
  /** Of parts of that kind only those with such a name; default: all. */
  readonly named?: RegExp;
  /** What it would have told. */
  readonly what: string;
  /** What becomes of packets: the hint of the warning. */
  readonly effect: string;
  /** Does this node need it, as far as the rest tells? */
  readonly matters?: (n: NodeState, s: Snapshot) => boolean;
  /** Why its answer does not do, null where it does. */
  readonly lacks?: (n: NodeState) => string | null;
}

const RULES = (family: string): string => `every ${family} packet on this node is inconclusive`;
const ROUTES = (family: string): string => `an ${family} packet that is routed on this node is inconclusive`;
const BRIDGED = 'a frame that crosses a bridge of this node is inconclusive';
const hasBridge = (n: NodeState): boolean => n.links.some((l) => l.kind === 'bridge');
const usesSet = (r: Rule): boolean => r.matches.some((m) => m.def?.name === 'set') || (r.target.kind === 'extension' && r.target.def.name === 'SET');
const queues = ({ target: t }: Rule): boolean => (t.kind === 'verdict' ? t.verdict === 'QUEUE' : t.kind === 'extension' && t.def.name === 'NFQUEUE');
const someRuleOf = (n: NodeState, test: (rule: Rule) => boolean): boolean =>
  [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft].some((set) => set?.tables.some((t) => t.chains.some((c) => someRule(c.rules, test))));

function someRule(rules: RuleList, test: (rule: Rule) => boolean): boolean {
  for (let i = 0; i < rules.length; i++) if (test(rules.at(i))) return true;
  return false;
}

/** `nft list ruleset` shows the rules of iptables-nft and ebtables-nft as well: without their own dumps they are rules of nftables. */
const nftAnswered = (s: Snapshot): boolean => s.parts.some((p) => kindOf(p) === 'nft' && answers(p));
/** `ip -d link` tells the kinds of devices; the `ip` of busybox has no -d. */
const hasNoKinds = (n: NodeState): boolean => n.links.every((l) => l.linkType === 'loopback' || (l.kind === '' && (l.detail ?? []).length === 0));
const kindless = (n: NodeState): string | null =>
  n.links.some((l) => l.linkType !== 'loopback') && hasNoKinds(n) ? 'the node’s ip does not print them (-d)' : null;

/** In the order in which they are told. */
const rows: readonly Row[] = [
  { kind: 'kernel', what: 'the kernel release', effect: 'Linux 6.18 is assumed' },
  { kind: 'links', what: 'devices and their kinds (bridge, vxlan, …)', effect: 'assumed: what is there is plain Ethernet', lacks: kindless },
  { kind: 'addresses', what: 'the addresses', effect: 'a node without addresses is asked for nothing' },
  { kind: 'sysctl', what: 'sysctls, among them ip_forward and rp_filter', effect: 'a packet that arrives at this node is inconclusive where they decide' },
  { kind: 'neigh', what: 'neighbours', effect: 'assumed: none is known, they are asked for' },
  { kind: 'rules', what: 'the rules of policy routing', effect: ROUTES('IPv4') },
  { kind: 'rules6', what: 'the rules of policy routing', effect: ROUTES('IPv6') },
  { kind: 'routes', what: 'the routes', effect: ROUTES('IPv4') },
  { kind: 'routes6', what: 'the routes', effect: ROUTES('IPv6') },
  { kind: 'iptables', what: 'the rules of iptables-legacy', effect: RULES('IPv4') },
  { kind: 'ip6tables', what: 'the rules of ip6tables-legacy', effect: RULES('IPv6') },
  { kind: 'iptables-nft', what: 'the rules of iptables-nft', effect: RULES('IPv4'), matters: (_, s) => !nftAnswered(s) },
  { kind: 'ip6tables-nft', what: 'the rules of ip6tables-nft', effect: RULES('IPv6'), matters: (_, s) => !nftAnswered(s) },
  { kind: 'nft', what: 'native nftables rules', effect: 'assumed: there are none' },
  { kind: 'ebtables', named: /legacy/, what: 'the rules of ebtables', effect: BRIDGED, matters: hasBridge },
  { kind: 'ebtables', named: /^(?!.*legacy)/, what: 'the rules of ebtables-nft', effect: BRIDGED, matters: (n, s) => hasBridge(n) && !nftAnswered(s) },
  { kind: 'ipset', what: 'the IP sets', effect: 'a packet that reaches a rule which names a set is inconclusive', matters: (n) => someRuleOf(n, usesSet) },
  {
    kind: 'fdb',
    what: 'the forwarding databases of bridges and vxlan devices',
    effect: 'assumed: they are empty',
    matters: (n) => hasBridge(n) || n.links.some((l) => l.kind === 'vxlan'),
  },
  {
    kind: 'nfqueue',
    what: 'which queues a program listens to (NFQUEUE)',
    effect: 'a packet that a rule queues is inconclusive',
    matters: (n) => someRuleOf(n, queues) || (n.nftRuleset ?? []).some((t) => t.chains.some((c) => c.rules.some((r) => /\bqueue\b/.test(r.text)))),
  },
  { kind: 'xfrm_policy', what: 'IPsec policies', effect: 'assumed: there are none' },
  { kind: 'xfrm_state', what: 'IPsec states', effect: 'assumed: there are none', matters: (n) => n.xfrmPolicies.length > 0 },
  { kind: 'conntrack', what: 'connections that were there', effect: 'assumed: there were none' },
  { kind: 'sockets', what: 'sockets that listen', effect: 'assumed: nothing listens' },
];

/** Is the family, or the whole feature, missing from the kernel? Then there is nothing to tell. */
const NOT_IN_KERNEL = /not supported|Address family not supported|Protocol not supported/i;
const answers = (p: SnapshotPart): boolean =>
  p.end.kind === 'absent' || (p.end.kind === 'exit' && (p.end.status === 0 || p.errors.some((e) => NOT_IN_KERNEL.test(e))));
const kindOf = (p: SnapshotPart): PartKind | undefined => partOfFile(p.name)?.kind;

/** Each part that matters to this node and did not answer. Of parts with several names (text or JSON, two backends of ebtables) every one that is there counts. */
export function missingParts(s: Snapshot, n: NodeState): readonly MissingPart[] {
  const out: MissingPart[] = [];
  for (const row of rows) {
    const mine = s.parts.filter((p) => kindOf(p) === row.kind && (row.named?.test(p.name) ?? true));
    const bad = mine.find((p) => !answers(p));
    const why = bad ? whyNot(bad) : mine.length === 0 ? 'it is not in the snapshot' : (row.lacks?.(n) ?? null);
    if (why !== null && (!row.matters || row.matters(n, s))) out.push({ kind: row.kind, why });
  }
  return out;
}

function whyNot(p: SnapshotPart): string {
  switch (p.end.kind) {
    case 'missing':
      return `there is no ${p.end.tool} on the node`;
    case 'absent':
    case 'unread':
      return p.end.why;
    case 'cut':
      return 'the snapshot is cut off there';
    case 'exit': {
      const said = p.errors[0] === undefined ? '' : `: ${p.errors[0].trim().slice(0, 200)}`;
      return `“${p.command.slice(0, 80)}” ended with ${p.end.status}${said}`;
    }
  }
}

export const missingWhat = (kind: PartKind): string => rows.find((r) => r.kind === kind)?.what ?? partOfKind(kind).example;

/** A warning for each: what is not known, why, and what becomes of packets. */
export function reportMissing(missing: readonly MissingPart[], s: Snapshot): Diagnostic[] {
  return missing.map(({ kind, why }) => {
    const part = s.parts.find((p) => kindOf(p) === kind && !answers(p));
    const span = { file: s.file, line: part ? part.line - 1 : 1, column: 1, length: 0 };
    const hint = rows.find((r) => r.kind === kind)?.effect;
    return { code: 'part-missing', severity: 'warning', message: `not known of this node: ${missingWhat(kind)}; ${why}`, span, ...(hint ? { hint } : {}) };
  });
}
