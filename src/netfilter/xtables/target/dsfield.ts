/** TOS and DSCP: the byte behind the IP version (xt_DSCP.c). */
import { dscpClass, tosNames } from '../../../base/well-known.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { hexPad, parseUint } from '../numbers.js';
import { BOTH, tellMangle, uintOption } from './common.js';

function setTos(c: PacketCtx, tos: number): void {
  const before = c.skb.tos;
  if (tos === before) return;
  c.skb.tos = tos;
  tellMangle(c, 'tos', before, tos);
}

interface TosData {
  readonly value: number;
  readonly mask: number;
}

const TOS_OPS = ['set-tos', 'and-tos', 'or-tos', 'xor-tos'];

function parseTos(text: string): TosData {
  const slash = text.indexOf('/');
  const value = parseUint(slash < 0 ? text : text.slice(0, slash), 0, 255);
  const mask = slash < 0 ? 255 : parseUint(text.slice(slash + 1), 0, 255);
  if (value !== null && mask !== null) return { value, mask };
  const named = tosNames.find(([n]) => n.toLowerCase() === text.toLowerCase());
  if (named) return { value: named[1], mask: 0x3f };
  throw new OptionError(`Symbolic name "${text}" is unknown`, 'set-tos', `a number 0..255, value/mask, or ${tosNames.map(([n]) => n).join(', ')}`);
}

export const TOS: TargetDef<TosData> = {
  name: 'TOS',
  kernel: 'net/netfilter/xt_DSCP.c',
  families: BOTH,
  tables: ['mangle'],
  options: TOS_OPS.map((name) => ({ name, arg: 'required', excl: TOS_OPS.filter((o) => o !== name) })),
  parse(given) {
    const g = given[0];
    if (!g) throw new OptionError('TOS: An action is required');
    if (g.name === 'set-tos') return parseTos(g.value);
    const bits = uintOption('TOS', g, 255);
    if (g.name === 'and-tos') return { value: 0, mask: ~bits & 255 };
    return { value: bits, mask: g.name === 'or-tos' ? bits : 0 };
  },
  print: (d) => ` --set-tos ${hexPad(d.value, 2)}/${hexPad(d.mask, 2)}`,
  lower: (d) => (c) => {
    setTos(c, ((c.skb.tos & ~d.mask) ^ d.value) & 255);
    return 'CONTINUE';
  },
};

export const DSCP: TargetDef<number> = {
  name: 'DSCP',
  kernel: 'net/netfilter/xt_DSCP.c',
  families: BOTH,
  tables: ['mangle'],
  options: [
    { name: 'set-dscp', arg: 'required', excl: ['set-dscp-class'] },
    { name: 'set-dscp-class', arg: 'required', excl: ['set-dscp'] },
  ],
  parse(given) {
    const g = given[0];
    if (!g) throw new OptionError('DSCP target: Parameter --set-dscp is required');
    if (g.name === 'set-dscp') return uintOption('DSCP', g, 63);
    const v = dscpClass(g.value);
    if (v === undefined) throw new OptionError(`Invalid DSCP value \`${g.value}'`, g.name, 'EF, BE, CS0..CS7, AF11..AF43');
    return v;
  },
  print: (d) => ` --set-dscp ${hexPad(d, 2)}`,
  lower: (d) => (c) => {
    setTos(c, (c.skb.tos & 3) | (d << 2));
    return 'CONTINUE';
  },
};
