/** `-m comment --comment text`: says something, asks nothing. */
import { ALWAYS } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { saveString } from '../values.js';

/** XT_MAX_COMMENT_LEN without its end mark; longer comments are cut. */
const MAX = 255;

export const comment: MatchDef<{ readonly text: string }> = {
  name: 'comment',
  kernel: 'net/netfilter/xt_comment.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'comment', arg: 'required', mandatory: true, free: true }],
  parse: ([g]) => ({ text: g.value.slice(0, MAX) }),
  always: true,
  print: (d) => ` --comment${saveString(d.text)}`,
  lower: () => [{ kind: 'test', pred: ALWAYS }],
};
