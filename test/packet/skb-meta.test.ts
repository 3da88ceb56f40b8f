/** What of an skb survives which border, written out in full: a change of the table must be a change here. */
import { describe, expect, it } from 'vitest';
import { Skb } from '../../src/packet/skb.js';
import { type Border, carryMeta, crossBorder, skbMeta } from '../../src/packet/skb-meta.js';
import type { Dst, NfBridge, NfConn, SkSocket } from '../../src/packet/types.js';

/** An skb with something in every field. */
function full(): Skb {
  const s = new Skb(7, { kind: 'sent', of: null }, new Uint8Array(40), 0x0800);
  s.mark = 1;
  s.priority = 2;
  s.secmark = 3;
  s.ct = {} as NfConn;
  s.ctinfo = 2;
  s.nfTrace = true;
  s.dst = {} as Dst;
  s.nfBridge = { inPrerouting: true } as NfBridge;
  s.secpath = [];
  s.sk = {} as SkSocket;
  s.iif = 4;
  s.cb.flags = 5;
  s.cb.iif = 6;
  s.fragMaxSize = 8;
  s.fragDf = true;
  s.ignoreDf = true;
  s.tclassid = 10;
  return s;
}

const kept = (s: Skb): readonly string[] =>
  Object.entries({
    mark: s.mark === 1,
    priority: s.priority === 2,
    secmark: s.secmark === 3,
    ct: s.ct !== null && s.ctinfo === 2,
    nfTrace: s.nfTrace,
    dst: s.dst !== null,
    nfBridge: s.nfBridge !== null,
    secpath: s.secpath !== null,
    sk: s.sk !== null,
    iif: s.iif === 4,
    cb: s.cb.flags === 5 && s.cb.iif === 6,
    fragMaxSize: s.fragMaxSize === 8 && s.fragDf && s.ignoreDf,
    tclassid: s.tclassid === 10,
  }).flatMap(([k, v]) => (v ? [k] : []));

const table: readonly (readonly [Border, readonly string[]])[] = [
  ['peer', ['secmark']],
  ['loopback', ['mark', 'priority', 'secmark', 'ct', 'nfTrace', 'dst', 'nfBridge', 'secpath', 'tclassid']],
  ['ipip', ['mark', 'priority', 'secmark', 'sk']],
  ['vxlan', ['mark', 'priority', 'secmark', 'sk']],
  ['xfrmOut', ['mark', 'priority', 'secmark', 'nfTrace', 'dst', 'nfBridge', 'secpath', 'sk', 'iif', 'cb', 'fragMaxSize', 'tclassid']],
  ['xfrmIn', ['mark', 'priority', 'secmark', 'nfTrace', 'nfBridge', 'secpath', 'sk', 'iif', 'tclassid']],
  ['bridgeUp', ['mark', 'priority', 'secmark', 'ct', 'nfTrace', 'dst', 'nfBridge', 'secpath', 'sk', 'iif', 'fragMaxSize', 'tclassid']],
];

describe('borders', () => {
  it.each(table)('%s keeps %j', (border, fields) => {
    const s = full();
    crossBorder(s, border);
    expect(kept(s)).toEqual(fields);
  });
  it.each(table)('%s hands on %j to another skb', (border, fields) => {
    const to = new Skb(8, { kind: 'encapsulated', of: 7 }, new Uint8Array(60), 0x0800);
    carryMeta(full(), to, border);
    expect(kept(to)).toEqual(fields);
  });
  it('every row of the table stands in this test', () => expect(skbMeta.map((r) => r.field)).toEqual(kept(full())));
});
