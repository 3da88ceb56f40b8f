/** Rule sets as `nft list …` prints them. Rules and elements stand as they were written; what a listing printed comes out as it was. */
import type { NftChain, NftObject, NftRule, NftSet, NftTable } from '../netfilter/nftables/model.js';
import { ruleHandles } from '../netfilter/nftables/rule-handles.js';
import { SetEdit } from '../netfilter/nftables/set-edit.js';
import { statementsOf } from '../netfilter/nftables/statements.js';
import { NftError, NftTokens } from '../netfilter/nftables/tokens.js';
import { writePriority } from './nft-priority.js';

export interface NftPrintOptions {
  /** `-a` */
  readonly handles?: boolean;
  /** `-s`: no counters, no quotas used, no time left. */
  readonly stateless?: boolean;
  /** `-t`: no elements. */
  readonly terse?: boolean;
  /** `-n`, `-y` */
  readonly numericPriority?: boolean;
  /** What a run has made of a rule's text, a set, an object. */
  readonly live?: NftLive;
}
export interface NftLive {
  readonly rule: (t: NftTable, r: NftRule) => string;
  readonly set: (t: NftTable, s: NftSet) => NftSet;
  readonly object: (t: NftTable, o: NftObject) => NftObject;
}

/** What of a table is printed. */
export interface NftParts {
  readonly chains: readonly NftChain[];
  readonly sets: readonly NftSet[];
  readonly objects: readonly NftObject[];
}

export const writeNftRuleset = (tables: readonly NftTable[], o: NftPrintOptions = {}): string => tables.map((t) => writeNftTable(t, o)).join('');

export function writeNftTable(t: NftTable, o: NftPrintOptions = {}): string {
  const isFlowtable = (x: NftObject): boolean => x.kind === 'flowtable';
  const parts = [
    ...t.objects.filter((x) => !isFlowtable(x)).map((x) => objectText(t, x, o)),
    ...t.sets.map((s) => setText(t, s, o)),
    ...t.objects.filter(isFlowtable).map((x) => objectText(t, x, o)),
    ...t.chains.map((c) => chainText(t, c, o, true)),
  ];
  const flags = t.dormant ? '\tflags dormant\n' : '';
  const comment = t.comment === undefined ? '' : `\tcomment "${t.comment}"\n`;
  const gap = flags !== '' && parts.length > 0 ? '\n' : '';
  return `table ${t.family} ${t.name} {${numbered(t.handle, o)}\n${flags}${comment}${gap}${parts.join('\n')}}\n`;
}

/** Some of a table, as `nft list chain`, `nft list sets` and their like print it; `rules` false: chains without theirs. */
export function writeNftParts(t: NftTable, p: Partial<NftParts>, o: NftPrintOptions = {}, rules = true): string {
  const parts = [
    ...(p.objects ?? []).map((x) => objectText(t, x, o)),
    ...(p.sets ?? []).map((s) => setText(t, s, o)),
    ...(p.chains ?? []).map((c) => chainText(t, c, o, rules)),
  ];
  return `table ${t.family} ${t.name} {\n${parts.join('')}}\n`;
}

const numbered = (handle: number | null | undefined, o: NftPrintOptions): string => (o.handles && handle ? ` # handle ${handle}` : '');
/** Blanks and new lines outside of quotes are one blank. */
const oneLine = (text: string): string => (/\\\n|\s\s|[\t\n]/.test(text) ? text.replace(/("[^"]*")|(?:\\\n|\s)+/g, (_, quoted) => quoted ?? ' ') : text);

function chainText(t: NftTable, c: NftChain, o: NftPrintOptions, rules: boolean): string {
  const out = [`\tchain ${c.name} {${numbered(c.handle, o)}\n`];
  if (c.comment !== undefined) out.push(`\t\tcomment "${c.comment}"\n`);
  if (c.base) {
    const { type, hook, devices, priority, policy } = c.base;
    const where = devices === undefined ? '' : devices.length === 1 ? ` device "${devices[0]}"` : ` devices = { ${devices.join(', ')} }`;
    out.push(`\t\ttype ${type} hook ${hook}${where} priority ${o.numericPriority ? priority : writePriority(c.base, t.family)}; policy ${policy};\n`);
  }
  if (c.flags !== undefined) out.push(`\t\tflags ${c.flags}\n`);
  if (rules) {
    const handles = ruleHandles(t);
    for (const r of c.rules) out.push(`\t\t${ruleLine(o.live?.rule(t, r) ?? r.text, o)}${numbered(handles.get(r), o)}\n`);
  }
  return `${out.join('')}\t}\n`;
}

/** A rule on a line, its counters with their numbers or, `stateless`, without. */
export function ruleLine(text: string, o: NftPrintOptions = {}): string {
  return oneLine(/counter|used/.test(text) ? withNumbers(text, (_, said) => (o.stateless ? null : said), o.stateless ?? false) : text);
}

export interface Numbers {
  readonly packets: number;
  readonly bytes: number;
}
/** `counter packets 1 bytes 2` outside of braces with what `now` says, by the offset of the word; null: without numbers. */
export function withNumbers(text: string, now: (offset: number, said: Numbers) => Numbers | null, unused = false): string {
  const t = new NftTokens(text);
  let out = '';
  let from = 0;
  try {
    for (let depth = 0; !t.ended; ) {
      const token = t.next();
      if (token.kind === 'punct') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
      if (unused && depth === 0 && token.kind === 'word' && token.text === 'used' && /mbytes|kbytes|bytes/.test(text)) {
        out += text.slice(from, token.from).trimEnd();
        t.next();
        from = t.next().to;
      }
      if (depth > 0 || token.kind !== 'word' || token.text !== 'counter' || t.is('name')) continue;
      let to = token.to;
      let said: Numbers = { packets: 0, bytes: 0 };
      if (t.take('packets')) {
        const packets = t.number('packets');
        t.expect('bytes');
        const bytes = t.peek();
        said = { packets, bytes: t.number('bytes') };
        to = bytes.to;
      }
      const n = now(token.from, said);
      out += `${text.slice(from, token.to)}${n === null ? '' : ` packets ${n.packets} bytes ${n.bytes}`}`;
      from = to;
    }
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
  }
  return out + text.slice(from);
}

/** The order in which nft prints what stands in a set. */
const ORDER = [
  'type',
  'typeof',
  'policy',
  'size',
  'flags',
  'timeout',
  'gc-interval',
  'auto-merge',
  'counter',
  'quota',
  'limit',
  'last',
  'ct',
  'comment',
  'elements',
];
const rank = (statement: string): number => ORDER.indexOf(/^[\w-]*/.exec(statement)?.[0] ?? '');

function setText(t: NftTable, given: NftSet, o: NftPrintOptions): string {
  const set = canonical(t, o.live?.set(t, given) ?? given);
  let { text } = set;
  if (o.terse || o.stateless)
    text = lines(
      statementsOf(text).flatMap((s) =>
        !s.startsWith('elements') ? [s] : o.terse ? [] : [s.replace(/ expires [0-9a-z]+/g, '').replace(/(counter) packets \d+ bytes \d+/g, '$1')],
      ),
    );
  return `\t${set.kind} ${set.name} {${numbered(set.handle, o)}\n${text.trimEnd()}\n\t}\n`;
}
const lines = (statements: readonly string[]): string => statements.map((s) => `\t\t${s}\n`).join('');

/** A set that a listing printed stays as it is; what somebody wrote is put in nft's order, a statement a line. */
function canonical(t: NftTable, set: NftSet): NftSet {
  if (/^\t\t\S/.test(set.text)) return set;
  const edit = new SetEdit(set, t.family);
  try {
    edit.touch();
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    return { ...set, text: lines(statementsOf(set.text).map(oneLine)) };
  }
  const statements = statementsOf(edit.result(set.handle).text);
  const shown = statements.map((s) => (s.startsWith('elements') ? s : oneLine(s)));
  return { ...set, text: lines(shown.sort((a, b) => rank(a) - rank(b))) };
}

function objectText(t: NftTable, given: NftObject, o: NftPrintOptions): string {
  const { kind, name, handle, text } = o.live?.object(t, given) ?? given;
  const shown = statementsOf(text).flatMap((s) => objectLine(kind, oneLine(s), o));
  const blank = kind === 'counter' && !o.stateless && !shown.some((s) => s.startsWith('packets')) ? ['packets 0 bytes 0'] : [];
  const all = [...shown.filter((s) => s.startsWith('comment')), ...shown.filter((s) => !s.startsWith('comment')), ...blank];
  return `\t${kind} ${name} {${numbered(handle, o)}\n${lines(all)}\t}\n`;
}
function objectLine(kind: string, s: string, o: NftPrintOptions): string[] {
  if (!o.stateless) return [s];
  if (kind === 'counter' && s.startsWith('packets')) return [];
  return [kind === 'quota' ? s.replace(/ used \d+ [km]?bytes/, '') : s];
}
