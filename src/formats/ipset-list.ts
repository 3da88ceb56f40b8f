/** `ipset list` text: a block a set, its header's options those of `create`, its members those of `add`. */
import { type Parsed, Reporter } from '../base/diagnostic.js';
import { SetTable } from '../netfilter/ipset/commands.js';
import type { IpSet } from '../netfilter/ipset/model.js';
import { IpsetError } from '../netfilter/ipset/types.js';
import { splitWords } from '../netfilter/ipset/words.js';

/** Values that are counted, not set. */
const TOLD = /^(Revision|Size in memory|References|Number of entries): /;

interface MemberLine {
  readonly set: string;
  readonly words: readonly string[];
  readonly line: number;
}

/**
 * The sets that the text shows; members of a list:set may stand before the sets they name. A terse listing (`-t`) gives empty sets.
 * Sets named in a list:set that the text does not show are errors.
 */
export function readIpsetList(text: string, o: { readonly file: string }): Parsed<readonly IpSet[]> {
  const reporter = new Reporter(o.file, text);
  const table = new SetTable();
  const members: MemberLine[] = [];
  let name = '';
  let type = '';
  let listing = false;
  const lines = text.split('\n');
  const attempt = (line: number, act: () => void): void => {
    try {
      act();
    } catch (e) {
      if (!(e instanceof IpsetError)) throw e;
      const source = lines[line - 1];
      const at = e.word === undefined ? -1 : source.indexOf(e.word);
      reporter.error(e.code, e.message, line, at < 0 ? 1 : at + 1, at < 0 ? source.length : (e.word as string).length, e.hint);
    }
  };
  lines.forEach((raw, i) => {
    const line = raw.trimEnd();
    const number = i + 1;
    if (line === '') return;
    const field = /^(Name|Type|Header|Members): ?(.*)$/.exec(line);
    if (field?.[1] === 'Name') {
      name = field[2];
      listing = false;
    } else if (listing) {
      const words = splitWords(line);
      if (words) members.push({ set: name, words: words.map((w) => w.text), line: number });
      else reporter.error('ipset-quote', 'Missing close quote!', number, 1, line.length);
    } else if (field?.[1] === 'Type') type = field[2];
    else if (field?.[1] === 'Header')
      attempt(number, () =>
        table.create(
          name,
          type,
          field[2].split(' ').filter((w) => w !== ''),
          { exist: false, warn: () => {} },
        ),
      );
    else if (field?.[1] === 'Members') listing = true;
    else if (!TOLD.test(line)) reporter.error('ipset-list-line', 'not a line of `ipset list`', number, 1, line.length);
  });
  for (const m of members) attempt(m.line, () => table.add(m.set, m.words[0], m.words.slice(1), false));
  return { value: table.freeze(), diagnostics: reporter.diagnostics };
}
