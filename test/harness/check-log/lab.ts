/**
 * Routers recorded on Linux 6.18 (iptables 1.8.9, both backends; rules of nft 1.0.6 itself, with a bridge, and beside those of iptables): their dumps, and what the kernel log,
 * xtables-monitor and nft monitor trace showed of their traffic.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readTraceLog } from '../../../src/formats/trace-log.js';
import type { TraceLog } from '../../../src/formats/trace-log-types.js';
import { checkLog, type LogCheck } from '../../../src/harness/check-log/check.js';
import type { NodeState } from '../../../src/scenario/model.js';
import { nodeFromFiles } from '../../../src/scenario/node.js';
import { execute } from '../../../src/tools/execute.js';

const dir = new URL('recorded/', import.meta.url).pathname;

export type Edits = Readonly<Record<string, (text: string) => string | null>>;

/** The dump, with some of its files changed; null takes one away. */
export function dump(backend: 'legacy' | 'nft' | 'native' | 'native-bridge' | 'mixed' | 'kube', edits: Edits = {}): NodeState {
  const files = readdirSync(`${dir}${backend}`).flatMap((name) => {
    const text = readFileSync(`${dir}${backend}/${name}`, 'utf8');
    const edited = Object.hasOwn(edits, name) ? edits[name](text) : text;
    return edited === null ? [] : [{ path: name, text: edited }];
  });
  const { value, diagnostics } = nodeFromFiles('gw', files);
  const wrong = diagnostics.find((d) => d.severity === 'error');
  if (wrong) throw new Error(wrong.message);
  return value;
}

export type Recording =
  | 'legacy.kernel-log'
  | 'nft.xtables-monitor'
  | 'nft.nft-trace'
  | 'native.nft-trace'
  | 'native-bridge.nft-trace'
  | 'native-rule.nft-trace'
  | 'native-user.nft-trace'
  | 'mixed.nft-trace'
  | 'kube.nft-trace';
export const linesOf = (name: Recording): string[] =>
  readFileSync(dir + name, 'utf8')
    .trimEnd()
    .split('\n');

export function logOf(lines: Iterable<string>, file = 'trace.log'): TraceLog {
  const { value, diagnostics } = readTraceLog(lines, file);
  if (value === null) throw new Error(diagnostics.map((d) => d.message).join('; '));
  return value;
}

export function check(node: NodeState, lines: Iterable<string>, commands: readonly string[] = []): LogCheck {
  const c = checkLog(node, logOf(lines), execute, commands);
  if ('failed' in c) throw new Error(c.failed.map((d) => d.message).join('; '));
  return c;
}

/** Of `nft monitor trace`: the lines of packets whose packet line matches. */
export function ofPackets(lines: readonly string[], which: RegExp): string[] {
  const told = new Map<string, boolean>();
  return lines.filter((l) => {
    const id = l.split(' ', 3)[2];
    if (l.includes(' packet: ')) told.set(id, which.test(l));
    return told.get(id) ?? false;
  });
}
