/** The lines of a file of any size, one by one: only a piece of it is in memory, and a line without an end is cut. */
import { closeSync, openSync, readSync } from 'node:fs';

const PIECE = 1 << 20;

/** null where it cannot be read. `longest`: characters of a line that are kept. */
export function linesOfFile(path: string, longest: number): Iterable<string> | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
    readSync(fd, Buffer.alloc(1), 0, 0, null);
  } catch {
    return null;
  }
  return lines(fd, longest);
}

function* lines(fd: number, longest: number): Generator<string> {
  const piece = Buffer.alloc(PIECE);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const n = readSync(fd, piece, 0, PIECE, null);
      if (n === 0) break;
      const parts = decoder.decode(piece.subarray(0, n), { stream: true }).split('\n');
      parts[0] = rest + parts[0];
      rest = parts.pop() ?? '';
      yield* parts;
      if (rest.length > longest) rest = rest.slice(0, longest);
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}
