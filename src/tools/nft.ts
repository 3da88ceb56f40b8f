/** nft(8): rule sets of nftables, changed and listed with one grammar (formats/nft-reader.ts). Tables that iptables-nft made are listed, and changed by iptables. */
import type { Parsed } from '../base/diagnostic.js';
import { applyNft } from '../formats/nft-list.js';
import type { NodeState } from '../scenario/model.js';
import { ownerOf } from '../scenario/parts.js';
import { resetObjects } from './nft-live.js';
import { answerNft } from './nft-question.js';
import { attempt, Refusal, refusalOf } from './refusal.js';
import { complained, type Tool, type ToolContext } from './tool.js';

export interface NftLine {
  readonly flags: ReadonlySet<string>;
  /** The command, or what `-f` reads. */
  readonly text: string;
  /** Of `-f FILE`; null: none, or standard input. */
  readonly path: string | null;
  /** It begins with the word of a question. */
  readonly asks: boolean;
}

/** Long options, by the letter that stands for each. */
const LONG: Readonly<Record<string, string>> = {
  '--handle': 'a',
  '--stateless': 's',
  '--terse': 't',
  '--numeric': 'n',
  '--numeric-priority': 'y',
  '--numeric-protocol': 'p',
  '--numeric-time': 'T',
  '--service': 'S',
  '--reversedns': 'N',
  '--guid': 'u',
  '--check': 'c',
  '--echo': 'e',
  '--file': 'f',
  '--json': 'j',
  '--optimize': 'o',
  '--version': 'v',
  '--help': 'h',
  '--includepath': 'I',
  '--define': 'D',
};

/** Options stand anywhere in front of the command; behind it a word that begins with a dash is its own. Throws Refusal. */
export function nftLine(c: ToolContext): NftLine {
  const flags = new Set<string>();
  const defines: string[] = [];
  let path: string | null = null;
  let at = 0;
  for (; at < c.words.length && c.words[at].startsWith('-') && c.words[at] !== '-'; at++) {
    const word = c.words[at];
    for (const f of word.startsWith('--') ? [LONG[word] ?? ''] : word.slice(1)) {
      if (!Object.values(LONG).includes(f)) throw new Refusal(`unrecognized option '${word}'`, { status: 1, word, hint: 'nft -a, -s, -t, -n, -c, -f -' });
      flags.add(f);
      if (f === 'f' || f === 'D' || f === 'I') {
        const value = c.words[++at] ?? '';
        if (f === 'f') path = value;
        if (f === 'D') defines.push(`define ${value.replace('=', ' = ')}\n`);
      }
    }
  }
  const rest = c.words.slice(at).join(' ');
  const reads = flags.has('f') || (rest === '' && c.stdin !== null);
  const text = reads ? (c.stdin ?? '') : rest;
  const asks = !reads && (/^\s*(list|get|describe|monitor|export)\b/.test(text) || (text === '' && (flags.has('v') || flags.has('h'))));
  const file = reads && path !== null && path !== '-' && path !== '/dev/stdin' ? path : null;
  return { flags, text: defines.join('') + text, path: file, asks };
}

const foreign =
  (n: NodeState) =>
  (family: Parameters<typeof ownerOf>[1], name: string): boolean =>
    ownerOf(n, family, name) !== null;

/** What cannot be read here. Throws Refusal. */
function readable(line: NftLine): NftLine {
  if (line.path !== null)
    throw new Refusal('files are not read here', { code: 'not-supported', word: line.path, hint: 'nft -f - <<EOF, or apply: nft in a scenario' });
  if (line.flags.has('j')) throw new Refusal('rule sets in JSON are not read', { code: 'not-supported', hint: 'nft -f - reads the other syntax' });
  return line;
}

function change(n: NodeState, c: ToolContext): Parsed<NodeState> | null {
  let line: NftLine;
  try {
    line = readable(nftLine(c));
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { value: n, diagnostics: [refusalOf(e, c)] };
  }
  if (line.asks) return null;
  const before = n.nftRuleset ?? [];
  const r = applyNft(line.text, before, { file: c.file, foreign: foreign(n) });
  const same = r.value.length === before.length && r.value.every((t, i) => t === before[i]);
  return { value: same || line.flags.has('c') ? n : { ...n, nftRuleset: r.value }, diagnostics: r.diagnostics };
}

const nft: Tool = {
  names: ['nft'],
  settles: ['nft'],
  change,
  act(n, c) {
    const line = nftLine(c);
    if (line.asks || line.path !== null) return null;
    if (/\breset\s/.test(line.text)) resetObjects(n, applyNft(line.text, n.given.nftRuleset ?? [], { file: c.file, foreign: foreign(n.given) }).resets);
    return [];
  },
  answer(n, c) {
    try {
      const line = nftLine(c);
      return line.asks ? answerNft(n, line) : null;
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return complained(`nft: ${e.message}`, 1);
    }
  },
};

const arptables: Tool = {
  names: ['arptables'],
  change: (n, c) =>
    attempt(n, c, () => {
      throw new Refusal('arptables commands are not supported', { code: 'not-supported', word: c.name, hint: 'nft has tables of the family arp' });
    }),
  answer: () => complained('sim: arptables commands are not supported', 2),
};

const tools: readonly Tool[] = [nft, arptables];

export const nftTools = (): readonly Tool[] => tools;
