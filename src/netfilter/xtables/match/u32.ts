/** `-m u32 [!] --u32 "0&0xffff=0x40:0x100&&…"`: tests on 32-bit words of the packet, counted from the network header. */
import { call, negateIf, type PacketCtx } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { hex, scanUint, U32 } from '../numbers.js';
import { bang } from '../values.js';

type Op = '&' | '<<' | '>>' | '@';
interface U32Test {
  readonly start: number;
  readonly ops: readonly { readonly op: Op; readonly number: number }[];
  readonly values: readonly (readonly [lo: number, hi: number])[];
}
interface U32Match {
  readonly tests: readonly U32Test[];
  readonly invert: boolean;
}
/** XT_U32_MAXSIZE: tests, operands, and values of a test. */
const MAX = 10;
const OPS: readonly Op[] = ['&', '<<', '>>', '@'];

class U32Reader {
  #at = 0;
  constructor(readonly text: string) {}

  #fail(what: string): never {
    throw new OptionError(`u32: at char ${this.#at}: ${what}`, 'u32');
  }
  #blank(): void {
    while (/\s/.test(this.text[this.#at] ?? '')) this.#at++;
  }
  #take(word: string): boolean {
    this.#blank();
    if (!this.text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }
  #number(): number {
    this.#blank();
    const rest = this.text.slice(this.#at);
    const n = scanUint(rest);
    if (!n || n.value > BigInt(U32)) this.#fail('not a number or out of range');
    this.#at += rest.length - n.rest.length;
    return Number(n.value);
  }

  #location(): Pick<U32Test, 'start' | 'ops'> {
    this.#blank();
    if (this.text[this.#at] === '=') this.#fail('location spec missing');
    const start = this.#number();
    const ops: { op: Op; number: number }[] = [];
    while (!this.#take('=')) {
      this.#blank();
      if (this.#at >= this.text.length) throw new OptionError('u32: abrupt end of input after location specifier', 'u32');
      const op = OPS.find((o) => this.#take(o));
      if (!op) this.#fail('operator expected');
      ops.push({ op, number: this.#number() });
      if (ops.length >= MAX) this.#fail('too many operators');
    }
    return { start, ops };
  }

  #values(): U32Test['values'] {
    const values: (readonly [number, number])[] = [];
    this.#blank();
    if (this.#at >= this.text.length) throw new OptionError('u32: test ended with no value specified', 'u32');
    do {
      const lo = this.#number();
      values.push([lo, this.#take(':') ? this.#number() : lo]);
      if (values.length > MAX) this.#fail('too many ","s');
    } while (this.#take(','));
    return values;
  }

  tests(): U32Test[] {
    const tests: U32Test[] = [];
    for (;;) {
      tests.push({ ...this.#location(), values: this.#values() });
      if (tests.length > MAX) this.#fail('too many "&&"s');
      this.#blank();
      if (this.#at >= this.text.length) return tests;
      if (!this.#take('&&')) this.#fail('expected "," or "&&"');
    }
  }
}

const showTest = (t: U32Test): string =>
  `${hex(t.start)}${t.ops.map((o) => `${o.op}${hex(o.number)}`).join('')}=${t.values.map(([lo, hi]) => (lo === hi ? hex(lo) : `${hex(lo)}:${hex(hi)}`)).join(',')}`;
const show = (d: U32Match): string => d.tests.map(showTest).join('&&');

/** A shift by 32 bits or more shifts by its lowest five bits, as x86 does. */
function evaluate(t: U32Test, c: PacketCtx): boolean {
  const { skb } = c;
  const len = skb.data.length;
  let base = 0;
  if (len < 4 || t.start > len - 4) return false;
  let v = skb.u32(t.start);
  for (const { op, number } of t.ops) {
    if (op === '&') v = (v & number) >>> 0;
    else if (op === '<<') v = (v << number) >>> 0;
    else if (op === '>>') v >>>= number;
    else {
      base += v;
      if (base > U32 || base + 4 > len || number > len - base - 4) return false;
      v = skb.u32(base + number);
    }
  }
  return t.values.some(([lo, hi]) => lo <= v && v <= hi);
}

export const u32: MatchDef<U32Match> = {
  name: 'u32',
  kernel: 'net/netfilter/xt_u32.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'u32', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ tests: new U32Reader(g.value).tests(), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --u32 "${show(d)}"`,
  lower: (d) => [
    {
      kind: 'test',
      pred: negateIf(
        d.invert,
        call('u32', [], (c) => d.tests.every((t) => evaluate(t, c)), show(d)),
      ),
    },
  ],
};
