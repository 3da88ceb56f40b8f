/** `nft list …` and `nft get element …`: what nft prints of the running node, and how it complains. */
import { nearest } from '../base/diagnostic.js';
import { type NftParts, type NftPrintOptions, writeNftParts, writeNftRuleset, writeNftTable } from '../formats/nft-print.js';
import { FAMILIES } from '../formats/nft-reader.js';
import type { NftFamily, NftTable } from '../netfilter/nftables/model.js';
import { SetEdit } from '../netfilter/nftables/set-edit.js';
import { NftError, type NftToken, NftTokens } from '../netfilter/nftables/tokens.js';
import type { NodeRun } from '../stack/node-run.js';
import type { NftLine } from './nft.js';
import { liveNft } from './nft-live.js';
import { type Answer, complained, said } from './tool.js';

const VERSION = 'nftables v1.0.6 (Lester Gooch #5)\n';
/** What `list` is asked for in the plural, and what each is of a table. */
const KINDS: Readonly<Record<string, (t: NftTable) => Partial<NftParts>>> = {
  sets: (t) => ({ sets: t.sets.filter((s) => s.kind === 'set') }),
  maps: (t) => ({ sets: t.sets.filter((s) => s.kind === 'map') }),
  meters: () => ({}),
  counters: (t) => ({ objects: t.objects.filter((o) => o.kind === 'counter') }),
  quotas: (t) => ({ objects: t.objects.filter((o) => o.kind === 'quota') }),
  limits: (t) => ({ objects: t.objects.filter((o) => o.kind === 'limit') }),
  secmarks: (t) => ({ objects: t.objects.filter((o) => o.kind === 'secmark') }),
  synproxys: (t) => ({ objects: t.objects.filter((o) => o.kind === 'synproxy') }),
  flowtables: (t) => ({ objects: t.objects.filter((o) => o.kind === 'flowtable') }),
};

export function answerNft(n: NodeRun, line: NftLine): Answer {
  if (line.text === '') return said(line.flags.has('v') ? VERSION : 'Usage: nft [ options ] [ cmds... ]\n');
  if (line.flags.has('j')) return complained('Error: JSON support not compiled-in', 1);
  const o: NftPrintOptions = {
    handles: line.flags.has('a'),
    stateless: line.flags.has('s'),
    terse: line.flags.has('t'),
    numericPriority: line.flags.has('n') || line.flags.has('y'),
    live: liveNft(n),
  };
  const q = new Question(n.given.nftRuleset ?? [], line.text, o);
  try {
    return said(q.answer());
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    return complained(nftComplaint(e, line.text), 1);
  }
}

/** `Error: …`, the command, and a caret below what is wrong with it. */
export function nftComplaint({ message, token }: NftError, text: string): string {
  const from = token?.from ?? text.length;
  return `Error: ${message}\n${text}\n${' '.repeat(from)}${'^'.repeat(Math.max(1, (token?.to ?? from) - from))}`;
}

class Question {
  readonly #t: NftTokens;
  constructor(
    readonly tables: readonly NftTable[],
    text: string,
    readonly o: NftPrintOptions,
  ) {
    this.#t = new NftTokens(text);
  }

  answer(): string {
    const t = this.#t;
    const verb = t.next();
    const out = verb.text === 'get' ? this.#get() : verb.text === 'list' ? this.#list() : this.#unexpected(verb);
    if (!t.ended) this.#unexpected(t.peek());
    return out;
  }

  #unexpected(token: NftToken): never {
    const what = token.kind === 'end' ? 'newline' : token.kind === 'word' ? (/^\d+$/.test(token.text) ? 'number' : 'string') : token.text;
    throw new NftError(`syntax error, unexpected ${what}`, token.kind === 'end' ? { ...token, to: token.from + 1 } : token);
  }

  #list(): string {
    const t = this.#t;
    const { o } = this;
    const token = t.next();
    const kind = token.text;
    if (kind === 'ruleset') return writeNftRuleset(this.#ofFamily(), o);
    if (kind === 'tables')
      return this.#ofFamily()
        .map((x) => `table ${x.family} ${x.name}\n`)
        .join('');
    if (kind === 'table') return writeNftTable(this.#table(), o);
    if (kind === 'chains')
      return this.#ofFamily()
        .map((x) => writeNftParts(x, { chains: x.chains }, o, false))
        .join('');
    if (kind === 'chain') {
      const table = this.#table();
      return writeNftParts(table, { chains: [this.#named(table.chains, table, 'chain')] }, o);
    }
    if (Object.hasOwn(KINDS, kind)) {
      const of = KINDS[kind];
      const tables = t.take('table') ? [this.#table()] : this.#ofFamily();
      return tables.map((x) => writeNftParts(x, of(x), o)).join('');
    }
    if (kind === 'set' || kind === 'map' || kind === 'meter') {
      const table = this.#table();
      const sets = table.sets.filter((s) => (s.kind === 'map') === (kind === 'map'));
      return writeNftParts(table, { sets: [this.#named(sets, table, 'set')] }, o);
    }
    const plural = `${kind}s`;
    if (kind === 'ct' || Object.hasOwn(KINDS, plural)) {
      const object = kind === 'ct' ? `ct ${t.word('the kind of an object').text}` : kind;
      const table = this.#table();
      const objects = table.objects.filter((x) => x.kind === object);
      return writeNftParts(table, { objects: [this.#named(objects, table, 'obj')] }, o);
    }
    return this.#unexpected(token);
  }

  /** `get element FAMILY TABLE SET { … }` */
  #get(): string {
    const t = this.#t;
    if (!t.take('element')) this.#unexpected(t.peek());
    const table = this.#table();
    const set = this.o.live?.set(table, this.#named(table.sets, table, 'set'));
    if (!set) return '';
    const from = t.mark();
    while (!t.ended) t.next();
    const edit = new SetEdit(set, table.family);
    try {
      edit.replace(edit.get(t.text.slice(from)));
    } catch (e) {
      if (!(e instanceof NftError) || !e.token) throw e;
      throw new NftError(e.message, { ...e.token, from: e.token.from + from, to: e.token.to + from });
    }
    return writeNftParts(table, { sets: [edit.result(set.handle)] }, { ...this.o, ...(this.o.live ? { live: { ...this.o.live, set: (_, s) => s } } : {}) });
  }

  #ofFamily(): readonly NftTable[] {
    const family = this.#family();
    return family === null ? this.tables : this.tables.filter((x) => x.family === family);
  }
  #family(): NftFamily | null {
    return FAMILIES.includes(this.#t.peek().text) ? (this.#t.next().text as NftFamily) : null;
  }
  #table(): NftTable {
    const family = this.#family() ?? 'ip';
    const name = this.#name();
    const table = this.tables.find((x) => x.family === family && x.name === name.text);
    if (table) return table;
    const near = this.tables.find((x) => x.family === family && nearest(name.text, [x.name]) !== undefined) ?? this.tables.find((x) => x.name === name.text);
    throw new NftError(`No such file or directory${near ? `; did you mean table ‘${near.name}’ in family ${near.family}?` : ''}`, name);
  }
  #name(): NftToken {
    const token = this.#t.next();
    if (token.kind !== 'word' && token.kind !== 'string') this.#unexpected(token);
    return token;
  }
  #named<T extends { readonly name: string }>(all: readonly T[], table: NftTable, what: string): T {
    const name = this.#name();
    const found = all.find((x) => x.name === name.text);
    if (found) return found;
    const near = nearest(
      name.text,
      all.map((x) => x.name),
    );
    throw new NftError(`No such file or directory${near ? `; did you mean ${what} ‘${near}’ in table ${table.family} ‘${table.name}’?` : ''}`, name);
  }
}
