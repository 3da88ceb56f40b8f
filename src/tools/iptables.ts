/** iptables(8), ip6tables(8): changes with the tool's own grammar and answers. */
import { applyIptablesCommand } from '../formats/iptables-command.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { NodeState } from '../scenario/model.js';
import { describeSets } from './sets.js';
import type { Tool } from './tool.js';

const empty = (family: 'ipv4' | 'ipv6'): XtRuleset => ({ family, tables: [] });

function tool(names: readonly string[], family: 'ipv4' | 'ipv6', key: 'iptables' | 'ip6tables'): Tool {
  return {
    names,
    change(n: NodeState, c) {
      const r = applyIptablesCommand(c.words, n[key] ?? empty(family), { file: c.file, sets: describeSets(n) });
      return { value: r.value.ruleset === n[key] ? n : { ...n, [key]: r.value.ruleset }, diagnostics: r.diagnostics };
    },
  };
}

export const iptablesTools: readonly Tool[] = [tool(['iptables', 'iptables-legacy'], 'ipv4', 'iptables'), tool(['ip6tables', 'ip6tables-legacy'], 'ipv6', 'ip6tables')];
