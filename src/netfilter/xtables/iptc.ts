/** What libiptc refuses, and its words for it. */

/** Words of the errno strings that iptc_strerror() gives. */
export const IPTC = {
  noChain: 'No chain/target/match by that name.',
  badRule: 'Bad rule (does a matching rule exist in that chain?).',
  chainExists: 'Chain already exists.',
  notEmpty: 'Directory not empty.',
  tooManyLinks: 'Too many links.',
  badBuiltin: 'Bad built-in chain name.',
  badPolicy: "Bad policy name. Run `dmesg' for more information.",
  indexDelete: 'Index of deletion too big.',
  indexReplace: 'Index of replacement too big.',
  indexInsert: 'Index of insertion too big.',
  indexCounter: 'Index of counter too big.',
  invalid: "Invalid argument. Run `dmesg' for more information.",
  loop: 'Too many levels of symbolic links.',
} as const;

/** Refused by libiptc, in its words (without "iptables: "). */
export class EditError extends Error {}
