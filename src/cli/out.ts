/** Standard output for what is written at once. Node's own stream takes longer to load than most answers to work out; it is asked for where it is needed. */
import { fstatSync, statSync, writeSync } from 'node:fs';

const STDOUT = 1;
let streaming = false;

/** Writes all of it. What the kernel does not take (a pipe that does not block, or whose reader is gone) is left to the stream. */
export function out(text: string | Uint8Array): void {
  let rest = typeof text === 'string' ? Buffer.from(text) : text;
  try {
    while (!streaming && rest.length > 0) rest = rest.subarray(writeSync(STDOUT, rest));
  } catch {
    streaming = true;
  }
  if (rest.length > 0) process.stdout.write(rest);
}

/** Whether somebody reads it on a terminal. */
export function onTerminal(): boolean {
  try {
    const s = fstatSync(STDOUT);
    return s.isCharacterDevice() && s.rdev !== statSync('/dev/null').rdev && process.stdout.isTTY;
  } catch {
    return false;
  }
}
