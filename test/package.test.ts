/** The package as a user gets it: packed, installed elsewhere, run, and imported by a program that type-checks. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const importer = `
import { network, ping, ScenarioError, type Net } from 'netfilter-sim';
try {
  const net: Net = network({ nodes: { a: { address: '10.0.0.1/24' }, b: { address: '10.0.0.2/24' } }, wires: [['a:eth0', 'b:eth0']] });
  const answered: boolean = net.send(ping('a', '10.0.0.2')).outcome.answered;
  if (!answered) throw new Error('no answer');
} catch (e) {
  if (e instanceof ScenarioError) throw e;
}
`;

let dir = '';
const npm = (args: readonly string[], cwd: string): string =>
  execFileSync('npm', [...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false' },
  });

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'netfilter-sim-'));
  const packed = JSON.parse(npm(['pack', '--json', '--pack-destination', dir, '--ignore-scripts'], root)) as { filename: string }[];
  mkdirSync(join(dir, 'user'));
  writeFileSync(join(dir, 'user', 'package.json'), '{"name":"user","private":true,"type":"module"}');
  npm(['install', '--prefer-offline', join(dir, packed[0].filename)], join(dir, 'user'));
}, 180_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('npm pack', () => {
  it('the bin file is executable', () => {
    expect(statSync(join(dir, 'user', 'node_modules', 'netfilter-sim', 'bin', 'sim.cjs')).mode & 0o111).not.toBe(0);
  });

  it('npx sim runs a scenario of the library', () => {
    const out = execFileSync('npx', ['sim', 'run', 'fabedge-edge-to-node'], { cwd: join(dir, 'user'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(out).toContain('IP_RPFILTER');
  });

  it('an importer type-checks', () => {
    writeFileSync(join(dir, 'user', 'importer.ts'), importer);
    writeFileSync(
      join(dir, 'user', 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { strict: true, module: 'NodeNext', target: 'ES2022', noEmit: true, skipLibCheck: true, types: [] },
        files: ['importer.ts'],
      }),
    );
    execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(dir, 'user', 'tsconfig.json')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }, 60_000);
});
