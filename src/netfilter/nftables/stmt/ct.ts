/** `ct mark set EXPR`, `ct zone set 1`, `ct helper set "x"`, `notrack`: what connection tracking keeps (nft_ct_set_eval, nft_ct_set_zone_eval). */
import { CTINFO, type NfConn } from '../../../packet/types.js';
import type { CtTemplate } from '../../env.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { tellMangle } from '../../xtables/target/common.js';
import { type NftExpr, parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { integer, type NftType, typeNamed } from '../types.js';
import { parseConnlimit } from './connlimit.js';
import { objectStep } from './objref.js';
import { statefulStep } from './stateful.js';

type Write = (c: PacketCtx, ct: NfConn, v: Scalar) => void;

function setMark(c: PacketCtx, ct: NfConn, v: Scalar): void {
  const before = ct.mark;
  ct.mark = v as number;
  tellMangle(c, 'ctmark', before, ct.mark);
}

/** `event`: which changes `conntrack -E` is told of, which nothing here hears. */
const WRITES: Readonly<Record<string, { readonly type: () => NftType; readonly write: Write }>> = {
  mark: { type: () => typeNamed('mark'), write: setMark },
  secmark: {
    type: () => integer(32),
    write: (_, ct, v) => {
      ct.secmark = v as number;
    },
  },
  event: { type: () => typeNamed('ct_event'), write: () => {} },
};

/** `new,related`: flags as a value. */
function parseFlags(t: Parameters<typeof parseExpr>[0], s: StmtScope, type: NftType): NftExpr {
  const first = parseExpr(t, s, type);
  let bits = first.constant;
  while (type.flags && typeof bits === 'number' && t.take(',')) {
    const more = parseExpr(t, s, type).constant;
    bits = (bits | (more as number)) >>> 0;
  }
  const v = bits;
  return v === first.constant ? first : { ...first, constant: v, one: () => v };
}

/** nf_connlabels_replace() with the label as its own mask: it is only added. Names of labels stand in connlabel.conf, which is not known here. */
function labelStep(t: NftTokens): NftStep {
  const word = t.peek();
  const bit = t.number('the number of a label');
  if (bit > 127) throw new NftError('labels are numbered 0 to 127', word);
  return {
    kind: 'effect',
    name: 'ct label set',
    run: (c) => {
      const ct = tracked(c);
      if (ct) ct.labels |= 1n << BigInt(bit);
      return true;
    },
  };
}

const tracked = (c: PacketCtx): NfConn | null => (c.skb.ct && !c.skb.ct.template ? c.skb.ct : null);

function setStep(key: string, value: NftExpr): NftStep {
  return {
    kind: 'effect',
    name: `ct ${key} set`,
    run: (c) => {
      const v = value.one(c);
      if (v === undefined) return false;
      const ct = tracked(c);
      if (ct) WRITES[key].write(c, ct, v);
      return true;
    },
  };
}

const TEMPLATE: Omit<CtTemplate, 'zone' | 'zoneDir'> = { helper: null, ctevents: 0, expevents: 0, timeout: null, zoneMark: false };

function zoneStep(value: NftExpr, zoneDir: CtTemplate['zoneDir']): NftStep {
  return {
    kind: 'effect',
    name: 'ct zone set',
    run: (c) => {
      const v = value.one(c);
      if (v === undefined) return false;
      // Tracked already, or told a zone before.
      if (c.skb.ct === null) c.env.ct.attachTemplate(c.skb, { ...TEMPLATE, zone: (v as number) & 0xffff, zoneDir });
      return true;
    },
  };
}

function parse(t: NftTokens, s: StmtScope): NftStep | null {
  const dir = t.take('original', 'reply');
  const key = t.next().text;
  if (key === 'count' && dir === null) {
    s.needs.add('conntrack');
    return statefulStep(parseConnlimit(t), s.instance());
  }
  if (!t.take('set')) return null;
  if (key === 'zone') {
    s.needs.add('conntrack');
    return zoneStep(parseExpr(t, s, integer(16)), dir === null ? 'both' : dir === 'original' ? 'orig' : 'reply');
  }
  if (key === 'helper') {
    s.needs.add('conntrack');
    return objectStep(t, 'ct helper', s);
  }
  if (key === 'timeout' || key === 'expectation') {
    const name = t.string('a name');
    return { kind: 'unsupported', what: `nft: ct ${key} set "${name}"` };
  }
  if (key === 'label') {
    s.needs.add('conntrack');
    return labelStep(t);
  }
  if (!Object.hasOwn(WRITES, key)) return null;
  s.needs.add('conntrack');
  return setStep(key, parseFlags(t, s, WRITES[key].type()));
}

export const ct: NftStmtDef = {
  words: ['ct'],
  kernel: 'net/netfilter/nft_ct.c',
  parse: (t, _, s) => parse(t, s),
};

/** nft_notrack_eval(): what conntrack has seen, or has a template, stays. */
export const notrack: NftStmtDef = {
  words: ['notrack'],
  kernel: 'net/netfilter/nft_ct.c',
  parse: () => ({
    kind: 'effect',
    name: 'notrack',
    run: ({ skb, env }) => {
      if (skb.ct === null && skb.ctinfo !== CTINFO.UNTRACKED) env.ct.untrack(skb);
      return true;
    },
  }),
};
