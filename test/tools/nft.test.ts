/** nft(8) on a simulated node: changes as commands and as text, listings with what packets counted, complaints in its own words. */
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/base/diagnostic.js';
import { splitShellWords } from '../../src/base/shell-words.js';
import { loadScenario } from '../../src/scenario/load.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';

const NODES = `version: 1
name: t
nodes:
  a: { address: 10.0.0.1/24, listen: [tcp/80] }
  b:
    address: 10.0.0.2/24
    listen: [tcp/80]
    nft: |
      table inet f {
        counter seen { comment "of all" }
        set ok {
          type ipv4_addr
          flags interval
          elements = { 10.0.9.0/24 }
        }
        chain in {
          type filter hook input priority filter; policy accept;
          counter name seen
          ip protocol icmp counter accept
          tcp dport 80 ip saddr @ok drop
        }
        chain other {
        }
      }
wires: [[a:eth0, b:eth0]]
`;
const PING = 'from: a, ping: { to: 10.0.0.2 }';
const GET = 'from: a, tcp: { to: "10.0.0.2:80" }';

function loaded(packets: string, top = ''): { run: ScenarioRun; errors: readonly Diagnostic[] } {
  const text = `${NODES}${top}packets:\n${packets}`;
  const { value, diagnostics } = loadScenario('t.yaml', { read: (p) => (p === 't.yaml' ? text : null), list: () => null });
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  if (!value) throw new Error('does not load');
  const run = runScenario(value, { execute, apply: applyAll });
  return { run, errors: run.diagnostics.filter((d) => d.severity === 'error') };
}
const asked = (run: ScenarioRun, command: string): string => {
  const a = ask(run.network.node('b')!, splitShellWords(command) ?? []);
  return `${a.stdout}${a.stderr}${a.status === 0 ? '' : `=> ${a.status}\n`}`;
};
const changed = (commands: readonly string[]): { run: ScenarioRun; errors: readonly Diagnostic[] } =>
  loaded(`  - { name: p, do: ${JSON.stringify(commands.map((c) => `b: nft ${c}`))}, ${PING} }\n`);
const listed = (commands: readonly string[], question = 'nft -a list chain inet f in'): string => {
  const { run, errors } = changed(commands);
  expect(errors).toEqual([]);
  return asked(run, question);
};

describe('listings', () => {
  it('show what packets counted', () => {
    const { run } = loaded(`  - { name: p, count: 2, ${PING} }\n  - { name: g, ${GET} }\n`);
    expect(asked(run, 'nft list chain inet f in')).toContain('\t\tip protocol icmp counter packets 2 bytes 168 accept\n');
    expect(asked(run, 'nft -s list chain inet f in')).toContain('\t\tip protocol icmp counter accept\n');
    expect(asked(run, 'nft list counters')).toMatch(
      /^table inet f \{\n\tcounter seen \{\n\t\tcomment "of all"\n\t\tpackets [1-9]\d* bytes [1-9]\d*\n\t\}\n\}\n$/,
    );
  });
  it('of parts', () => {
    const { run } = loaded(`  - { name: p, ${PING} }\n`);
    expect(asked(run, 'nft list tables')).toBe('table inet f\n');
    expect(asked(run, 'nft list ruleset ip')).toBe('');
    expect(asked(run, 'nft list chains')).toBe(
      'table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n\tchain other {\n\t}\n}\n',
    );
    expect(asked(run, 'nft -a list set inet f ok')).toBe(
      'table inet f {\n\tset ok { # handle 4\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.9.0/24 }\n\t}\n}\n',
    );
    expect(asked(run, 'nft get element inet f ok { 10.0.9.7 }')).toContain('elements = { 10.0.9.0/24 }');
  });
  it.each([
    [
      'nft list chain inet f inn',
      'Error: No such file or directory; did you mean chain ‘in’ in table inet ‘f’?\nlist chain inet f inn\n                  ^^^\n=> 1\n',
    ],
    ['nft list table inet nope', 'Error: No such file or directory\nlist table inet nope\n                ^^^^\n=> 1\n'],
    ['nft list', 'Error: syntax error, unexpected newline\nlist\n    ^\n=> 1\n'],
    ['nft list frob', 'Error: syntax error, unexpected string\nlist frob\n     ^^^^\n=> 1\n'],
  ])('%s', (command, says) => expect(asked(loaded(`  - { name: p, ${PING} }\n`).run, command)).toBe(says));
});

const RULES = (rules: string): string =>
  `table inet f {\n\tchain in { # handle 1\n\t\ttype filter hook input priority filter; policy accept;\n${rules}\t}\n}\n`;
const SEEN = '\t\tcounter name seen # handle 5\n';
const ICMP = '\t\tip protocol icmp counter packets 1 bytes 84 accept # handle 6\n';
const DROP = '\t\ttcp dport 80 ip saddr @ok drop # handle 7\n';

describe('changes', () => {
  it.each([
    [['add rule inet f in tcp dport { 1, 2 } drop'], SEEN + ICMP + DROP + '\t\ttcp dport { 1, 2 } drop # handle 9\n'],
    [['inet f in accept'], SEEN + ICMP + DROP + '\t\taccept # handle 8\n'],
    [['insert rule inet f in udp dport 1 drop'], '\t\tudp dport 1 drop # handle 8\n' + SEEN + ICMP + DROP],
    [['add rule inet f in handle 5 udp dport 1 drop'], `${SEEN}\t\tudp dport 1 drop # handle 8\n${ICMP}${DROP}`],
    [['insert rule inet f in index 1 udp dport 1 drop'], `${SEEN}\t\tudp dport 1 drop # handle 8\n${ICMP}${DROP}`],
    [['replace rule inet f in handle 7 udp dport 1 drop'], `${SEEN}${ICMP}\t\tudp dport 1 drop # handle 7\n`],
    [['delete rule inet f in handle 7', 'add rule inet f in drop comment \\"a  b\\"'], `${SEEN}${ICMP}\t\tdrop comment "a b" # handle 8\n`],
    [['add rule inet f in accept', 'delete rule inet f in handle 8', 'add rule inet f in drop'], `${SEEN}${ICMP}${DROP}\t\tdrop # handle 9\n`],
    [['flush chain inet f in'], ''],
  ] as const)('%j', (commands, rules) => expect(listed(commands)).toBe(RULES(rules)));

  it('chains, tables, sets and objects', () => {
    expect(
      listed(
        [
          'rename chain inet f other misc',
          'delete chain inet f misc',
          'add table ip x',
          'destroy table ip y',
          'add chain ip x c { type nat hook prerouting priority -97; }',
        ],
        'nft list ruleset',
      ),
    ).toContain('\t}\n}\ntable ip x {\n\tchain c {\n\t\ttype nat hook prerouting priority dstnat + 3; policy accept;\n\t}\n}\n');
    expect(listed(['add element inet f ok { 10.0.0.7, 10.0.1.0-10.0.1.9 }', 'delete element inet f ok { 10.0.9.0/24 }'], 'nft list set inet f ok')).toContain(
      'elements = { 10.0.0.7, 10.0.1.0-10.0.1.9 }',
    );
    expect(listed(['add set inet f s { type inet_service\\; }', 'add element inet f s { 5, 4, 3, 2, 1, 6 }'], 'nft list set inet f s')).toBe(
      'table inet f {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 1, 2, 3, 4, 5,\n\t\t\t     6 }\n\t}\n}\n',
    );
    expect(listed(['add counter inet f n', 'add quota inet f q over 5 mbytes'], 'nft list quotas')).toBe(
      'table inet f {\n\tquota q {\n\t\tover 5 mbytes\n\t}\n}\n',
    );
  });

  it.each([
    ['add rule inet f nope accept', 'Could not process rule: No such file or directory', 21],
    ['add rule inet g in accept', 'No such file or directory', 19],
    ['delete rule inet f in handle 99', 'Could not process rule: No such file or directory', 34],
    ['create table inet f', 'Could not process rule: File exists', 23],
    ['create chain inet f other', 'Could not process rule: File exists', 25],
    ['add element inet f okk { 1.2.3.4 }', 'No such file or directory', 24],
    ['delete element inet f ok { 1.2.3.4 }', 'element does not exist', 32],
    ['add element inet f ok { 10.0.0.0/8 }', 'interval overlaps with an existing one', 29],
    ['delete set inet f ok', 'Could not process rule: Device or resource busy', 23],
    ['delete table ip x', 'Could not process rule: No such file or directory', 21],
    ['add chain inet f c { type filter hook foo priority 0; }', 'unknown chain hook', 43],
    ['add rule inet f in jump nowhere', 'there is no chain nowhere in table inet f', 29],
    ['-f rules.nft', 'files are not read here', 8],
  ])('%s', (command, message, column) => {
    const { value } = loadScenario('t.yaml', { read: () => `${NODES}packets: [{ name: p, ${PING} }]\n`, list: () => null });
    if (!value) throw new Error('does not load');
    const run = runScenario({ ...value, do: [{ node: 'b', command: `nft ${command}`, span: null }] }, { execute });
    expect(run.diagnostics.filter((d) => d.severity === 'error').map((d) => [d.message, d.span?.column])).toEqual([[message, column]]);
  });

  it('the counters of rules that stay are kept', () => {
    const { run } = loaded(`  - { name: p, ${PING} }\n  - { name: q, do: ["b: nft insert rule inet f in udp dport 1 drop"], ${PING} }\n`);
    expect(asked(run, 'nft list chain inet f in')).toContain('ip protocol icmp counter packets 2 bytes 168 accept');
  });
  it('reset counters', () => {
    const { run } = loaded(`  - { name: p, ${PING} }\n  - { name: q, do: ["b: nft reset counters"], ${PING} }\n`);
    expect(asked(run, 'nft list counters')).toContain('packets 1 bytes 84');
  });
});

describe('apply: nft', () => {
  const apply = (text: string): ReturnType<typeof loaded> =>
    loaded(`  - { name: p, ${PING} }\n`, `apply:\n  - node: b\n    nft: |\n${text.replace(/^/gm, '        ')}\n`);
  it('is read as nft -f reads it', () => {
    const { run, errors } = apply('flush ruleset\ndefine P = { 80, 443 }\ntable ip n {\n  chain c { tcp dport $P drop; }\n}');
    expect(errors).toEqual([]);
    expect(asked(run, 'nft list ruleset')).toBe('table ip n {\n\tchain c {\n\t\ttcp dport { 80, 443 } drop\n\t}\n}\n');
  });
  it('all or nothing', () => {
    const { run, errors } = apply('add rule inet f other accept\nadd rule inet f nope accept');
    expect(errors.map((d) => d.message)).toEqual(['Could not process rule: No such file or directory']);
    expect(errors[0].hint).toContain('line 2 of what nft reads: add rule inet f nope accept');
    expect(asked(run, 'nft list chain inet f other')).toBe('table inet f {\n\tchain other {\n\t}\n}\n');
  });
});

describe('sets that packets change', () => {
  const SETS = `apply:
  - node: b
    nft: |
      table ip s {
        set seen { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; elements = { 9.9.9.9 timeout 10s, 8.8.8.8 } }
        set told { type ipv4_addr . inet_proto; counter; flags dynamic; size 10; }
        quota q { over 1 mbytes; }
        chain in { type filter hook input priority 0;
          update @seen { ip saddr }
          update @told { ip saddr . ip protocol counter }
          quota name "q" accept
        }
      }
`;
  const PINGS = `  - { name: p, ${PING} }\n  - { name: q, count: 2, ${PING} }\n`;
  it('are listed as they are', () => {
    const { run, errors } = loaded(PINGS, SETS);
    expect(errors).toEqual([]);
    const seen = asked(run, 'nft list set ip s seen');
    expect(seen).toContain('elements = { 8.8.8.8 expires 1m, 9.9.9.9 timeout 10s expires 10s,\n\t\t\t     10.0.0.1 expires 1m }');
    expect(asked(run, 'nft list set ip s told')).toContain('elements = { 10.0.0.1 . icmp counter packets 3 bytes 252 }');
    expect(asked(run, 'nft list quota ip s q')).toContain('over 1 mbytes used 252 bytes');
    expect(asked(run, 'nft get element ip s seen { 10.0.0.1 }')).toContain('elements = { 10.0.0.1 expires');
  });
  it('stay so when a command changes them', () => {
    const { run } = loaded(
      PINGS.replace('name: q,', 'name: q, do: ["b: nft add element ip s told { 1.2.3.4 . tcp }", "b: nft delete element ip s seen { 10.0.0.1 }"],'),
      SETS,
    );
    expect(asked(run, 'nft list set ip s told')).toContain('10.0.0.1 . icmp counter packets 3 bytes 252');
    expect(asked(run, 'nft list set ip s told')).toContain('1.2.3.4 . tcp');
    expect(asked(run, 'nft list set ip s seen')).toContain('10.0.0.1 expires');
  });
  it('reset quotas', () => {
    const { run } = loaded(PINGS.replace('name: q, count: 2,', 'name: q, do: ["b: nft reset quota ip s q"],'), SETS);
    expect(asked(run, 'nft list quotas')).toContain('over 1 mbytes used 84 bytes');
  });
});
