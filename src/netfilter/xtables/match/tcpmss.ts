/** `-p tcp -m tcpmss [!] --mss lo[:hi]`: the MSS option of a TCP header. */
import { all, call, not, type PacketCtx, type Pred } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { U16 } from '../numbers.js';
import { bang, type PortRange, showPorts, uintPair } from '../values.js';

const OPT_MSS = 2;
const OPT_MSS_LEN = 4;

/** tcpmss_mt(): undefined where the header is cut off; then the packet is dropped. null: no such option, or a damaged one in front of it. */
function mssOf(c: PacketCtx): number | null | undefined {
  const { data, thoff } = c.skb;
  if (thoff < 0 || data.length < thoff + 20) return undefined;
  const end = thoff + (data[thoff + 12] >>> 4) * 4;
  if (end < thoff + 20) return undefined;
  if (end > data.length) return undefined;
  for (let i = thoff + 20; i < end; ) {
    if (data[i] === OPT_MSS && end - i >= OPT_MSS_LEN && data[i + 1] === OPT_MSS_LEN) return data[i + 2] * 256 + data[i + 3];
    i += data[i] < 2 ? 1 : data[i + 1] || 1;
  }
  return null;
}

const cutOff: Pred = call('tcp header', [], (c) => mssOf(c) === undefined, 'a TCP header cut off');
const hasMss: Pred = call(
  'mss',
  [],
  (c) => mssOf(c) != null,
  'an MSS option',
  (c) => String(mssOf(c) ?? 'none'),
);

export const tcpmss: MatchDef<{ readonly range: PortRange; readonly invert: boolean }> = {
  name: 'tcpmss',
  kernel: 'net/netfilter/xt_tcpmss.c',
  families: ['ipv4', 'ipv6'],
  protocols: [6],
  options: [{ name: 'mss', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => {
    const range = uintPair('tcpmss', g, U16);
    if (range[0] > range[1]) throw new OptionError('tcpmss: invalid range given', 'mss');
    return { range, invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --mss ${showPorts(d.range)}`,
  lower: (d) => {
    const inRange = call(
      'mss',
      [],
      (c) => {
        const mss = mssOf(c);
        return mss != null && mss >= d.range[0] && mss <= d.range[1];
      },
      showPorts(d.range),
      (c) => String(mssOf(c) ?? 'none'),
    );
    return [
      { kind: 'hotdrop', pred: cutOff },
      { kind: 'test', pred: d.invert ? not(inRange) : all(hasMss, inRange) },
    ];
  },
};
