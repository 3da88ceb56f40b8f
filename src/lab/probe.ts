/** What the kernel at hand lacks, found by trying it in a namespace that is thrown away. */
import { execFileSync } from 'node:child_process';
import { PREFIX } from './bench.js';

/** A command that succeeds where the kernel has it. */
const TRIALS: Readonly<Record<string, readonly string[]>> = {
  bridge: ['ip', 'link', 'add', 'probe', 'type', 'bridge'],
  vxlan: ['ip', 'link', 'add', 'probe', 'type', 'vxlan', 'id', '1', 'dstport', '8472'],
  vlan: ['ip', 'link', 'add', 'link', 'lo', 'name', 'probe', 'type', 'vlan', 'id', '5'],
  ipip: ['ip', 'link', 'add', 'probe', 'type', 'ipip', 'local', '192.0.2.1', 'remote', '192.0.2.2'],
  esp: ['ip', 'xfrm', 'state', 'add', 'src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'esp', 'spi', '1', 'mode', 'tunnel', 'enc', 'ecb(cipher_null)', ''],
};

const known = new Map<string, string | null>();

/** Why the kernel does not take it: the tool's own words; null when it does. `what`: a kind of device, or `esp`. */
export function kernelLacks(what: string): string | null {
  let why = known.get(what);
  if (why === undefined) known.set(what, (why = tried(TRIALS[what] ?? ['ip', 'link', 'add', 'probe', 'type', what])));
  return why;
}

function tried(command: readonly string[]): string | null {
  const netns = `${PREFIX}${process.pid}-probe`;
  try {
    execFileSync('ip', ['netns', 'add', netns], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'exec', netns, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
    return null;
  } catch (e) {
    const said = (e as { stderr?: Buffer | null }).stderr?.toString().trim().split('\n')[0] ?? '';
    return said.replace(/^(Error|RTNETLINK answers): /, '') || 'it was refused';
  } finally {
    try {
      execFileSync('ip', ['netns', 'del', netns], { stdio: 'ignore' });
    } catch {
      // It had not been made.
    }
  }
}
