/** `-m comment --comment text`: says something, asks nothing. */
import { ALWAYS } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { saveString } from '../values.js';

/** XT_MAX_COMMENT_LEN, its end mark included. */
const MAX = 256;

export const comment: MatchDef<{ readonly text: string }> = {
  name: 'comment',
  kernel: 'net/netfilter/xt_comment.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'comment', arg: 'required', mandatory: true }],
  parse: ([g]) => {
    if (g.value.length > MAX) throw new OptionError(`Argument must have a maximum length of ${MAX} characters`, 'comment');
    return { text: g.value.slice(0, MAX - 1) };
  },
  print: (d) => ` --comment${saveString(d.text)}`,
  lower: () => [{ kind: 'test', pred: ALWAYS }],
};
