/** What a lab needs of the machine, found by asking. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { TRACEFS } from './drops.js';

const TOOLS = ['ip', 'iptables-legacy-restore', 'iptables-legacy-save', 'ipset', 'nft', 'conntrack', 'tcpdump', 'socat', 'sh'] as const;

/** A sentence for each thing that is missing; empty = a lab can be built. `more`: tools besides those of every lab. */
export function missing(more: readonly string[] = []): string[] {
  const out: string[] = [];
  if (process.platform !== 'linux') return [`a lab needs Linux (this is ${process.platform})`];
  if (process.getuid?.() !== 0) out.push('not root');
  for (const t of [...TOOLS, ...more]) {
    try {
      execFileSync('sh', ['-c', `command -v ${t}`], { stdio: 'ignore' });
    } catch {
      out.push(`no ${t}`);
    }
  }
  if (out.length > 0) return out;
  if (!existsSync(`${TRACEFS}/events/skb/kfree_skb/enable`)) out.push(`no drop events: mount -t tracefs nodev ${TRACEFS}`);
  const name = `nfsim-${process.pid}-probe`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  } catch {
    out.push('network namespaces cannot be made');
  }
  return out;
}
