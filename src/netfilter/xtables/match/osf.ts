/** `-p tcp -m osf [!] --genre name [--ttl 0..2] [--log 0..2]`: passive fingerprints, which no dump holds. */
import type { MatchDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { unsupportedSteps } from '../unsupported.js';
import { bang, given, uint } from '../values.js';

interface OsfMatch {
  readonly genre: string;
  readonly invert: boolean;
  readonly ttl: number | null;
  readonly log: number | null;
}
const MAX_GENRE = 31;

const print = (d: OsfMatch): string =>
  `${bang(d.invert)} --genre ${d.genre}${d.ttl === null ? '' : ` --ttl ${d.ttl}`}${d.log === null ? '' : ` --log ${d.log}`}`;

export const osf: MatchDef<OsfMatch> = {
  name: 'osf',
  kernel: 'net/netfilter/xt_osf.c',
  families: ['ipv4'],
  protocols: [6],
  hooks: ['INPUT', 'PREROUTING', 'FORWARD'],
  options: [
    { name: 'genre', arg: 'required', invert: true, mandatory: true },
    { name: 'ttl', arg: 'required' },
    { name: 'log', arg: 'required' },
  ],
  parse: (gs) => {
    const genre = given(gs, 'genre')!;
    const ttl = given(gs, 'ttl');
    const log = given(gs, 'log');
    if (genre.value.length > MAX_GENRE) throw new OptionError(`genre "${genre.value}" is too long`, 'genre');
    return { genre: genre.value, invert: genre.invert, ttl: ttl ? uint('osf', ttl, 0, 2) : null, log: log ? uint('osf', log, 0, 2) : null };
  },
  print,
  lower: (d) => unsupportedSteps('osf', print(d)),
  unsupported: true,
};
