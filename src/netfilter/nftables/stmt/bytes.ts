/** Amounts of data as rules write them: `500 bytes`, `5 kbytes`, `1 mbytes`. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['bytes', 1n],
  ['kbytes', 1024n],
  ['mbytes', 1024n * 1024n],
]);

/** Bytes of a unit; 1 for any other word, which counts packets. */
export const byteUnit = (word: string): bigint => UNITS.get(word) ?? 1n;
/** Is it the name of a unit? */
export const isByteUnit = (word: string): boolean => UNITS.has(word);
