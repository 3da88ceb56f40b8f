/** `sim fmt FORMAT FILE`: parse what a tool printed and print what the tool's restore followed by its save would print. */
import type { Command } from 'commander';
import { hasErrors, nearest, type Parsed } from '../../base/diagnostic.js';
import { readIpRoute, writeIpRoute } from '../../formats/ip-route.js';
import { readIpRule, writeIpRule } from '../../formats/ip-rule.js';
import { readIpsetSave, writeIpsetSave } from '../../formats/ipset-save.js';
import { readIptablesSave, writeIptablesSave } from '../../formats/iptables-save.js';
import { readNftList } from '../../formats/nft-list.js';
import { writeNftRuleset } from '../../formats/nft-print.js';
import { looksLikeSnapshot, readSnapshot } from '../../formats/snapshot.js';
import { readSysctl, writeSysctl } from '../../formats/sysctl.js';
import { SetStore } from '../../netfilter/ipset/store.js';
import { type PartKind, partOfFile } from '../../scenario/parts.js';
import { snapshotFiles } from '../../scenario/snapshot.js';
import { complain, EXIT } from '../files.js';
import { readText } from '../read-text.js';

interface Options {
  readonly counters?: boolean;
  readonly sets?: string;
  readonly six?: boolean;
  readonly handles?: boolean;
  readonly stateless?: boolean;
}

type Formatter = (text: string, file: string, o: Options) => Parsed<string>;

const map = <T>(p: Parsed<T>, print: (v: T) => string): Parsed<string> => ({
  value: hasErrors(p.diagnostics) ? '' : print(p.value),
  diagnostics: p.diagnostics,
});

function iptables(family: 'ipv4' | 'ipv6'): Formatter {
  return (text, file, o) => {
    const sets = o.sets === undefined ? null : readIpsetSave(dumpOf(textOf(o.sets), ['ipset'], o.sets).value ?? '', { file: o.sets });
    if (sets && hasErrors(sets.diagnostics)) return { value: '', diagnostics: sets.diagnostics };
    const store = sets ? new SetStore(sets.value, () => 0) : null;
    const options = { file, family, unknown: 'refuse' as const, ...(store ? { sets: { describe: (name: string) => store.describe(name) } } : {}) };
    return map(readIptablesSave(text, options), (r) => writeIptablesSave(r, { counters: o.counters ?? false }));
  };
}

const family = (o: Options): 'ipv4' | 'ipv6' => (o.six ? 'ipv6' : 'ipv4');

const formatters = new Map<string, Formatter>([
  ['iptables-save', iptables('ipv4')],
  ['ip6tables-save', iptables('ipv6')],
  ['ipset-save', (text, file) => map(readIpsetSave(text, { file }), (s) => writeIpsetSave(s))],
  ['ip-route', (text, file, o) => map(readIpRoute(text, { file, family: family(o) }), (r) => writeIpRoute(r, { family: family(o), table: 'all' }))],
  ['ip-rule', (text, file, o) => map(readIpRule(text, { file, family: family(o) }), (r) => writeIpRule(r, { family: family(o) }))],
  ['sysctl', (text, file) => map(readSysctl(text, { file }), writeSysctl)],
  ['nft', (text, file, o) => map(readNftList(text, { file }), (r) => writeNftRuleset(r, { handles: o.handles ?? false, stateless: o.stateless ?? false }))],
]);

/** Which part of a snapshot a format is; of two the first that says something. */
const partsOf = new Map<string, (o: Options) => readonly PartKind[]>([
  ['iptables-save', () => ['iptables', 'iptables-nft']],
  ['ip6tables-save', () => ['ip6tables', 'ip6tables-nft']],
  ['ipset-save', () => ['ipset']],
  ['ip-route', (o) => [o.six ? 'routes6' : 'routes']],
  ['ip-rule', (o) => [o.six ? 'rules6' : 'rules']],
  ['sysctl', () => ['sysctl']],
  ['nft', () => ['nft']],
]);

/** The text of the dump: the file's own, or its part of a snapshot with as many empty lines before it as stand above it there. */
function dumpOf(text: string, kinds: readonly PartKind[], file: string): Parsed<string | null> {
  if (!looksLikeSnapshot(text)) return { value: text, diagnostics: [] };
  const { value, diagnostics } = readSnapshot(text, { file });
  const files = value === null ? [] : snapshotFiles(value);
  const found = kinds.flatMap((k) => files.filter((f) => partOfFile(f.name ?? '')?.kind === k));
  return { value: (found.find((f) => f.text.trim() !== '') ?? found[0])?.text ?? null, diagnostics };
}

const textOf = (path: string): string => readText(path === '-' ? 0 : path);

export function register(program: Command): void {
  program
    .command('fmt')
    .description('Parse a dump and print it as the tool itself would after a restore')
    .argument('<format>', [...formatters.keys()].join(', '))
    .argument('<file>', 'the dump, or a snapshot that holds it (sim capture); - for standard input')
    .option('-c, --counters', 'keep packet and byte counters (iptables)')
    .option('--sets <ipset-save>', 'sets that the rules may name; without it set names are not checked')
    .option('-6, --six', 'IPv6 routes or rules')
    .option('-a, --handles', 'with handles (nft)')
    .option('-s, --stateless', 'without counters and what is left of times (nft)')
    .action((format: string, file: string, o: Options) => {
      process.exitCode = fmt(format, file, o);
    })
    .addHelpText('after', '\n  iptables-save | sim fmt iptables-save -\n  sim fmt ip-route node1/ip-route.txt\n  sim fmt nft /etc/nftables.conf');
}

function fmt(format: string, file: string, o: Options): number {
  const formatter = formatters.get(format);
  if (!formatter) {
    const near = nearest(format, formatters.keys());
    process.stderr.write(`error: unknown format “${format}”${near ? `; did you mean “${near}”?` : `; known: ${[...formatters.keys()].join(', ')}`}\n`);
    return EXIT.badInput;
  }
  let text: string;
  try {
    text = textOf(file);
  } catch (e) {
    const { code, message } = e as NodeJS.ErrnoException;
    process.stderr.write(
      `${file}: error: ${code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'this is a folder; one of its dumps is wanted' : message}\n`,
    );
    return EXIT.badInput;
  }
  const name = file === '-' ? 'stdin' : file;
  const dump = dumpOf(text, partsOf.get(format)?.(o) ?? [], name);
  complain(dump.diagnostics);
  if (dump.value === null) {
    process.stderr.write(`${name}: error: this snapshot does not tell ${format}\n`);
    return EXIT.badInput;
  }
  const { value, diagnostics } = formatter(dump.value, name, o);
  complain(diagnostics);
  if (hasErrors(diagnostics)) return EXIT.badInput;
  process.stdout.write(value);
  return EXIT.ok;
}
