/** Texts of files. */
import { isAscii } from 'node:buffer';
import { readFileSync } from 'node:fs';

/** A file as UTF-8; `0` is standard input. Big dumps are ASCII, which takes half the time to become a string when it is known to be nothing else. */
export function readText(path: string | 0): string {
  const bytes = readFileSync(path);
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}
