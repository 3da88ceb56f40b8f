/**
 * The first ten lines of the story for a recorded case of each cause of loss, as golden files; `UPDATE_GOLDEN=1 npx vitest run test/render` writes them anew.
 * And the tables that every cause must be in.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DropContext } from '../../src/render/drop-context.js';
import { lookAt } from '../../src/render/look.js';
import { EVERYTHING } from '../../src/render/narrow.js';
import { sentence } from '../../src/render/sentence.js';
import { renderStory } from '../../src/render/story.js';
import { type Cause, causes } from '../../src/trace/cause.js';
import { type CorpusCase, corpusRun } from './corpus-run.js';

const dir = new URL('./causes/', import.meta.url);
interface Row {
  readonly cause: string;
  readonly n: number;
  readonly case: CorpusCase;
}
const rows = gunzipSync(readFileSync(new URL('cases.jsonl.gz', dir)))
  .toString('utf8')
  .split('\n')
  .filter((l) => l !== '')
  .map((l) => JSON.parse(l) as Row);

describe('ten lines that answer', () => {
  it.each(rows.map((r) => [r.cause, r] as const))('%s', (cause, r) => {
    const run = corpusRun(r.case, r.n);
    if (!run) throw new Error(r.case.id);
    const packet = `step-${r.n}`;
    const p = run.packets.find((x) => x.packet.name === packet);
    expect(p?.outcome.request.drop?.cause ?? p?.outcome.request.kind).toBe(cause);
    const text = renderStory(run, { verbose: false, colour: false, narrow: { ...EVERYTHING, packet } });
    const ten = `${[`# ${r.case.id}, ${packet}`, ...text.split('\n').slice(0, 10)].join('\n').trimEnd()}\n`;
    const golden = new URL(`${cause}.txt`, dir);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, ten);
    expect(existsSync(golden), `${golden.pathname} (UPDATE_GOLDEN=1 writes it)`).toBe(true);
    expect(ten).toBe(readFileSync(golden, 'utf8'));
  });
  it('covers twenty causes and more', () => {
    expect(new Set(rows.map((r) => r.cause).filter((c) => c in causes)).size).toBeGreaterThanOrEqual(20);
  });
});

/** A drop with every fact there is; `used` collects what a sentence reads. */
function context(cause: Cause, used: Set<string>): DropContext {
  const watch = <T extends object>(o: T): T =>
    new Proxy(o, {
      get(t, key) {
        used.add(String(key));
        return Reflect.get(t, key);
      },
    });
  const facts = {
    src: '10.0.0.1',
    dst: '10.0.0.2',
    dev: 'eth0',
    mac: 0x0200000a0b0c,
    policy: 'p',
    ttl: 1,
    mtu: 1400,
    len: 1500,
    errno: 113,
    type: 8,
    hop: '10.0.0.9',
    spi: 7,
    queue: 1,
    bridge: 'br0',
    rp_filter: 1,
    rp_filter_all: 1,
    rp_filter_dev: 0,
    reverse_dev: 'eth1',
  };
  return watch({
    ...{
      cause,
      reason: 'NOT_SPECIFIED',
      location: 'here',
      facts: watch(facts),
      node: 'n',
      state: undefined,
      src: '10.0.0.1',
      dst: '10.0.0.2',
      family: 'ipv4' as const,
    },
    ...{
      proto: 'udp',
      sport: 1,
      dport: 53,
      mark: 5,
      length: 100,
      dev: 'eth0',
      out: 'eth1',
      rule: 'filter:INPUT:1  -A INPUT -j DROP',
      table: 'filter',
      chain: 'INPUT',
      ref: null,
      route: null,
      check: null,
      ctstate: 'NEW',
    },
  });
}

describe('every cause', () => {
  it.each(Object.keys(causes) as Cause[])('%s has a sentence with its facts and a command to type', (cause) => {
    const used = new Set<string>();
    const text = sentence(context(cause, used));
    expect(text).toMatch(/^[A-Z0-9].*\.$/);
    expect(text).not.toMatch(/undefined|null|NaN|\[object/);
    used.delete('cause');
    used.delete('facts');
    expect([...used]).not.toEqual([]);
    const commands = lookAt(context(cause, new Set()));
    expect(commands.length).toBeGreaterThan(0);
    for (const c of commands) expect(c).not.toMatch(/undefined|null|NaN|\bDEV\b|\bSRC\b|\bDST\b| {2}|\s$/);
  });
});
