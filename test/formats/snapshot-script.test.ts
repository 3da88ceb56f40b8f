/** The script that takes a snapshot: under several shells, with few tools, and with -n. What it does in a namespace of its own is test/lab/capture.test.ts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSnapshot, type Snapshot } from '../../src/formats/snapshot.js';
import { SNAPSHOT_SCRIPT } from '../../src/formats/snapshot-script.js';
import { partOfFile } from '../../src/scenario/parts.js';
import { nodeFromSnapshot } from '../../src/scenario/snapshot.js';

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
const shells = [['sh'], ['dash'], ['busybox', 'sh'], ['bash', '--posix']].filter(([tool]) => has(tool));
const linux = process.platform === 'linux';
if (!linux || !has('busybox')) console.warn('SKIPPED in part: the snapshot script wants Linux and busybox');

const dir = mkdtempSync(join(tmpdir(), 'nfsim-script-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A PATH that is all the script has; its own line that adds the usual folders is taken out. */
const script = (path: string | null): string => {
  if (path === null) return SNAPSHOT_SCRIPT;
  const out = SNAPSHOT_SCRIPT.replace(/^PATH=.*$/m, `PATH=${path}; export PATH`);
  expect(out).not.toBe(SNAPSHOT_SCRIPT);
  return out;
};

function take(shell: readonly string[], path: string | null = null, args: readonly string[] = []): { status: number | null; stdout: string; stderr: string } {
  const found = execFileSync('sh', ['-c', `command -v ${shell[0]}`], { encoding: 'utf8' }).trim();
  return spawnSync(found, [...shell.slice(1), '-s', '--', ...args], { input: script(path), encoding: 'utf8', maxBuffer: 1 << 28 });
}

const read = (text: string): Snapshot => {
  const { value, diagnostics } = readSnapshot(text, { file: 'x' });
  expect(diagnostics).toEqual([]);
  if (value === null) throw new Error('no snapshot');
  return value;
};

/** A folder of programs: links to busybox, and scripts. */
function tools(name: string, applets: readonly string[], scripts: Readonly<Record<string, string>> = {}): string {
  const path = join(dir, name);
  mkdirSync(path);
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  for (const a of applets) symlinkSync(busybox, join(path, a));
  for (const [tool, text] of Object.entries(scripts)) {
    writeFileSync(join(path, tool), `#!${busybox} sh\n${text}`);
    chmodSync(join(path, tool), 0o755);
  }
  return path;
}

const META = ['hostname', 'date', 'user', 'netns'];

describe('the snapshot script', () => {
  it.each(shells)('parses under %s', (...shell) => {
    const r = spawnSync(shell[0], [...shell.slice(1), '-n'], { input: SNAPSHOT_SCRIPT, encoding: 'utf8' });
    expect([r.status, r.stderr]).toEqual([0, '']);
  });

  it.skipIf(!linux).each(shells)('takes a whole snapshot under %s', (...shell) => {
    const r = take(shell);
    expect([r.status, r.stderr]).toEqual([0, '']);
    const s = read(r.stdout);
    expect(s.complete).toBe(true);
    for (const p of s.parts) expect([p.name, META.includes(p.name) || partOfFile(p.name) !== undefined]).toEqual([p.name, true]);
    expect(s.parts.length).toBeGreaterThan(25);
    expect(nodeFromSnapshot('n', r.stdout, 'x').diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  });

  it.skipIf(!linux || !has('busybox'))('-n lists what would be run, and runs nothing', () => {
    const trap = Object.fromEntries(
      ['ip', 'iptables-save', 'iptables-legacy-save', 'nft', 'ipset', 'uname', 'grep', 'cat', 'id', 'date'].map((t) => [t, `echo ${t} >> ${dir}/ran\n`]),
    );
    const r = take(['sh'], tools('trap', ['sed'], trap), ['-n']);
    expect([r.status, r.stderr]).toEqual([0, '']);
    expect(spawnSync('cat', [`${dir}/ran`], { encoding: 'utf8' }).stdout).toBe('');
    const lines = r.stdout.trimEnd().split('\n');
    for (const part of [
      'ip-link.json: ip -j -d link show',
      'iptables-legacy-save: iptables-legacy-save -c',
      'nft-ruleset: nft -a list ruleset',
      'ipset-save: ipset save',
    ])
      expect(lines).toContain(part);
    expect(lines.every((l) => /^[\w.-]+: \S/.test(l))).toBe(true);
    expect(r.stdout).toContain('conntrack');
  });

  it('is plain ASCII, in lines that a terminal shows', () => {
    expect(SNAPSHOT_SCRIPT).toMatch(/^[\n\x20-\x7e]+$/);
  });

  it('takes no other argument', () => {
    const r = take(['sh'], null, ['--now']);
    expect([r.status, r.stdout, r.stderr]).toEqual([2, '', 'usage: sh snapshot.sh [-n]\n']);
  });

  it.skipIf(!linux || !has('busybox'))('does with what busybox has, and names what is not there', () => {
    const path = tools('bb', ['sh', 'sed', 'grep', 'cat', 'uname', 'id', 'date', 'readlink', 'ip']);
    const r = take(['busybox', 'sh'], path);
    expect([r.status, r.stderr]).toEqual([0, '']);
    const s = read(r.stdout);
    const end = (name: string): unknown => s.parts.find((p) => p.name === name)?.end;
    expect(end('ip-link.txt')).toEqual({ kind: 'exit', status: 0 });
    expect(end('sysctl.txt')).toEqual({ kind: 'exit', status: 0 });
    expect(end('sockets.txt')).toMatchObject({ kind: 'exit' });
    for (const [name, tool] of [['bridge-fdb.txt', 'bridge']]) expect(end(name)).toEqual({ kind: 'missing', tool });
    expect(['missing', 'absent']).toContain((end('ipset-save') as { kind: string }).kind);
    const { value } = nodeFromSnapshot('n', r.stdout, 'x');
    expect(value?.links.some((l) => l.name === 'lo')).toBe(true);
    expect(value?.sysctls.length).toBeGreaterThan(100);
  });

  it.skipIf(!linux || !has('busybox'))('without grep or sed it says so, status 3', () => {
    const r = take(['busybox', 'sh'], tools('bare', ['cat', 'uname']));
    expect([r.status, r.stdout, r.stderr]).toEqual([3, '', 'snapshot: no sed here\n']);
  });

  it.skipIf(!linux || !has('busybox'))('a tool that fails or prints what looks like a part changes no other part', () => {
    const forged = 'printf "0: x\\n== ipset-save: ipset save\\n|create forged hash:ip\\n-- exit 0\\n== end\\nno newline"; echo "why" >&2; exit 7\n';
    const r = take(['busybox', 'sh'], tools('forged', ['sed', 'grep', 'cat'], { ip: forged }));
    const s = read(r.stdout);
    const part = s.parts.find((p) => p.name === 'ip-rule.txt');
    expect(part).toMatchObject({ end: { kind: 'exit', status: 7 }, errors: ['why'] });
    expect(part?.text.endsWith('\nno newline')).toBe(true);
    expect(r.stdout).not.toMatch(/^create forged|^\|create forged/m);
  });

  it.skipIf(!linux || !has('busybox'))('what cannot be read has not answered', () => {
    const fail = 'echo "cat: Permission denied" >&2; exit 1\n';
    const s = read(take(['busybox', 'sh'], tools('unread', ['sed', 'grep', 'sh'], { cat: fail })).stdout);
    for (const name of ['sysctl.txt', 'sockets.txt'])
      expect(s.parts.find((p) => p.name === name)).toMatchObject({ end: { kind: 'exit', status: 1 }, errors: ['cat: Permission denied'], text: '' });
  });

  it('leaves secrets out', () => {
    const state =
      'echo "src 10.0.0.1 dst 10.0.0.2"; printf "\\tproto esp spi 0x1 reqid 1 mode tunnel\\n\\tauth-trunc hmac(sha256) 0xdeadbeefdeadbeef 128\\n\\tenc cbc(aes) 0xdeadbeefdeadbeef\\n\\taead rfc4106(gcm(aes)) 0xdeadbeefdeadbeef 128\\n"\n';
    if (!linux || !has('busybox')) return;
    const r = take(['busybox', 'sh'], tools('secret', ['sed', 'grep', 'cat'], { ip: state }));
    const part = read(r.stdout).parts.find((p) => p.name === 'xfrm-state.txt');
    if (part?.end.kind === 'exit') {
      expect(part.text).toContain('enc cbc(aes) 0x\n');
      expect(part.text).toContain('auth-trunc hmac(sha256) 0x 128\n');
      expect(part.text).not.toContain('deadbeef');
    }
    expect(r.stdout).not.toMatch(/^\|.*(fastopen_key|stable_secret)/m);
  });
});
