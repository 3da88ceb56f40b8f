import { OptionError } from '../../xtables/extension.js';
import type { EbtGiven, EbtVerdict } from '../model.js';
import { type EbtOption, ebtOption } from '../option.js';

const VERDICTS: readonly EbtVerdict[] = ['ACCEPT', 'DROP', 'RETURN', 'CONTINUE'];
export const isVerdict = (word: string): word is EbtVerdict => (VERDICTS as readonly string[]).includes(word);

/** `--snat-target ACCEPT` and the like: what becomes of the frame behind the target. */
export const verdictOption = (name: string): EbtOption =>
  ebtOption<EbtVerdict>({
    name,
    noInvert: true,
    parse(text) {
      if (!isVerdict(text)) throw new OptionError(`Illegal target '${text}'`, name);
      return text;
    },
    print: String,
  });

/** For targets that print their verdict even where it is the default. */
export const withVerdict = (given: readonly EbtGiven[], option: string, verdict: EbtVerdict): readonly EbtGiven[] =>
  given.some((g) => g.option === option) ? given : [...given, { option, invert: false, value: verdict }];
