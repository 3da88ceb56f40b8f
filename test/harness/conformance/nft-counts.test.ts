/** What a listing of nft counts. */
import { describe, expect, it } from 'vitest';
import { readNftList } from '../../../src/formats/nft-list.js';
import { nftCounts } from '../../../src/harness/conformance/nft-counts.js';
import type { SetDef } from '../../../src/netfilter/nftables/set.js';

const LISTING = `table inet filter {
	counter total {
		packets 7 bytes 420
	}

	set seen {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 1h
		elements = { 10.0.0.1 expires 59m58s, 10.0.0.2 expires 59m59s }
	}

	set given {
		type ipv4_addr
		elements = { 10.0.0.1 }
	}

	chain input {
		type filter hook input priority filter; policy accept;
		ct state new counter packets 3 bytes 180 accept
		counter packets 0 bytes 0 drop
		log prefix "counter packets 9 bytes 9" accept
	}

	chain INPUT {
		counter packets 5 bytes 300
	}
}
`;

describe('counts of a rule set', () => {
  const tables = readNftList(LISTING).value;
  const native = (_: unknown, c: { readonly name: string }): boolean => c.name !== 'INPUT';
  it('counters of rules and by name, elements that packets added; zeros and rules of iptables-nft are left out', () => {
    expect([...nftCounts(tables, native)]).toEqual([
      ['inet filter:input:1', 3],
      ['inet filter:total', 7],
      ['inet filter:@seen', 2],
    ]);
  });
  it('a run knows better', () => {
    const live = { rule: () => 4, object: () => undefined, set: (d: SetDef) => d.elements.length + 1 };
    expect(new Map(nftCounts(tables, native, live))).toEqual(
      new Map([
        ['inet filter:input:1', 4],
        ['inet filter:input:2', 4],
        ['inet filter:input:3', 4],
        ['inet filter:total', 7],
        ['inet filter:@seen', 3],
      ]),
    );
  });
});
