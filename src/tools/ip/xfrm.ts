/** `ip xfrm policy|state`: the words of the tool become a dump entry, which formats/xfrm.ts reads; xfrm_add_policy(), xfrm_get_policy(), xfrm_add_sa(). */
import { inPrefix } from '../../base/addr.js';
import { type Prefix, parsePrefix } from '../../formats/rt-names.js';
import { readXfrmPolicy, readXfrmState, writeXfrmPolicy, writeXfrmState } from '../../formats/xfrm.js';
import type { NodeState } from '../../scenario/model.js';
import type { XfrmPolicy, XfrmSelector, XfrmState } from '../../xfrm/model.js';
import { kernelSays, must, Refusal } from '../refusal.js';
import { said } from '../tool.js';
import { byBeginning, Clauses, type IpCommand, type IpObject, wrong } from './command.js';

const KINDS = ['state', 'policy', 'monitor', 'help'];
const VERBS = ['add', 'update', 'allocspi', 'delete', 'deleteall', 'get', 'flush', 'show', 'list', 'lst', 'count', 'setdefault', 'getdefault'];

/** The object, its verb and what stands behind them. */
function read(c: IpCommand): { kind: string; v: string; words: readonly string[] } {
  const k = c.words[0];
  const kind = k === undefined ? undefined : byBeginning(k, KINDS);
  if (kind === undefined || kind === 'help' || kind === 'monitor')
    throw new Refusal(`Command "${k ?? ''}" is unknown, try "ip xfrm help".`, { code: 'ip-object', word: k ?? 'xfrm', status: 255 });
  const w = c.words[1];
  const v = w === undefined ? 'list' : byBeginning(w, VERBS);
  if (v === undefined) throw new Refusal(`Command "${w}" is unknown, try "ip xfrm ${kind} help".`, { code: 'ip-object', word: w, status: 255 });
  return { kind, v: v === 'show' || v === 'lst' ? 'list' : v, words: c.words.slice(2) };
}

const SELECTOR = new Set(['src', 'dst', 'proto', 'sport', 'dport', 'type', 'code', 'dev']);
const BODY = new Set(['dir', 'ptype', 'action', 'priority', 'index', 'mark', 'if_id', 'flag', 'limit', 'tmpl', 'ctx', 'offload']);
const anyNet = (t: string, other: string | undefined): string =>
  t !== 'any' && t !== 'all' && t !== 'default' ? t : (other ?? '').includes(':') ? '::/0' : '0.0.0.0/0';

/** `src A dst B dir in priority 1 tmpl …` as `ip xfrm policy` prints it. */
function policyText(words: readonly string[]): string {
  const head = new Map<string, string>();
  let i = 0;
  for (; i < words.length && !BODY.has(words[i]); i += 2) {
    if (!SELECTOR.has(words[i])) wrong(words[i], 'this is no part of a selector');
    head.set(words[i], words[i + 1] ?? '');
  }
  const other = head.get('src') ?? head.get('dst');
  const src = anyNet(head.get('src') ?? 'any', head.get('dst') ?? other);
  const dst = anyNet(head.get('dst') ?? 'any', head.get('src') ?? other);
  const rest = [...head].filter(([k]) => k !== 'src' && k !== 'dst').map(([k, v]) => ` ${k} ${v}`);
  return `src ${src} dst ${dst}${rest.join('')}\n\t${bodyText(words.slice(i))}\n`;
}

/** `mark V mask M` is printed V/M. */
function bodyText(words: readonly string[]): string {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === 'mask' && out.at(-2) === 'mark') out[out.length - 1] += `/${words[++i] ?? ''}`;
    else out.push(words[i]);
  }
  return out.map((t, i) => (out[i - 1] === 'mark' && !t.includes('/') ? `${t}/0xffffffff` : t)).join(' ');
}

const sameSelector = (a: XfrmSelector, b: XfrmSelector): boolean => JSON.stringify(a) === JSON.stringify(b);
const samePolicy = (a: XfrmPolicy, b: XfrmPolicy): boolean =>
  a.dir === b.dir && a.ifId === b.ifId && sameSelector(a.selector, b.selector) && JSON.stringify(a.mark) === JSON.stringify(b.mark);

function readPolicy(words: readonly string[]): XfrmPolicy {
  const [p] = must(readXfrmPolicy(policyText(words), { file: 'ip xfrm policy' }), 255);
  if (!p) throw new Refusal('Not enough information: DIR is required.', { code: 'ip-incomplete', status: 255 });
  return p;
}

/** What deleteall selects by. */
function policyFilter(words: readonly string[]): (p: XfrmPolicy) => boolean {
  const tests: ((p: XfrmPolicy) => boolean)[] = [];
  const w = new Clauses(words);
  const net = (t: string): Prefix => parsePrefix(t, t.includes(':') ? 'ipv6' : 'ipv4') ?? wrong(t, 'this is no prefix');
  const within = (p: Prefix, x: XfrmSelector['src']): boolean => typeof p.addr === typeof x.addr && x.len >= p.len && inPrefix(x.addr, p.addr, p.len);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    const v = w.value(k);
    if (k === 'dir') tests.push((p) => p.dir === v);
    else if (k === 'src') tests.push((p) => v === 'any' || within(net(v), p.selector.src));
    else if (k === 'dst') tests.push((p) => v === 'any' || within(net(v), p.selector.dst));
    else if (k === 'priority') tests.push((p) => p.priority === Number(v));
    else if (k === 'index') tests.push((p) => p.index === Number(v));
    else if (k === 'action') tests.push((p) => p.action === v);
    else if (k !== 'ptype') wrong(k, 'this is no part of a filter');
    if (k === 'dir' && !['in', 'out', 'fwd'].includes(v)) wrong(v, 'invalid DIR');
  }
  return (p) => tests.every((t) => t(p));
}

function changePolicy(n: NodeState, v: string, words: readonly string[]): NodeState | null {
  const all = n.xfrmPolicies;
  const put = (xfrmPolicies: readonly XfrmPolicy[]): NodeState =>
    xfrmPolicies.length === all.length && xfrmPolicies.every((p, i) => p === all[i]) ? n : { ...n, xfrmPolicies };
  if (v === 'flush') return put([]);
  if (v === 'deleteall') {
    const chosen = policyFilter(words);
    return put(all.filter((p) => !chosen(p)));
  }
  if (v !== 'add' && v !== 'update' && v !== 'delete') return null;
  const p = readPolicy(words);
  const at = all.findIndex((x) => samePolicy(x, p) || (v === 'delete' && p.index !== 0 && x.index === p.index && x.dir === p.dir));
  if (v === 'delete') return at < 0 ? kernelSays('RTNETLINK answers: No such file or directory') : put(all.toSpliced(at, 1));
  if (at >= 0) return v === 'add' ? kernelSays('RTNETLINK answers: File exists') : put(all.with(at, p));
  return put([...all, p]);
}

const ID = new Set(['src', 'dst']);
const STATE_LINE = new Set(['proto', 'spi', 'reqid', 'mode']);

/** `src A dst B proto esp spi 1 mode tunnel …` as `ip xfrm state` prints it; what is not interpreted keeps its words. */
function stateText(words: readonly string[]): string {
  const head: string[] = [];
  const line: string[] = [];
  const other: string[] = [];
  let more = '';
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    if (w === 'sel') {
      more += `\tsel ${words.slice(i + 1).join(' ')}\n`;
      break;
    }
    if (ID.has(w)) head.push(w, words[++i] ?? '');
    else if (STATE_LINE.has(w)) line.push(w, words[++i] ?? '');
    else if (w === 'mark') {
      const mask = words[i + 2] === 'mask' ? words[i + 3] : '0xffffffff';
      more += `\tmark ${words[i + 1]}/${mask}\n`;
      i += words[i + 2] === 'mask' ? 3 : 1;
    } else if (w === 'if_id') more += `\tif_id ${words[++i]}\n`;
    else other.push(w);
  }
  return `${head.join(' ')}\n\t${line.join(' ')}\n${other.length > 0 ? `\t${other.join(' ')}\n` : ''}${more}`;
}

const sameState = (a: XfrmState, b: XfrmState): boolean => a.dst === b.dst && a.proto === b.proto && a.spi === b.spi;

function changeState(n: NodeState, v: string, words: readonly string[]): NodeState | null {
  const all = n.xfrmStates;
  if (v === 'flush' || (v === 'deleteall' && words.length === 0)) return all.length === 0 ? n : { ...n, xfrmStates: [] };
  if (!['add', 'update', 'delete', 'deleteall'].includes(v)) return null;
  const [s] = must(readXfrmState(stateText(words), { file: 'ip xfrm state' }), 255);
  if (!s) throw new Refusal('Not enough information: ID is required', { code: 'ip-incomplete', status: 255 });
  if (v === 'deleteall') {
    const kept = all.filter((x) => !((s.src === 0 || x.src === s.src) && (s.dst === 0 || x.dst === s.dst)));
    return { ...n, xfrmStates: kept };
  }
  const at = all.findIndex((x) => sameState(x, s));
  if (v === 'delete') return at < 0 ? kernelSays('RTNETLINK answers: No such process') : { ...n, xfrmStates: all.toSpliced(at, 1) };
  if (v === 'update') return at < 0 ? kernelSays('RTNETLINK answers: No such process') : { ...n, xfrmStates: all.with(at, s) };
  return at >= 0 ? kernelSays('RTNETLINK answers: File exists') : { ...n, xfrmStates: [...all, s] };
}

export const xfrmObject: IpObject = {
  names: ['xfrm'],
  change(n, c) {
    const { kind, v, words } = read(c);
    return kind === 'policy' ? changePolicy(n, v, words) : changeState(n, v, words);
  },
  answer(n, c) {
    const { kind, v, words } = read(c);
    if (v !== 'list') return null;
    if (kind === 'state') return said(writeXfrmState(n.given.xfrmStates));
    const chosen = policyFilter(words);
    return said(writeXfrmPolicy(n.given.xfrmPolicies.filter(chosen)));
  },
};
