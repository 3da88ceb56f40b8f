/** A node out of dumps: files known by their names, the recorded cases through the same readers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/base/diagnostic.js';
import { writeBridgeFdbJson, writeBridgeLinkJson } from '../../src/formats/bridge.js';
import { writeIpLinkJson } from '../../src/formats/ip-link-print.js';
import { writeIpNeighJson } from '../../src/formats/ip-neigh.js';
import { loadScenario } from '../../src/scenario/load.js';
import { nodeFromCorpus, nodeFromFiles } from '../../src/scenario/node.js';
import { type PartKind, partOfFile } from '../../src/scenario/parts.js';
import { editNodeOf, editScenario, withNode } from '../../src/scenario/what-if.js';
import { memoryFiles } from '../diagnostics.readers.js';
import { localCorpus, readCase } from '../kernel/corpus-files.js';

describe('file names', () => {
  const rows: [string, PartKind | null][] = [
    ['iptables-save', 'iptables'],
    ['iptables-legacy-save', 'iptables'],
    ['iptables-nft-save', 'iptables-nft'],
    ['ip6tables-save', 'ip6tables'],
    ['rules.v4', 'iptables'],
    ['rules.v6', 'ip6tables'],
    ['ipset-save', 'ipset'],
    ['ipset-save.broken', null],
    ['ip-addr.json', 'addresses'],
    ['ip-link.json', 'links'],
    ['ip-d-link.txt', 'links'],
    ['ip-route.txt', 'routes'],
    ['ip-route.json', 'routes'],
    ['ip-route6.txt', 'routes6'],
    ['ip-6-route.txt', 'routes6'],
    ['ip-rule.json', 'rules'],
    ['ip-rule6.json', 'rules6'],
    ['neigh.txt', 'neigh'],
    ['ip-neigh.json', 'neigh'],
    ['sysctl.txt', 'sysctl'],
    ['bridge-fdb.json', 'fdb'],
    ['bridge-link.json', 'bridge'],
    ['bridge-vlan.txt', 'vlans'],
    ['xfrm-policy.txt', 'xfrm_policy'],
    ['xfrm-state.txt', 'xfrm_state'],
    ['conntrack.txt', 'conntrack'],
    ['nft-ruleset', 'nft'],
    ['ebtables-save', 'ebtables'],
    ['sockets.txt', 'sockets'],
    ['kernel-release', 'kernel'],
    ['tc-standin.txt', null],
  ];
  it.each(rows)('%s', (name, kind) => {
    expect(partOfFile(name)?.kind ?? null).toBe(kind);
  });
});

it('text counts for routes, JSON for devices, and an unknown file is named', () => {
  const r = nodeFromFiles('n', [
    { path: 'd/ip-route.json', text: '[]' },
    { path: 'd/ip-route.txt', text: '10.0.0.0/24 dev eth0\n' },
    { path: 'd/ip-link.txt', text: '9: eth9: <UP> mtu 1500 qdisc noop state UP group default\n    link/ether 02:00:00:00:00:09 brd ff:ff:ff:ff:ff:ff\n' },
    { path: 'd/ip-link.json', text: '[{"ifindex":2,"ifname":"eth0","link_type":"ether","address":"02:00:00:00:00:01"}]' },
    { path: 'd/uname-r', text: '5.14.0-427.el9.x86_64\n' },
    { path: 'd/README.md', text: '' },
    { path: 'd/iptables-save.old', text: '' },
  ]);
  expect(r.value.routes).toHaveLength(1);
  expect(r.value.links.map((l) => l.name)).toEqual(['eth0']);
  expect(r.value.kernel).toBe('5.14.0-427.el9.x86_64');
  expect(r.value.iptables).toBeNull();
  expect(r.diagnostics.map((d) => `${d.code} ${d.hint}`)).toEqual(['dump-unknown-file did you mean “iptables-save”?']);
});

describe('recorded cases', () => {
  it.each(localCorpus().map((f) => [f.category, f] as const))(
    '%s: every part is read without a word, and devices, neighbours, bridges come back',
    (_category, file) => {
      for (const line of file.lines) {
        const c = readCase(file, line);
        const state = c.state as unknown as Record<string, unknown>;
        const { value, diagnostics } = nodeFromCorpus(c.links, state, c.backend, c.family);
        expect(diagnostics.map(formatDiagnostic)).toEqual([]);
        expect(JSON.parse(writeIpLinkJson(value.links, { details: true }))).toEqual(state.link);
        expect(JSON.parse(writeIpNeighJson(value.neighs))).toEqual(state.neigh);
        if (state.bridge_fdb) expect(JSON.parse(writeBridgeFdbJson(value.fdb))).toEqual(state.bridge_fdb);
        // A link in another namespace shows as an index in ip link and as if5 in bridge link.
        if (state.bridge_link) expect(JSON.parse(writeBridgeLinkJson(value.links, { details: true }))).toEqual(state.bridge_link);
        expect(value.sysctls.length).toBe(Object.keys(state.sysctl as object).length);
        expect(value.routes?.length).toBeGreaterThan(0);
        expect(value.rules?.length).toBeGreaterThan(0);
      }
    },
  );
});

const shared = new URL('../../../shared/seed-scenario/', import.meta.url).pathname;
it.skipIf(!existsSync(shared))('the recorded nodes of the report', () => {
  for (const d of ['edge1', 'master', 'node1']) {
    const files = readdirSync(shared + d).map((f) => ({ path: `${d}/${f}`, text: readFileSync(`${shared}${d}/${f}`, 'utf8') }));
    const r = nodeFromFiles(d, files);
    expect(new Set(r.diagnostics.map((x) => x.code))).toEqual(new Set(['dump-unknown-file']));
    expect(r.value.iptables?.tables.length).toBeGreaterThan(3);
  }
});

describe('what-if', () => {
  const text =
    'version: 1\nnodes:\n  a: { address: 10.0.0.1/24, sysctl: { net.ipv4.ip_forward: 0 }, iptables: "*filter\\n:INPUT ACCEPT [0:0]\\n-A INPUT -j DROP\\nCOMMIT\\n" }\n  b: { address: 10.0.0.2/24 }\n';
  const s = loadScenario('s.yaml', memoryFiles({ 's.yaml': text })).value;
  if (!s) throw new Error('no scenario');

  it('changes what it touches and shares the rest', () => {
    const t = editScenario(s, (d) => {
      d.nodes[0].sysctls[0].value = '1';
    });
    expect(s.nodes[0].sysctls[0].value).toBe('0');
    expect(t.nodes[0].sysctls[0].value).toBe('1');
    expect(t.nodes[1]).toBe(s.nodes[1]);
    expect(t.nodes[0].iptables).toBe(s.nodes[0].iptables);
    expect(t.nodes[0].links).toBe(s.nodes[0].links);
    expect(t.wires).toBe(s.wires);
  });
  it('nothing changed is the same scenario', () => {
    expect(editScenario(s, () => {})).toBe(s);
    expect(editNodeOf(s, 'nobody', () => {})).toBeNull();
    expect(withNode(s, s.nodes[0])).toBe(s);
  });
  it('a rule list is replaced, never drafted or frozen', () => {
    const list = s.nodes[0].iptables?.tables[0].chains[0].rules;
    const t = editNodeOf(s, 'a', (n) => {
      const chain = n.iptables?.tables[0].chains[0];
      if (chain) chain.rules = chain.rules.remove(0);
    });
    expect(t?.nodes[0].iptables?.tables[0].chains[0].rules.length).toBe(0);
    expect(t?.nodes[0].iptables?.tables[0].chains[1]).toBe(s.nodes[0].iptables?.tables[0].chains[1]);
    expect(list?.length).toBe(1);
    expect(Object.isFrozen(list)).toBe(false);
  });
});
