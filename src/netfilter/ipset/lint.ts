/** What is wrong with how a rule uses a set: facts of the rule's text and the set, before any packet comes. */
import type { Family } from '../../base/addr.js';
import type { IpSet } from './model.js';
import { setType } from './types.js';

export interface SetUseFinding {
  readonly code: 'set-too-few-directions' | 'set-wrong-family' | 'set-empty';
  readonly message: string;
}

const FAMILY_WORD = { ipv4: 'IPv4', ipv6: 'IPv6', unspec: 'any' } as const;

/**
 * `dirs`: directions that the rule gives (one per dimension of the set is needed); `family`: the rule's. Each finding is a sentence that names the set.
 * `sets`: the others, to look into a list:set.
 */
export function lintSetUse(set: IpSet, dirs: readonly boolean[], family: Family, sets: readonly IpSet[] = []): readonly SetUseFinding[] {
  const type = setType(set.create.type);
  if (!type) return [];
  const out: SetUseFinding[] = [];
  if (dirs.length < type.dims.length) {
    out.push({
      code: 'set-too-few-directions',
      message: `set ${set.name} (${type.name}) needs ${type.dims.length} directions, the rule gives ${dirs.length}: it never matches, with ! it always does`,
    });
  }
  const own = set.create.family;
  if (own !== 'unspec' && own !== family) {
    out.push({
      code: 'set-wrong-family',
      message: `set ${set.name} holds ${FAMILY_WORD[own]} members, the rule sees ${FAMILY_WORD[family]} packets: it never matches, with ! it always does`,
    });
  }
  if (set.members.size === 0) out.push({ code: 'set-empty', message: `set ${set.name} is empty: it matches nothing until something is added` });
  if (type.storage === 'list') out.push(...lintListUse(set, dirs, family, sets));
  return out;
}

/** A list:set asks its members with the same directions; a member that needs more is skipped in silence. */
function lintListUse(list: IpSet, dirs: readonly boolean[], family: Family, sets: readonly IpSet[]): readonly SetUseFinding[] {
  const names = [...list.members.text()].map((t) => t.split(' ')[0]);
  return names.flatMap((name) => {
    const member = sets.find((s) => s.name === name);
    if (!member) return [];
    return lintSetUse(member, dirs, family).map((f) => ({ ...f, message: `in list ${list.name}: ${f.message}` }));
  });
}
