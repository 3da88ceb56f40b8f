/** ANSI colours, or nothing at all. */
export type Paint = (style: 'bad' | 'good' | 'head' | 'faint', text: string) => string;

const CODES = { bad: '1;31', good: '32', head: '1', faint: '2' } as const;

export const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
