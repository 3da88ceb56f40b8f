/** Rule sets of nft: what `nft list ruleset` prints comes out as it was, what people write for `nft -f` comes out as nft would list it. */
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { applyNft, readNftList } from '../../src/formats/nft-list.js';
import { writeNftRuleset } from '../../src/formats/nft-print.js';
import { parsePriority, writePriority } from '../../src/formats/nft-priority.js';
import { ruleHandles, setsWithin } from '../../src/netfilter/nftables/rule-handles.js';

/** nft 1.0.6, Linux 6.18. */
const LISTING = `table inet f { # handle 1
	comment "hello"
	counter cn { # handle 6
		comment "x"
		packets 3 bytes 4
	}

	quota q { # handle 7
		over 10 mbytes
	}

	set ok { # handle 10
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 10.0.0.0/8 }
	}

	set p { # handle 11
		type inet_service
		size 100
		flags dynamic,timeout
		timeout 1m
		elements = { 1 expires 59s968ms, 2 expires 59s968ms, 3 expires 59s968ms, 4 expires 59s968ms, 22 expires 59s968ms,
			     53 expires 59s968ms }
	}

	map m { # handle 12
		type ipv4_addr . inet_service : verdict
		elements = { 1.1.1.1 . 80 : accept,
			     1.1.1.0 . 443 : goto c2 }
	}

	chain c2 { # handle 1
		tcp dport 22 accept # handle 14
		tcp dport { 22, 23 } accept # handle 16
		ct state vmap { established : accept, new : jump c3 } # handle 18
		iifname { "eth0", "eth1" } accept # handle 21
	}

	chain c3 { # handle 2
	}

	chain in { # handle 3
		type filter hook input priority filter + 5; policy drop;
		ip saddr 10.0.0.0/8 counter packets 0 bytes 0 accept # handle 22
		tcp dport 80 counter packets 4 bytes 5 drop comment "a  b" # handle 23
	}
}
table ip y {
	flags dormant
	comment "c"

	chain pr {
		type filter hook prerouting priority -130; policy accept;
	}
}
table netdev n { # handle 5
	chain i { # handle 1
		comment "x"
		type filter hook ingress device "lo" priority filter - 10; policy accept;
	}
}
`;

const read = (text: string) => {
  const r = readNftList(text, { typed: true });
  expect(r.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return r.value;
};

describe('listings', () => {
  it('come out as they were', () => {
    const tables = readNftList(LISTING).value;
    expect(writeNftRuleset(tables, { handles: true })).toBe(
      LISTING.replace('table ip y {', 'table ip y { # handle 2').replace('chain pr {', 'chain pr { # handle 1'),
    );
    expect(writeNftRuleset(tables)).toBe(LISTING.replace(/ # handle \d+/g, ''));
  });
  it('without numbers, without elements', () => {
    const tables = readNftList(LISTING).value;
    const stateless = writeNftRuleset(tables, { stateless: true });
    expect(stateless).toContain('\t\tip saddr 10.0.0.0/8 counter accept\n');
    expect(stateless).toContain('elements = { 1, 2, 3, 4, 22,\n\t\t\t     53 }');
    expect(stateless).toContain('\tcounter cn {\n\t\tcomment "x"\n\t}\n');
    expect(writeNftRuleset(tables, { terse: true })).not.toContain('elements');
  });
});

describe('what people write', () => {
  it('variables, several blocks of a table, lines of commands', () => {
    const tables = read(
      `#!/usr/sbin/nft -f
flush ruleset
define LAN = 10.0.0.0/8     # a comment
define IFS = { "eth0", $W }
`.replace(', $W', '') +
        `define ALL = { $IFS, "eth1" }
table inet f { chain in { type filter hook input priority 0; policy drop; ip saddr $LAN accept; iifname $ALL \\
  accept } }
add table ip nat
add chain ip nat post { type nat hook postrouting priority srcnat; }
add rule ip nat post oifname "eth0" \\
   masquerade
table inet f {
  chain in { tcp dport { 80,
     443 } accept
  }
  set s { type inet_service; elements = { 80, 22,
     443 } }
}
add element inet f s { 21 }
insert rule inet f in ct state established accept
`,
    );
    expect(writeNftRuleset(tables)).toBe(`table inet f {
	set s {
		type inet_service
		elements = { 21, 22, 80, 443 }
	}

	chain in {
		type filter hook input priority filter; policy drop;
		ct state established accept
		ip saddr 10.0.0.0/8 accept
		iifname { "eth0", "eth1" } accept
		tcp dport { 80, 443 } accept
	}
}
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth0" masquerade
	}
}
`);
  });
  it('variables end with the block that they stand in', () => {
    const text = 'table ip t { define X = 1.1.1.1; chain a { ip saddr $X drop; } }\ntable ip u { chain a { ip saddr $X drop; } }\n';
    expect(readNftList(text, { typed: true }).diagnostics.map((d) => [d.code, d.span?.line])).toContainEqual(['nft-define', 2]);
  });
  it('a mistake points into the text as written, behind a variable too', () => {
    const text = 'define LONG = 10.0.0.0/8\ntable ip t { chain a { ip saddr $LONG jump nope; } }\n';
    const [d] = readNftList(text, { typed: true }).diagnostics;
    expect([d.code, d.span]).toEqual(['nft-unknown-chain', { file: 'nft', line: 2, column: 44, length: 4 }]);
  });
  it('intervals that overlap are one with auto-merge, and a conflict without', () => {
    const set = (merge: string) => `table ip t { set s { type ipv4_addr; flags interval; ${merge} elements = { 10.0.0.0/8, 10.2.0.0/24 } } }`;
    expect(hasErrors(readNftList(set('auto-merge;')).diagnostics)).toBe(false);
    expect(readNftList(set('')).diagnostics.map((d) => d.message)).toEqual(['conflicting intervals specified']);
  });
  it('a word that nft does not have is a mistake of who wrote it; a node may have a newer nft', () => {
    const text = 'table ip t { chain a { tcp frobnicate 1 accept; } }\n';
    expect(readNftList(text, { typed: true }).diagnostics.map((d) => [d.severity, d.code])).toEqual([['error', 'nft-unknown-word']]);
    expect(readNftList(text).diagnostics.map((d) => [d.severity, d.code])).toEqual([['warning', 'nft-not-read']]);
  });
});

describe('handles', () => {
  it('chains, objects, sets and rules of a block; sets within a rule take one', () => {
    const [t] =
      read(`table ip t { set s { type inet_service; } counter c { } chain a { tcp dport { 22 } accept; tcp dport { 22, 23 } accept; tcp dport vmap { 1 : accept };
      add @s { tcp dport } accept; ip saddr . tcp dport { 1.1.1.1 . 2 } accept; accept } chain b { accept } }`);
    expect(t.chains.map((c) => c.handle)).toEqual([1, 2]);
    expect([t.objects[0].handle, t.sets[0].handle]).toEqual([3, 4]);
    expect([...ruleHandles(t).values()]).toEqual([5, 7, 9, 10, 12, 13, 14]);
  });
  it.each([
    ['meter m { ip saddr limit rate 3/second } accept', 1],
    ['meter m size 65535 { ip saddr limit rate 3/second } accept', 1],
    ['update @s { ip saddr timeout 10s } accept', 0],
    ['comment "{ a, b }"', 0],
    ['snat to ip saddr map { 1.1.1.1 : 2.2.2.2 }', 1],
    ['tcp dport { 22-25 } accept', 0],
  ])('%s', (rule, sets) => expect(setsWithin(rule)).toBe(sets));
  it('what is added later gets the next, and what is deleted leaves a hole', () => {
    const base = read('table ip t { chain a { accept; drop; } }');
    const { value } = applyNft('delete rule ip t a handle 2\nadd rule ip t a tcp dport { 1, 2 } accept\nadd chain ip t b\nadd rule ip t b accept\n', base);
    expect(writeNftRuleset(value, { handles: true })).toBe(`table ip t { # handle 1
	chain a { # handle 1
		drop # handle 3
		tcp dport { 1, 2 } accept # handle 5
	}

	chain b { # handle 6
		accept # handle 7
	}
}
`);
  });
});

it('all or nothing: what fails leaves the rule set as it was, and what is not touched is shared', () => {
  const base = read('table ip t { chain a { accept; } }\ntable ip u { chain b { drop; } }\n');
  expect(applyNft('add rule ip t a drop\nadd rule ip t nope drop\n', base).value).toBe(base);
  const { value } = applyNft('add rule ip t a drop', base);
  expect([value[0] === base[0], value[1] === base[1]]).toEqual([false, true]);
  expect(value[0].chains[0].rules[0]).toBe(base[0].chains[0].rules[0]);
});

it('priorities by name, at the hooks that have the names', () => {
  const base = (hook: string, priority: number) => ({ type: 'filter', hook, priority, policy: 'accept' as const });
  expect(['prerouting', 'postrouting'].map((h) => writePriority(base(h, -97), 'ip'))).toEqual(['dstnat + 3', '-97']);
  expect([0, 10, 11, -290, -311].map((p) => writePriority(base('input', p), 'inet'))).toEqual(['filter', 'filter + 10', '11', 'raw + 10', '-311']);
  expect(writePriority(base('postrouting', 300), 'bridge')).toBe('srcnat');
  expect(['srcnat - 10', 'filter', '-5', 'out', 'filter 3', ''].map((p) => parsePriority(p, 'ip'))).toEqual([90, 0, -5, null, null, null]);
});

it('ten thousand commands on a set of ten thousand elements take no quadratic time', () => {
  const address = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  const base = read(`table ip t { set s { type ipv4_addr; elements = { ${Array.from({ length: 10000 }, (_, i) => address(i)).join(', ')} } }\nchain c { } }`);
  const text = Array.from({ length: 10000 }, (_, i) => `add element ip t s { ${address(20000 + i)} }\nadd rule ip t c ip saddr ${address(i)} accept\n`).join(
    '',
  );
  const started = process.cpuUsage().user;
  expect(applyNft(text, base).diagnostics).toEqual([]);
  expect((process.cpuUsage().user - started) / 1e6).toBeLessThan(10);
});
