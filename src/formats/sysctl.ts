/**
 * `sysctl -a` (sysctl(8)). A name is a path below /proc/sys. The tool prints it with `/` and `.` exchanged, so that a dot inside a device name
 * shows as a slash: `net.ipv4.conf.eth0/100.rp_filter` is net/ipv4/conf/eth0.100/rp_filter.
 */
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { ReadOptions } from './ip-link.js';
import { linesOf } from './tokens.js';

/** As in scenario/model.ts: `name` with slashes. */
export interface SysctlEntry {
  readonly name: string;
  readonly value: string;
}

/** Directories whose next part is a device name. */
const perDevice = /^net\/(?:ipv4|ipv6|mpls)\/(?:conf|neigh)\//;

/**
 * Canonical name (slashes) of what a person or tool wrote: `a.b.c`, `a/b/c`, either with a device name that holds the other separator, and the ambiguous
 * `net.ipv4.conf.eth0.100.rp_filter`, which sysctl(8) itself cannot resolve but old dumps and people write; null if it is no sysctl name.
 */
export function sysctlName(text: string): string | null {
  const t = text.replace(/^\/?proc\/sys\//, '').replace(/^\//, '');
  if (!/^[^\s./=][^\s=]*$/.test(t) || !/[./]/.test(t)) return null;
  const dot = t.indexOf('.');
  const slash = t.indexOf('/');
  const path = slash >= 0 && (dot < 0 || slash < dot) ? t : t.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));
  if (path.includes('//') || path.endsWith('/')) return null;
  const m = perDevice.exec(path);
  if (!m) return path;
  const rest = path.slice(m[0].length).split('/');
  return rest.length <= 2 ? path : `${m[0]}${rest.slice(0, -1).join('.')}/${rest[rest.length - 1]}`;
}

/** The name as `sysctl -a` prints it. */
export const sysctlText = (name: string): string => name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));

/** Reads `name = value` lines; also sysctl.conf(5) (comments, `name=value`, a leading `-`). What the tool says on stderr in between is passed over. */
export function readSysctl(text: string, options: ReadOptions): Parsed<readonly SysctlEntry[]> {
  const reporter = new Reporter(options.file, text);
  const out: SysctlEntry[] = [];
  for (const line of linesOf(text)) {
    const t = line.text.trim();
    if (t === '' || t.startsWith('#') || t.startsWith(';') || t.startsWith('sysctl:')) continue;
    const m = /^(\s*-?)([^=\s]+)\s*=\s?(.*)$/.exec(line.text);
    if (!m) {
      reporter.error('sysctl-line', 'this is no line of sysctl -a', line.number, 1, line.text.length, 'name = value');
      continue;
    }
    const name = sysctlName(m[2]);
    if (name === null)
      reporter.error('sysctl-name', `“${m[2]}” is no sysctl name`, line.number, m[1].length + 1, m[2].length, 'net.ipv4.ip_forward or net/ipv4/ip_forward');
    else out.push({ name, value: m[3].replace(/\s+$/, '') });
  }
  return { value: out, diagnostics: reporter.diagnostics };
}

/** What `sysctl -a` (or `sysctl NAME…`) prints for these, in the order given. */
export const writeSysctl = (entries: readonly SysctlEntry[]): string => entries.map((e) => `${sysctlText(e.name)} = ${e.value}\n`).join('');
