/** iptables' own extension test tables (extensions/*.t) as part of a conformance run: accepted or refused alike, printed alike. */
import { type ExtTableFailure, scoreExtensionTable } from '../../formats/ext-table.js';
import { percent } from './report.js';

export interface ExtensionTable {
  readonly file: string;
  readonly lines: number;
  readonly alike: number;
  readonly failed: readonly ExtTableFailure[];
}

export function extensionTable(file: string, text: string): ExtensionTable {
  const { ok, failed } = scoreExtensionTable(text, file);
  return { file, lines: ok + failed.length, alike: ok, failed };
}

const sum = (tables: readonly ExtensionTable[], f: (t: ExtensionTable) => number): number => tables.reduce((n, t) => n + f(t), 0);

/** Share of lines alike, in percent. */
export function extensionShare(tables: readonly ExtensionTable[]): number {
  const lines = sum(tables, (t) => t.lines);
  return lines === 0 ? 0 : (100 * sum(tables, (t) => t.alike)) / lines;
}

export function extensionText(tables: readonly ExtensionTable[]): string {
  const lines = sum(tables, (t) => t.lines);
  const alike = sum(tables, (t) => t.alike);
  let out = `extension tables: ${tables.length} files, ${alike} of ${lines} lines alike (${percent(alike, lines)} %)\n`;
  for (const t of tables) for (const f of t.failed) out += `${t.file}:${f.line}: ${f.rule}\n    wanted ${f.wanted}\n    got    ${f.got}\n`;
  return out;
}

/** `--json`: lines, alike and every line that differs. */
export function extensionJson(tables: readonly ExtensionTable[]): unknown {
  return {
    lines: sum(tables, (t) => t.lines),
    alike: sum(tables, (t) => t.alike),
    failed: tables.flatMap((t) => t.failed.map((f) => ({ file: t.file, ...f }))),
  };
}
