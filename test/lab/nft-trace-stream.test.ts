/** Trace events as nf_tables sends them (recorded on Linux 6.18: an echo request through raw OUTPUT with a TRACE rule, then filter OUTPUT with ACCEPT). */
import { describe, expect, it } from 'vitest';
import { hexBytes } from '../../src/harness/conformance/hex.js';
import { ListedRules, NftPoints, readTraceMessage } from '../../src/lab/nft-trace-stream.js';

const RECORDED = [
  '98000000110a000000000000000000000200000008000f000000000208000400000000030800060095852d750b0002004f5554505554000008000100726177000c00030000000000000000020c00050008000100ffffffff08000c000000000106000d0003040000180008004500005471e440004001cac27f0000017f000001180009000800ec6267500001dbe00a6b00000000f82c0700',
  '4c000000110a000000000000000000000200000008000f000000000208000400000000030800060095852d750b0002004f5554505554000008000100726177000c00050008000100ffffffff',
  '48000000110a000000000000000000000200000008000f000000000208000400000000010800060095852d750b0002004f5554505554000008000100726177000800100000000001',
  '9c000000110a000000000000000000000200000008000f000000000208000400000000030800060095852d750b0002004f555450555400000b00010066696c74657200000c00030000000000000000020c000500080001000000000108000c000000000106000d0003040000180008004500005471e440004001cac27f0000017f000001180009000800ec6267500001dbe00a6b00000000f82c0700',
];
const LISTING = `table ip raw {
	chain OUTPUT { # handle 1
		type filter hook output priority raw; policy accept;
		counter packets 0 bytes 0 meta nftrace set 1 # handle 2
	}
}
table ip filter {
	chain OUTPUT { # handle 1
		type filter hook output priority filter; policy accept;
		counter packets 0 bytes 0 accept # handle 2
	}
}
`;

describe('nf_tables trace events', () => {
  const events = RECORDED.map((x) => readTraceMessage(hexBytes(x))!);
  it('a rule, the end of the chain, the policy, and the next hook', () =>
    expect(events.map((e) => [e.table, e.chain, e.kind, e.handle, e.verdict, e.policy, e.packet === null])).toEqual([
      ['raw', 'OUTPUT', 'rule', 2, 'continue', null, false],
      ['raw', 'OUTPUT', 'end', null, 'continue', null, true],
      ['raw', 'OUTPUT', 'policy', null, 'continue', 'accept', true],
      ['filter', 'OUTPUT', 'rule', 2, 'accept', null, false],
    ]));
  it('as trace points: packet and devices of the hook, rules by number', () => {
    const points = new NftPoints();
    points.begin();
    const seen = events.map((e) =>
      points.point(e, new Map([[1, 'lo']]), new ListedRules({ nft: LISTING, iptables: '*raw\n:OUTPUT ACCEPT [0:0]\n*filter\n:OUTPUT ACCEPT [0:0]\n' })),
    );
    expect(seen.map((p) => p?.point)).toEqual(['raw:OUTPUT:rule:1', 'raw:OUTPUT:end', 'raw:OUTPUT:policy', 'filter:OUTPUT:rule:1']);
    expect(seen[1]).toMatchObject({ in: '', out: 'lo', src: '127.0.0.1', dst: '127.0.0.1', proto: 'icmp', type: 8, len: 84, ttl: 64, mark: 0, pkt: 0 });
  });
  it('another message, a cut one', () => {
    expect(readTraceMessage(hexBytes(RECORDED[0].replace('110a', '100a')))).toBeNull();
    expect(readTraceMessage(hexBytes(RECORDED[0]).subarray(0, 18))).toBeNull();
    expect(readTraceMessage(hexBytes(RECORDED[0]).subarray(0, 64))).toMatchObject({ table: 'raw', packet: null });
  });
});
