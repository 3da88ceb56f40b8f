/** sysctl(8): `-w name=value`, `name=value`, `name`, `-a`, `-n`. */
import { Reporter } from '../base/diagnostic.js';
import { sysctlName } from '../formats/sysctl.js';
import type { NodeState, Sysctl } from '../scenario/model.js';
import type { Tool } from './tool.js';

function set(n: NodeState, name: string, value: string): NodeState {
  const at = n.sysctls.findIndex((s) => s.name === name);
  const entry: Sysctl = { name, value };
  const sysctls = at < 0 ? [...n.sysctls, entry] : n.sysctls.map((s, i) => (i === at ? entry : s));
  return { ...n, sysctls: also(sysctls, name, value) };
}

/** Writing all/forwarding or ip_forward sets every device (inet_forward_change); conf/default only what comes later. */
function also(list: readonly Sysctl[], name: string, value: string): readonly Sysctl[] {
  const family = name === 'net/ipv4/ip_forward' || name === 'net/ipv4/conf/all/forwarding' ? 'ipv4' : name === 'net/ipv6/conf/all/forwarding' ? 'ipv6' : null;
  if (family === null) return list;
  const pattern = new RegExp(`^net/${family}/conf/[^/]+/forwarding$`);
  return list.map((s) => (pattern.test(s.name) || (family === 'ipv4' && s.name === 'net/ipv4/ip_forward') ? { name: s.name, value } : s));
}

export const sysctlTool: Tool = {
  names: ['sysctl'],
  change(n, c) {
    const reporter = new Reporter(c.file, c.text);
    let state = n;
    for (const w of c.words) {
      if (w.startsWith('-')) continue;
      const eq = w.indexOf('=');
      if (eq < 0) continue;
      const name = sysctlName(w.slice(0, eq).trim());
      if (name === null) {
        reporter.error('sysctl-name', `sysctl: cannot stat /proc/sys/${w.slice(0, eq)}: No such file or directory`, 1, c.text.indexOf(w) + 1, w.length);
        continue;
      }
      state = set(state, name, w.slice(eq + 1).trim());
    }
    return { value: state, diagnostics: reporter.diagnostics };
  },
  answer(n, c) {
    if (c.words.some((w) => w.includes('='))) return null;
    const bare = c.words.includes('-n');
    const lines: string[] = [];
    for (const w of c.words.filter((x) => !x.startsWith('-'))) {
      const name = sysctlName(w);
      const value = name === null ? undefined : (n.given.sysctls.find((s) => s.name === name)?.value ?? String(n.sysctl(name)));
      lines.push(bare ? `${value}` : `${w.replaceAll('/', '.')} = ${value}`);
    }
    return { stdout: lines.map((l) => `${l}\n`).join(''), stderr: '', status: 0 };
  },
};
