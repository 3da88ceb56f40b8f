/** Runs the snapshot script here: in the namespace of this process, in a named one, or in that of another process. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SNAPSHOT_SCRIPT } from '../formats/snapshot-script.js';

export type CapturePlace = { readonly kind: 'local' } | { readonly kind: 'netns'; readonly name: string } | { readonly kind: 'pid'; readonly pid: number };

/** Where `ip netns add` puts its names. */
const NETNS = '/var/run/netns';

/** Why nothing can be captured there; null = it can be tried. */
export function cannotCapture(place: CapturePlace): string | null {
  if (process.platform !== 'linux')
    return `only Linux can be captured here (this is ${process.platform}); take the script to the node: sim capture --print-script`;
  if (place.kind === 'local') return null;
  if (process.getuid?.() !== 0) return 'only root can enter a network namespace';
  if (place.kind === 'netns')
    return isName(place.name) && existsSync(`${NETNS}/${place.name}`) ? null : `there is no network namespace “${place.name}” (ip netns list shows them)`;
  return existsSync(`/proc/${place.pid}/ns/net`) ? null : `there is no process ${place.pid}`;
}

const isName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.startsWith('-');

function command(place: CapturePlace): readonly [string, readonly string[]] {
  if (place.kind === 'netns') return ['ip', ['netns', 'exec', place.name, 'sh', '-s']];
  if (place.kind === 'pid') return ['nsenter', [`--net=/proc/${place.pid}/ns/net`, 'sh', '-s']];
  return ['sh', ['-s']];
}

export interface Captured {
  readonly text: string;
  /** Of the shell; 0 = the script ran to its end. */
  readonly status: number;
  readonly errors: string;
}

/** `list`: only what would be run. `begun` is told the name of each part as it begins. */
export function capture(place: CapturePlace, list: boolean, begun: (part: string) => void): Promise<Captured> {
  const [file, args] = command(place);
  const child = spawn(file, [...args, ...(list ? ['--', '-n'] : [])], { stdio: ['pipe', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let errors = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (d: Buffer) => {
      chunks.push(d);
      const parts = d.toString('latin1').match(/^== [\w.-]+(?=:)/gm);
      if (parts) begun(parts[parts.length - 1].slice(3));
    });
    child.stderr.setEncoding('utf8').on('data', (d: string) => {
      errors += d;
    });
    const end = (status: number): void => resolve({ text: Buffer.concat(chunks).toString('utf8'), status, errors: errors.trim() });
    child.on('error', (e) => {
      errors += `${file}: ${e.message}`;
      end(127);
    });
    child.on('close', (code) => end(code ?? 1));
    // A shell that is not there closes the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(SNAPSHOT_SCRIPT);
  });
}
