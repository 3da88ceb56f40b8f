/** The immutable members of a set, made once from text. */
import type { SetParams } from './create.js';
import { type Ext, printExt } from './ext.js';
import { type Layout, layoutOf, printMember } from './member.js';
import type { SetMembers } from './model.js';
import { WordTable } from './table.js';

/** Members of hash and bitmap types. `names`: interface names by number. Nothing in it may be changed. */
export class TableMembers implements SetMembers {
  readonly layout: Layout;
  constructor(
    readonly params: SetParams,
    readonly table: WordTable,
    readonly names: readonly string[],
  ) {
    this.layout = layoutOf(params);
  }
  get size(): number {
    return this.table.size;
  }
  /** What `ipset save` prints behind `add NAME`: bitmaps in ascending order, hashes in the order added (the kernel's order is that of its hash). */
  *text(): Iterable<string> {
    const { table, params, layout, names } = this;
    const w = table.width;
    const rows = params.type.storage === 'bitmap' ? [...table.live()].sort((a, b) => table.rows[a] - table.rows[b]) : table.live();
    for (const row of rows) {
      const ext = table.ext(row);
      yield printMember(table.rows.subarray(row * w, row * w + w), params, layout, names, ext.mac) + printExt(ext, params.kinds, ext.timeout);
    }
  }
}

/** Members of list:set, in order. */
export class ListMembers implements SetMembers {
  constructor(
    readonly params: SetParams,
    readonly entries: readonly ListEntry[],
  ) {}
  get size(): number {
    return this.entries.length;
  }
  *text(): Iterable<string> {
    for (const e of this.entries) yield e.name + printExt(e.ext, this.params.kinds, e.ext.timeout);
  }
}
export interface ListEntry {
  readonly name: string;
  readonly ext: Ext;
}

export const emptyMembers = (params: SetParams): SetMembers =>
  params.type.storage === 'list' ? new ListMembers(params, []) : new TableMembers(params, new WordTable(layoutOf(params).width), []);
