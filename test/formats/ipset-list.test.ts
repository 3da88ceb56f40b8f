import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readIpsetList } from '../../src/formats/ipset-list.js';
import { readIpsetSave, writeIpsetList } from '../../src/formats/ipset-save.js';

const SAVE = `create s hash:net family inet hashsize 4096 maxelem 65536 timeout 9 counters comment bucketsize 12 initval 0x00000001
add s 10.0.0.0/8 timeout 5 nomatch packets 3 bytes 7 comment "a b"
create l list:set size 8
add l s
`;

describe('ipset list', () => {
  it('reads what it writes', () => {
    const sets = readIpsetSave(SAVE, { file: 's' }).value;
    const list = writeIpsetList(sets);
    const again = readIpsetList(list, { file: 'l' });
    expect(again.diagnostics).toEqual([]);
    expect(writeIpsetList(again.value)).toBe(list);
  });

  it('knows the sizes that the kernel tells', () => {
    const size = (create: string, add: string): string =>
      /Size in memory: (.*)/.exec(writeIpsetList(readIpsetSave(`create s ${create}\nadd s ${add}\n`, { file: 's' }).value))?.[1] ?? '';
    const table: readonly (readonly [string, string, number])[] = [
      ['hash:ip hashsize 4096', '1.1.1.1', 328],
      ['hash:ip comment', '1.1.1.1 comment abcdef', 303],
      ['hash:ip skbinfo', '1.1.1.1', 288],
      ['hash:ip skbinfo comment counters timeout 6', '1.1.1.1', 360],
      ['hash:net,iface family inet6', '1::1,eth0', 1376],
      ['bitmap:ip,mac range 10.0.0.0/24 timeout 3 counters', '10.0.0.1', 8304],
      ['bitmap:port range 0-1 skbinfo comment counters timeout 6', '1', 176],
    ];
    expect(table.map(([c, a]) => size(c, a))).toEqual(table.map(([, , n]) => String(n)));
  });

  it('reports a bad line with its place', () => {
    const { diagnostics } = readIpsetList('Name: s\nType: hash:ip\nHeader: family inet\nMembers:\n1.1.1.1.1\n', { file: 'l' });
    expect(diagnostics.map((d) => [d.span?.line, d.span?.column])).toEqual([[5, 1]]);
  });
});

const DIR = new URL('../../../shared/dumps/ipset-lists', import.meta.url).pathname;
describe.skipIf(!existsSync(DIR))('listings of the tool', () => {
  const files = existsSync(DIR) ? readdirSync(DIR).filter((f) => f.endsWith('.ipsetlist')) : [];
  for (const f of files) {
    it(f, () => {
      const text = readFileSync(`${DIR}/${f}`, 'utf8');
      const { value, diagnostics } = readIpsetList(text, { file: f });
      const members = (t: string): string[] =>
        t
          .split('\n')
          .filter((l) => l !== '' && !/^[A-Z][a-z ]+: ?/.test(l))
          .sort();
      // Upstream masked numbers in one, and shows some lists without the sets that they name.
      if (/timeout x/.test(text) || /^setlist.t.list[013]/.test(f)) {
        expect(diagnostics.length).toBeGreaterThan(0);
        return;
      }
      expect(diagnostics).toEqual([]);
      expect(members(writeIpsetList(value))).toEqual(members(text));
    });
  }
});
