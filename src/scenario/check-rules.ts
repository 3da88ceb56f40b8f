/** What iptables-restore would refuse and the reader keeps, since it cannot know: jumps that are neither a chain of the table nor an extension that exists anywhere. */
import { type Diagnostic, nearest } from '../base/diagnostic.js';
import type { Rule, XtRuleset } from '../netfilter/xtables/model.js';

/** Targets of iptables-extensions(8), older releases, OpenWrt and xtables-addons, written in capitals without dashes; one of these may be missing here and still be right. */
const elsewhere: ReadonlySet<string> = new Set(
  (
    'ACCOUNT AUDIT BALANCE CHAOS CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DELUDE DHCPMAC DNAT DNETMAP DNPT DSCP ECHO ECN FLOWOFFLOAD FULLCONENAT HL HMARK ' +
    'IDLETIMER IMQ IPMARK LED LOG LOGMARK MARK MASQUERADE MIRROR NDPI NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT ROUTE RTPENGINE SAME SECMARK SET SNAT SNPT ' +
    'SYNPROXY SYSRQ TARPIT TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG'
  ).split(' '),
);

/** Errors for jumps into nothing, warnings for extensions that are kept as text. */
export function checkRules(ruleset: XtRuleset, text: string): Diagnostic[] {
  const out: Diagnostic[] = [];
  let lines: string[] | null = null;
  for (const table of ruleset.tables) {
    for (const chain of table.chains) {
      for (let i = 0; i < chain.rules.length; i++) {
        if (!chain.rules.kind(i).hasUnknown) continue;
        const rule = chain.rules.at(i);
        lines ??= text.split('\n');
        const found = checkRule(
          rule,
          table.chains.map((c) => c.name),
        );
        for (const f of found) out.push(placed(f, rule, lines));
      }
    }
  }
  return out;
}

interface Finding {
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly word: string;
}

function checkRule(rule: Rule, chains: readonly string[]): Finding[] {
  const out: Finding[] = [];
  for (const m of rule.matches)
    if (m.def === null)
      out.push({
        severity: 'warning',
        code: 'match-not-supported',
        message: `the match “${m.name}” is not known here`,
        hint: 'it is kept as text; a packet that reaches this rule is inconclusive',
        word: m.name,
      });
  const t = rule.target;
  if (t.kind !== 'unknown') return out;
  if (elsewhere.has(t.name))
    out.push({
      severity: 'warning',
      code: 'target-not-supported',
      message: `the target ${t.name} is not known here`,
      hint: 'it is kept as text; a packet that this rule matches is inconclusive',
      word: t.name,
    });
  else {
    const near = nearest(t.name, [...chains, ...elsewhere, 'ACCEPT', 'DROP', 'RETURN', 'QUEUE']);
    const hint = near === undefined ? `declare it: :${t.name} - [0:0]` : `did you mean “${near}”?`;
    out.push({ severity: 'error', code: 'jump-to-missing-chain', message: `there is neither a chain nor a target “${t.name}”`, hint, word: t.name });
  }
  return out;
}

/** The kernel's complaint about a missing set, moved to the set's name and with a hint. */
export function namingSet(d: Diagnostic, sets: readonly { readonly name: string }[]): Diagnostic {
  const name = /\bSet (\S+) doesn't exist/.exec(d.message)?.[1];
  if (name === undefined || !d.span) return d;
  const names = sets.map((s) => s.name);
  const near = nearest(name, names);
  const at = d.sourceLine?.indexOf(` ${name}`) ?? -1;
  return {
    ...d,
    code: 'unknown-set',
    message: `there is no set “${name}”`,
    hint:
      near === undefined ? (names.length === 0 ? 'the node has no sets: give it ipset:' : `sets: ${names.slice(0, 12).join(', ')}`) : `did you mean “${near}”?`,
    span: at < 0 ? d.span : { ...d.span, column: at + 2, length: name.length },
  };
}

function placed(f: Finding, rule: Rule, lines: readonly string[]): Diagnostic {
  const { word, ...rest } = f;
  if (!rule.span) return { ...rest, span: null };
  const line = lines[rule.span.line - 1] ?? '';
  const at = line.search(new RegExp(`(?<=[\\s])${word.replace(/[^\w-]/g, '\\$&')}(?=\\s|$)`));
  return { ...rest, span: { ...rule.span, column: Math.max(0, at) + 1, length: at < 0 ? line.length : word.length }, sourceLine: line.slice(0, 300) };
}
