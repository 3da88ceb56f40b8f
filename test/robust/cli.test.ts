/** What the command line makes of nonsense: exit status 2, what is wrong on standard error with a hint where names are concerned, nothing on standard output, no stack. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { inProcess, type Result } from '../cli/in-process.js';

const root = new URL('../../', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'sim-hostile-'));
const at = (name: string): string => join(dir, name);
mkdirSync(at('folder'));
writeFileSync(at('empty'), '');
writeFileSync(at('binary'), new Uint8Array([0xff, 0xfe, 0, 1, 2, 27, 91, 50, 74, 10, 0, 0x1b, 0x5d]));
writeFileSync(at('cut.jsonl.gz'), readFileSync(`${root}test/kernel/xt.jsonl.gz`).subarray(0, 400));
writeFileSync(at('garbage.jsonl'), 'not a case\n{"id": 5}\n[]\n');
writeFileSync(at('secret'), 'version: 1\n');
chmodSync(at('secret'), 0o000);
afterAll(() => rmSync(dir, { recursive: true }));

const sim = async (command: string, args: readonly string[]): Promise<Result> =>
  inProcess([await import(`../../src/cli/commands/${command}.ts`)], [command, ...args]);

const S = 'fabedge-edge-to-node';
const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['run', ['nonexistent'], /no such file/],
  ['run', ['fabedge-edge-to-nod'], /did you mean “fabedge-edge-to-node”/],
  ['run', [at('folder')], /no such file/],
  ['run', [at('binary')], /binary:\d+:\d+: error/],
  ['run', [at('empty')], /empty:1:1: error: the file is empty/],
  ['run', ['--colour', S], /unknown option '--colour'/],
  ['run', [], /missing required argument/],
  ['run', [S, '--do', 'node9: ip link'], /do-node[\s\S]*did you mean “node1”/],
  ['run', [S, '--do', "node1: iptables -A 'x"], /do-quote/],
  ['run', [S, '--do', 'node1: iptable -F'], /do-command[\s\S]*did you mean “iptables”/],
  ['run', [S, '--do', 'node1'], /do-form/],
  ['run', [S, '--do', 'node1: ip route show'], /do-question/],
  ['run', [S, '--do', 'node1: iptables -A NOWHERE -j DROP'], /--do:1:\d+: error/],
  ['run', [S, '--do', 'node1: ipset add NOSET 10.0.0.1'], /--do:1:\d+: error[\s\S]*ipset-no-set/],
  ['run', [S, '--what-if', 'rp_filter-of'], /what-if-unknown[\s\S]*did you mean “rp_filter-off”/],
  ['run', [S, '--format', 'stroy'], /no format “stroy”[\s\S]*hint/],
  ['run', [S, '--node', 'nope'], /no node “nope”[\s\S]*hint/],
  ['fmt', ['iptables-save', at('binary')], /binary:1:1: error/],
  ['fmt', ['iptables-save', at('folder')], /folder: error/],
  ['fmt', ['iptables-save', at('nonexistent')], /nonexistent: error/],
  ['fmt', ['iptables-sav', at('empty')], /did you mean “iptables-save”/],
  ['fmt', ['ipset-save', at('garbage.jsonl')], /garbage\.jsonl:1:1: error/],
  ['fmt', ['ip-route', at('garbage.jsonl')], /garbage\.jsonl:1:\d+: error/],
  ['conformance', [at('cut.jsonl.gz')], /cannot be read/],
  ['conformance', [at('garbage.jsonl')], /garbage\.jsonl:1:1/],
  ['conformance', [at('folder')], /no case in it/],
  ['conformance', [at('nonexistent')], /cannot be read/],
  ['test', [at('nonexistent')], /no scenario of that name/],
  ['what-if', [at('nonexistent')], /no such file/],
  ['exec', [S, 'node9', '--', 'ip', 'link'], /no node “node9”[\s\S]*hint/],
  ['exec', [S, 'node1', '--', 'frobnicate'], /no command that/],
  ['explain', ['IP_RPFILTR'], /IP_RPFILTR[\s\S]*hint/],
  ['trace', [at('nonexistent'), 'icmp 10.0.0.1 > 10.0.0.2'], /no folder[\s\S]*hint/],
  ['trace', [`${root}scenarios/${S}/node1`, '--in', 'eth0', 'icmp 10.0.0.1 >'], /packet:1:\d+: error/],
  ['trace', [`${root}scenarios/${S}/node1`, '--in', 'eth9', 'icmp 10.0.0.1 > 10.0.0.2'], /no device “eth9”[\s\S]*hint/],
  ['trace', [`${root}scenarios/${S}/node1`, '--in', 'eth0', '--pcap', at('binary')], /not a capture file/],
];

const refused = (r: Result, what: RegExp): void => {
  expect(r.stderr).toMatch(what);
  expect({ status: r.status, stdout: r.stdout }).toEqual({ status: 2, stdout: '' });
  expect(r.stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  // No escape sequence of the input reaches the terminal.
  expect(r.stderr).not.toMatch(/(?![\t\n])\p{Cc}/u);
};

describe('nonsense', () => {
  it.each(rows.map(([command, args, what]) => [`${command} ${args.map((a) => a.replace(dir, '')).join(' ')}`, command, args, what] as const))(
    'sim %s',
    async (_name, command, args, what) => {
      refused(await sim(command, args), what);
    },
  );

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    refused(await sim('fmt', ['sysctl', at('secret')]), /secret: error/);
  });
});

describe('the program itself', () => {
  it.each([
    ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
    ['a scenario that is none', ['run', at('binary')], /binary:\d+:\d+: error/],
  ])('%s', async (_name, args, what) => {
    const env = { ...process.env, NODE_NO_WARNINGS: '1' };
    const r = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${root}src/cli/main.ts`, ...args], { cwd: root, env }).catch(
      (e: { code: number; stdout: string; stderr: string }) => e,
    );
    refused({ status: 'code' in r ? r.code : 0, stdout: r.stdout, stderr: r.stderr }, what);
  });
});
