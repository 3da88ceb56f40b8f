/** Tables with a few rules of every kind: base chains anywhere, sets, maps and objects besides. */
import type { NftFamily } from '../../../netfilter/nftables/model.js';
import { PORTS } from '../node.js';
import type { Rng } from '../rng.js';
import { effect, ending, simple } from './statements.js';
import { HOOKS, type NftHook, NftText } from './text.js';
import { address, ipOf, MARKS, match, type NftPlace, type NftWorld, network, some } from './words.js';

const USER = ['sub', 'web', 'deeper'] as const;
const PRIORITIES: Readonly<Record<NftHook, readonly (string | number)[]>> = {
  prerouting: ['raw', 'mangle', 'filter', 'dstnat', -250, 'dstnat - 10', -199, 50],
  input: ['filter', 'filter', 'mangle', 'security', 'filter - 1', 'filter + 10'],
  forward: ['filter', 'filter', 'mangle', 'security', 'filter - 1', 'filter + 10'],
  output: ['filter', 'raw', 'mangle', -90, 'filter + 10'],
  postrouting: ['filter', 'mangle', 'srcnat', 'srcnat + 10', 50],
};

/** One rule of its place. */
export function rule(r: Rng, w: NftWorld, p: NftPlace): string {
  const words: string[] = [];
  const some = r.weighed([
    [22, 0],
    [45, 1],
    [25, 2],
    [8, 3],
  ]);
  for (let n = some; n > 0; n--) words.push(match(r, w, p));
  if (r.chance(35)) words.push(effect(r, w, p));
  if (r.chance(8)) words.push(match(r, w, p));
  if (r.chance(12)) words.push(effect(r, w, p));
  words.push(ending(r, w, p));
  const text = words.filter((x) => x !== '').join(' ');
  return text === '' ? 'counter' : r.chance(6) ? `${text} comment "why"` : text;
}

/** Sets and maps that rules of the table may ask. */
export function makeSets(r: Rng, w: NftWorld, t: NftText, p: NftPlace): void {
  const sides = ([4, 6] as const).filter((f) => (f === 4 ? w.four : w.six) !== null && (t.family === 'inet' || t.family === 'bridge' || t.family === ipOf(f)));
  for (const f of sides) {
    const [type, end] = f === 4 ? ['ipv4_addr', ''] : ['ipv6_addr', '6'];
    const addresses = (): string => some(r, () => address(r, w, f), 1, 5);
    if (r.chance(50)) t.set({ name: `some${end}`, key: type, data: null, dynamic: false }, `elements = { ${addresses()} }`);
    if (r.chance(40))
      t.set({ name: `nets${end}`, key: type, data: null, dynamic: false }, `flags interval; auto-merge; elements = { ${some(r, () => network(r, w, f))} }`);
    if (r.chance(15)) t.set({ name: `none${end}`, key: type, data: null, dynamic: false }, '');
    if (r.chance(30)) {
      const one = (): string => `${address(r, w, f)} . ${r.pick(PORTS)}`;
      t.set({ name: `services${end}`, key: `${type} . inet_service`, data: null, dynamic: false }, `elements = { ${some(r, one)} }`);
    }
    if (r.chance(20)) {
      const one = (): string => `${network(r, w, f)} . ${r.pick(['22', '80-443', '1-65535'])}`;
      t.set({ name: `ranges${end}`, key: `${type} . inet_service`, data: null, dynamic: false }, `flags interval; elements = { ${one()} }`);
    }
    if (r.chance(35)) t.set({ name: `seen${end}`, key: type, data: null, dynamic: true }, `size 65535; flags dynamic${r.pick(['', ', timeout; timeout 1h'])};`);
    if (r.chance(12)) t.set({ name: `full${end}`, key: type, data: null, dynamic: true }, 'size 1; flags dynamic;');
    if (r.chance(15)) t.set({ name: `pairs${end}`, key: `${type} . inet_service`, data: null, dynamic: true }, 'size 1024; flags dynamic, timeout;');
    if (r.chance(20)) {
      const at = (): string => `${address(r, w, f)} . ${r.pick(PORTS)} : ${simple(r, p)}`;
      t.set({ name: `verdicts${end}`, key: `${type} . inet_service`, data: 'verdict', dynamic: false }, `elements = { ${at()} }`);
    }
    if (r.chance(20)) {
      const addr = `${r.pick(PORTS)} : ${address(r, w, f)} . ${r.pick(PORTS)}`;
      t.set({ name: `forwards${end}`, key: 'inet_service', data: `${type} . inet_service`, dynamic: false }, `elements = { ${addr} }`);
    }
    if (r.chance(10))
      t.set({ name: `byhost${end}`, key: type, data: 'verdict', dynamic: false }, `flags interval; elements = { ${network(r, w, f)} : ${simple(r, p)} }`);
    if (r.chance(8))
      t.set({ name: `marks${end}`, key: type, data: 'mark', dynamic: true }, `size 1024; flags dynamic; elements = { ${address(r, w, f)} : ${r.pick(MARKS)} }`);
  }
  if (r.chance(15)) {
    const links = ((w.four ?? w.six)?.links ?? []).map((l) => `"${l.name}" : ${simple(r, p)}`);
    t.set({ name: 'bydevice', key: 'ifname', data: 'verdict', dynamic: false }, `elements = { ${links.join(', ')} }`);
  }
  if (r.chance(15)) t.object('counter', 'total', '');
}

/** A whole table of a family. */
export function randomTable(r: Rng, w: NftWorld, family: NftFamily, name: string): NftText {
  const t = new NftText(family, name);
  const base: { readonly chain: string; readonly p: NftPlace }[] = [];
  const made: (readonly [NftHook, NftPlace['type']])[] = [];
  for (const hook of HOOKS) {
    if (r.chance(45)) made.push([hook, hook === 'output' && r.chance(40) && family !== 'bridge' ? 'route' : 'filter']);
    if (hook !== 'forward' && family !== 'bridge' && r.chance(30)) made.push([hook, 'nat']);
    if (r.chance(8)) made.push([hook, 'filter']);
  }
  if (made.length === 0) made.push(['input', 'filter']);
  for (const [i, [hook, type]] of made.entries()) {
    const priority =
      type === 'nat'
        ? hook === 'prerouting' || hook === 'output'
          ? r.pick(['-100', '-100', '-110', '-90'])
          : r.pick(['100', '100', '110'])
        : r.pick(PRIORITIES[hook]);
    const word = family === 'bridge' && typeof priority === 'string' && /mangle|raw|security/.test(priority) ? 0 : priority;
    const chain = t.base(`${type}-${hook}${i}`, type, hook, word, type !== 'nat' && r.chance(8) ? 'drop' : 'accept');
    const users = r.chance(60) ? USER.slice(0, r.between(1, 3)).map((u) => t.chain(`${u}${i}`)) : [];
    base.push({ chain, p: { t, hooks: [hook], type, down: users } });
  }
  // Chains that any base chain may jump to.
  const shared: NftPlace = { t, hooks: HOOKS, type: 'filter', down: [] };
  if (r.chance(30)) t.chain('common');
  makeSets(r, w, t, { ...shared, down: t.names.has('common') ? ['common'] : [] });
  for (const { chain, p } of base) {
    const down = [...p.down, ...(t.names.has('common') ? ['common'] : [])];
    for (let n = r.between(1, 5); n > 0; n--) t.add(chain, rule(r, w, { ...p, down }));
    for (const [i, u] of p.down.entries()) for (let n = r.below(4); n > 0; n--) t.add(u, rule(r, w, { ...p, down: p.down.slice(i + 1) }));
  }
  if (t.names.has('common')) for (let n = r.between(1, 3); n > 0; n--) t.add('common', rule(r, w, shared));
  return t;
}
