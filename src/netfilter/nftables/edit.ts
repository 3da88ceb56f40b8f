/** Rule sets while commands change them (nf_tables_api.c): drafts of tables. What is given stays as it is; result() shares with it what no command touched. */
import { nearest } from '../../base/diagnostic.js';
import { type NftFamily, NftObject, type NftTable } from './model.js';
import { TableEdit } from './table-edit.js';
import { NftError, type NftToken } from './tokens.js';

/** What the kernel answers. */
export function kernelSays(what: 'No such file or directory' | 'File exists' | 'Device or resource busy', token: NftToken | null, hint?: string): never {
  throw new NftError(`Could not process rule: ${what}`, token, hint, 'nft-refused');
}

export class RulesetEdit {
  readonly #tables: TableEdit[] = [];
  readonly #places = new Map<string, TableEdit>();

  constructor(given: readonly NftTable[]) {
    for (const t of given) this.#put(new TableEdit(t));
  }

  #put(t: TableEdit): TableEdit {
    this.#tables.push(t);
    this.#places.set(`${t.family} ${t.name}`, t);
    return t;
  }

  get tables(): readonly TableEdit[] {
    return this.#tables;
  }
  result(): NftTable[] {
    return this.#tables.map((t) => t.result());
  }

  find(family: NftFamily, name: string): TableEdit | undefined {
    return this.#places.get(`${family} ${name}`);
  }
  /** The table that a command names. Throws NftError. */
  table(family: NftFamily, name: NftToken): TableEdit {
    const t = this.find(family, name.text);
    if (t) return t;
    const near = nearest(
      name.text,
      this.#tables.filter((x) => x.family === family).map((x) => x.name),
    );
    const other = this.#tables.find((x) => x.name === name.text);
    const meant = near ? `${family} ${near}` : other ? `${other.family} ${other.name}` : null;
    throw new NftError('No such file or directory', name, meant ? `did you mean table ${meant}?` : tablesThere(this.#tables), 'nft-refused');
  }

  /** `table FAMILY NAME`; one that is there already stays. */
  add(family: NftFamily, name: NftToken, create: boolean, handle: number | null = null): TableEdit {
    const there = this.find(family, name.text);
    if (there && create) kernelSays('File exists', name);
    const last = this.#tables.reduce((n, t) => Math.max(n, t.handle ?? 0), 0);
    return there ?? this.#put(new TableEdit({ family, name: name.text, chains: [], sets: [], objects: [], handle: handle ?? last + 1, last: 0 }, true));
  }
  remove(t: TableEdit): void {
    this.#tables.splice(this.#tables.indexOf(t), 1);
    this.#places.delete(`${t.family} ${t.name}`);
  }
  /** `flush ruleset`. */
  clear(family: NftFamily | null): void {
    for (const t of [...this.#tables]) if (family === null || t.family === family) this.remove(t);
  }
}

const tablesThere = (tables: readonly TableEdit[]): string =>
  tables.length === 0
    ? 'there is no table: nft add table FAMILY NAME'
    : `tables: ${tables
        .slice(0, 12)
        .map((t) => `${t.family} ${t.name}`)
        .join(', ')}`;

export const objectLike = (o: NftObject, handle: number | null): NftObject => (o.handle === handle ? o : new NftObject(o.name, o.kind, o.text, handle, o.at));
