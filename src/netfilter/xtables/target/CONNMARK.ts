/** CONNMARK: the connection's mark, and the copy between it and the packet's (xt_connmark.c, connmark_tg_shift). */
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { hex, U32 } from '../numbers.js';
import { markMask } from '../values.js';
import { BOTH, find, setMark, tellMangle, u32Option, uintOption } from './common.js';

interface ConnmarkData {
  readonly mode: 'set' | 'save' | 'restore';
  readonly ctmark: number;
  readonly ctmask: number;
  readonly nfmask: number;
  /** Negative: left. */
  readonly shift: number;
}

const OPS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark', 'save-mark', 'restore-mark'];
const op = (name: string, arg: 'none' | 'required') => ({ name, arg, excl: OPS.filter((o) => o !== name) }) as const;

const shifted = (v: number, shift: number): number => (shift > 0 ? v >>> shift : shift < 0 ? (v << -shift) >>> 0 : v >>> 0);

export const CONNMARK: TargetDef<ConnmarkData> = {
  name: 'CONNMARK',
  kernel: 'net/netfilter/xt_connmark.c',
  families: BOTH,
  options: [
    ...OPS.slice(0, 5).map((o) => op(o, 'required')),
    op('save-mark', 'none'),
    op('restore-mark', 'none'),
    { name: 'left-shift-mark', arg: 'required' },
    { name: 'right-shift-mark', arg: 'required' },
    { name: 'ctmask', arg: 'required', excl: ['mask'] },
    { name: 'nfmask', arg: 'required', excl: ['mask'] },
    { name: 'mask', arg: 'required', excl: ['ctmask', 'nfmask'] },
  ],
  parse(given) {
    const g = given.find((x) => OPS.includes(x.name));
    if (!g) throw new OptionError('CONNMARK target: No operation specified');
    const maskOf = (name: string): number => {
      const m = find(given, name) ?? find(given, 'mask');
      return m ? u32Option('CONNMARK', m) : U32;
    };
    // Of two shifts the last counts.
    const s = given.findLast((x) => x.name.endsWith('-shift-mark'));
    const shift = s ? uintOption('CONNMARK', s, 32) * (s.name.startsWith('left') ? -1 : 1) : 0;
    if (g.name === 'save-mark' || g.name === 'restore-mark') {
      return { mode: g.name === 'save-mark' ? 'save' : 'restore', ctmark: 0, ctmask: maskOf('ctmask'), nfmask: maskOf('nfmask'), shift };
    }
    const set = (ctmark: number, ctmask: number): ConnmarkData => ({ mode: 'set', ctmark, ctmask: ctmask >>> 0, nfmask: U32, shift });
    if (g.name === 'set-xmark' || g.name === 'set-mark') {
      const m = markMask('CONNMARK', g);
      return set(m.value, g.name === 'set-mark' ? m.value | m.mask : m.mask);
    }
    const bits = u32Option('CONNMARK', g);
    if (g.name === 'and-mark') return set(0, ~bits);
    return set(bits, g.name === 'or-mark' ? bits : 0);
  },
  print(d) {
    const shift = d.shift === 0 ? '' : d.shift < 0 ? ` --left-shift-mark ${-d.shift}` : ` --right-shift-mark ${d.shift}`;
    if (d.mode === 'set') return ` --set-xmark ${hex(d.ctmark)}/${hex(d.ctmask)}${shift}`;
    return ` --${d.mode}-mark --nfmask ${hex(d.nfmask)} --ctmask ${hex(d.ctmask)}${shift}`;
  },
  check(d) {
    if (Math.abs(d.shift) >= 32) throw new OptionError('CONNMARK target: shift of 32 bits or more');
  },
  needsConntrack: () => true,
  lower: (d) => (c) => {
    const { ct } = c.skb;
    if (!ct) return 'CONTINUE';
    if (d.mode === 'restore') {
      setMark(c, (c.skb.mark & ~d.nfmask) ^ shifted(ct.mark & d.ctmask, d.shift));
      return 'CONTINUE';
    }
    const before = ct.mark;
    if (d.mode === 'set') ct.mark = shifted((ct.mark & ~d.ctmask) ^ d.ctmark, d.shift);
    else ct.mark = ((ct.mark & ~d.ctmask) ^ shifted(c.skb.mark & d.nfmask, d.shift)) >>> 0;
    tellMangle(c, 'ctmark', before, ct.mark);
    return 'CONTINUE';
  },
};
