/** `-m cgroup [!] --path path | --cgroup classid`: control group of the socket that sends. */
import { call, negateIf, type PacketCtx } from '../../pred.js';
import { type CheckContext, type MatchDef, OptionError } from '../extension.js';
import { parseUint } from '../numbers.js';
import { bang, saveString } from '../values.js';

interface CgroupMatch {
  readonly path: string | null;
  readonly classid: number | null;
  readonly invert: boolean;
}

/** cgroup_mt_v2(): a path matches itself and everything below. */
function below(c: PacketCtx, path: string): boolean {
  const own = c.skb.sk?.cgroupPath ?? '';
  const wanted = path.replace(/^\/+|\/+$/g, '');
  const had = own.replace(/^\/+|\/+$/g, '');
  return wanted === '' || had === wanted || had.startsWith(`${wanted}/`);
}

export const cgroup: MatchDef<CgroupMatch> = {
  name: 'cgroup',
  kernel: 'net/netfilter/xt_cgroup.c',
  families: ['ipv4', 'ipv6'],
  hooks: ['OUTPUT', 'POSTROUTING', 'INPUT'],
  options: [
    { name: 'path', arg: 'required', invert: true, excl: ['cgroup'] },
    { name: 'cgroup', arg: 'required', invert: true, excl: ['path'] },
  ],
  parse: ([g]) => {
    if (!g) return { path: null, classid: null, invert: false };
    if (g.name === 'path') return { path: g.value, classid: null, invert: g.invert };
    const classid = parseUint(g.value);
    if (classid === null) throw new OptionError('cgroup: bad value for option "--cgroup", or out of range (0-4294967295).', 'cgroup');
    return { path: null, classid, invert: g.invert };
  },
  print: (d) => (d.path !== null ? `${bang(d.invert)} --path${saveString(d.path)}` : d.classid !== null ? `${bang(d.invert)} --cgroup ${d.classid}` : ''),
  check: (d: CgroupMatch, _: CheckContext) => {
    if (d.path === null && d.classid === null) throw new OptionError('xt_cgroup: no path or classid specified');
  },
  lower: (d) => {
    const full = call(
      'socket',
      [],
      (c) => c.skb.sk?.full === true || c.skb.sk?.kernel === true,
      'a local socket',
      () => 'none',
    );
    const own = call(
      'cgroup',
      [],
      (c) => (d.path !== null ? below(c, d.path) : (c.skb.sk?.classid ?? 0) === d.classid),
      d.path ?? String(d.classid),
      (c) => String(d.path !== null ? c.skb.sk?.cgroupPath : c.skb.sk?.classid),
    );
    return [{ kind: 'test', pred: { op: 'all', of: [full, negateIf(d.invert, own)] } }];
  },
};
