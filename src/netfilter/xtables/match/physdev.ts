/** `-m physdev --physdev-in, --physdev-out, --physdev-is-in, --physdev-is-out, --physdev-is-bridged`: the bridge ports of a bridged packet. */
import { physin, physout } from '../../fields.js';
import { call, type Field, type PacketCtx, type Pred } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { bang, given, interfaceName } from '../values.js';

interface Flag {
  readonly invert: boolean;
}
interface Port extends Flag {
  readonly name: string;
}
interface PhysdevMatch {
  readonly isIn: Flag | null;
  readonly in: Port | null;
  readonly isOut: Flag | null;
  readonly out: Port | null;
  readonly bridged: Flag | null;
}

const flag = (gs: readonly Given[], name: string): Flag | null => {
  const g = given(gs, name);
  return g ? { invert: g.invert } : null;
};
const port = (gs: readonly Given[], name: string): Port | null => {
  const g = given(gs, name);
  return g ? { name: interfaceName(g), invert: g.invert } : null;
};

/** `+` at the end stands for any rest. */
const nameMatches = (name: string, pattern: string): boolean => (pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);

/** physdev_mt(). A packet that no bridge carries matches where everything asked for is inverted; an unknown input port is no obstacle, an unknown output port is. */
function matches(d: PhysdevMatch, c: PacketCtx): boolean {
  if (!c.skb.nfBridge) return [d.bridged, d.isIn, d.isOut, d.in, d.out].every((f) => f === null || f.invert);
  const inName = physin.read(c) as string | undefined;
  const outName = physout.read(c) as string | undefined;
  const exists = (f: Flag | null, name: string | undefined) => f === null || (name !== undefined) !== f.invert;
  if (!exists(d.bridged, outName) || !exists(d.isIn, inName) || !exists(d.isOut, outName)) return false;
  if (d.in && inName !== undefined && nameMatches(inName, d.in.name) === d.in.invert) return false;
  return !d.out || (outName !== undefined && nameMatches(outName, d.out.name) !== d.out.invert);
}

function check(d: PhysdevMatch, ctx: CheckContext): void {
  if ((d.out || d.isOut) && (!d.bridged || d.bridged.invert) && ctx.hooks.has('OUTPUT')) {
    throw new OptionError(
      '--physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic',
      d.out ? 'physdev-out' : 'physdev-is-out',
    );
  }
}

const print = (d: PhysdevMatch): string =>
  (d.isIn ? `${bang(d.isIn.invert)} --physdev-is-in` : '') +
  (d.in ? `${bang(d.in.invert)} --physdev-in ${d.in.name}` : '') +
  (d.isOut ? `${bang(d.isOut.invert)} --physdev-is-out` : '') +
  (d.out ? `${bang(d.out.invert)} --physdev-out ${d.out.name}` : '') +
  (d.bridged ? `${bang(d.bridged.invert)} --physdev-is-bridged` : '');

const value = (f: Field, c: PacketCtx): string => String(f.read(c) ?? 'none');

export const physdev: MatchDef<PhysdevMatch> = {
  name: 'physdev',
  kernel: 'net/netfilter/xt_physdev.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'physdev-in', arg: 'required', invert: true },
    { name: 'physdev-out', arg: 'required', invert: true },
    { name: 'physdev-is-in', arg: 'none', invert: true },
    { name: 'physdev-is-out', arg: 'none', invert: true },
    { name: 'physdev-is-bridged', arg: 'none', invert: true },
  ],
  parse: (gs) => {
    if (gs.length === 0) throw new OptionError('PHYSDEV: no physdev option specified');
    return {
      isIn: flag(gs, 'physdev-is-in'),
      in: port(gs, 'physdev-in'),
      isOut: flag(gs, 'physdev-is-out'),
      out: port(gs, 'physdev-out'),
      bridged: flag(gs, 'physdev-is-bridged'),
    };
  },
  print,
  check,
  lower: (d) => {
    const pred: Pred = call(
      'bridge ports',
      [physin, physout],
      (c) => matches(d, c),
      print(d).trim(),
      (c) => `in ${value(physin, c)}, out ${value(physout, c)}`,
    );
    return [{ kind: 'test', pred }];
  },
};
