/** Formats on the report's scenario: what is stable, what is valid, what narrowing leaves. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { triedRepairs } from '../../src/harness/repairs.js';
import { explain, explainable } from '../../src/render/explain.js';
import { EVERYTHING, findRenderer, type Narrowing, renderers } from '../../src/render/index.js';
import { renderJson, traceSchema } from '../../src/render/json.js';
import { renderMermaid } from '../../src/render/mermaid.js';
import { shownEvents } from '../../src/render/narrow.js';
import type { RenderOptions } from '../../src/render/renderer.js';
import { renderStory } from '../../src/render/story.js';
import { renderSummary } from '../../src/render/summary.js';
import { renderTrace } from '../../src/render/trace.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute } from '../../src/tools/execute.js';
import { reasons } from '../../src/trace/reasons.js';
import { main, replay, root, variant } from '../seed/replay.js';

const only = (n: Partial<Narrowing>): { narrow: Narrowing } => ({ narrow: { ...EVERYTHING, ...n } });

describe('story', () => {
  const lines = renderStory(replay(main), { verbose: false, colour: false, ...only({}) }).split('\n');
  it('answers in its first ten lines', () => {
    const ten = lines.slice(0, 10).join('\n');
    for (const word of [
      'dies on node1',
      '10.22.46.41',
      'tunl0',
      'eth0',
      'IP_RPFILTER',
      'TcpExtIPReversePathFilter',
      'all=1',
      'tunl0=1',
      'FABEDGE-PEER-CIDR',
      '192.168.0.16 became 10.22.46.41',
      'FABEDGE-NAT-OUTGOING:3',
    ])
      expect(ten).toContain(word);
    expect(ten).toContain('ip route get 10.234.102.161 from 10.22.46.41 iif tunl0');
  });
  it('says that the larger of two values wins when one alone is changed', () => {
    const text = renderStory(replay(main, ['node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=0']), { verbose: false, colour: false, ...only({}) });
    expect(text).toContain('the larger of all=1 and tunl0=0 counts');
  });
  it('explains the lost answer when rp_filter is off', () => {
    const off = ['node1: sysctl -w net.ipv4.conf.all.rp_filter=0', 'node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=0'];
    const ten = renderStory(replay(main, off), { verbose: false, colour: false, ...only({}) })
      .split('\n')
      .slice(0, 10)
      .join('\n');
    for (const word of ['The answer to edge1-to-node1 dies on edge1', 'XFRM_POLICY', 'XfrmInTmplMismatch', 'ip xfrm policy list dir fwd'])
      expect(ten).toContain(word);
  });
  it('tells of a connection whose answer comes from elsewhere', () => {
    const ten = renderStory(replay('scenarios/dnat/hairpin-nat.yaml'), { verbose: false, colour: false, ...only({}) })
      .split('\n')
      .slice(0, 10)
      .join('\n');
    expect(ten).toContain('SYN-ACK came back from 10.0.1.3:8080 instead of 10.0.2.1:80: the client knows no such connection and answers RST.');
    expect(ten).toMatch(/from-outside .* connected/);
  });
  it('has no escape sequences without colour, and some with it', () => {
    expect(lines.join('')).not.toContain('\u001b');
    expect(renderStory(replay(main), { verbose: false, colour: true, ...only({}) })).toContain('\u001b[');
  });
});

describe('narrowing', () => {
  it('prints the listing of the report and nothing else', () => {
    const text = renderTrace(replay(main), only({ node: 'node1', packet: 'edge1-to-node1', dir: 'request', layer: 'inner' }));
    expect(text).toBe(readFileSync(`${root}scenarios/fabedge-edge-to-node/expected/seed-edge1-to-node1.trace`, 'utf8'));
  });
  it('inner and outer are all', () => {
    for (const p of replay(variant('correct')).packets) {
      const count = (layer: Narrowing['layer']): number => shownEvents(p, { ...EVERYTHING, layer }).length;
      expect(count('inner') + count('outer')).toBe(count('all'));
      expect(count('outer')).toBeGreaterThan(0);
    }
  });
});

it('summary', () => {
  expect(renderSummary(replay(main), only({}))).toBe(
    [
      'master-to-node1 request: delivered net-tool-node1 icmp_rcv; 10.234.79.169>10.234.102.161 => 10.234.79.169>10.234.102.161; 114 trace lines',
      'master-to-node1 reply: delivered net-tool-master ip_local_deliver_finish; 10.234.102.161>10.234.79.169 => 10.234.102.161>10.234.79.169; 15 trace lines',
      'edge1-to-node1 request: dropped node1 ip_rcv_finish IP_RPFILTER; 192.168.0.16>10.234.102.161 => 10.22.46.41>10.234.102.161; 85 trace lines',
      '',
    ].join('\n'),
  );
});

describe('json', () => {
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(traceSchema())));
  it.each(['correct', 'broken-strict'])('%s fits its schema', (name) => {
    const value = JSON.parse(renderJson(replay(variant(name)), only({})));
    expect(schema.safeParse(value).error?.issues.slice(0, 3)).toBeUndefined();
  });
  it('a packet that failed has what could save it, tried where the caller can', () => {
    const run = replay(main);
    const rows = (tried?: RenderOptions['tried']) => {
      const value = JSON.parse(renderJson(run, { ...only({}), ...(tried ? { tried } : {}) }));
      expect(schema.safeParse(value).error?.issues.slice(0, 3)).toBeUndefined();
      return value.packets as { name: string; repairs?: unknown[] }[];
    };
    const [good, bad] = rows((p) => triedRepairs(run, p, { execute, apply: applyAll }));
    expect(Object.keys(good)).toEqual(['name', 'nth', 'errno', 'answered', 'request', 'reply']);
    expect(bad.repairs).toMatchObject([
      { do: ['edge1: ipset add FABEDGE-PEER-CIDR 10.234.102.161'], saves: true, fate: 'answered', harms: [], outcome: { answered: true } },
      {
        do: ['node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=2'],
        saves: false,
        outcome: { answered: false, request: { fate: 'delivered' }, reply: { fate: 'dropped', node: 'edge1', reason: 'XFRM_POLICY' } },
      },
    ]);
    expect(rows()[1].repairs).toContainEqual({
      do: ['edge1: ipset add FABEDGE-PEER-CIDR 10.234.102.161'],
      saves: null,
      fate: null,
      harms: [],
      outcome: null,
    });
  });
  it('the schema refuses something else', () => {
    expect(schema.safeParse({ version: 1, packets: [], events: [{ t: 'box', node: 'n', skb: 1, time: 0 }] }).success).toBe(false);
  });
});

it('mermaid: every line that is an edge joins boxes that exist, the dead end is marked', () => {
  const text = renderMermaid(replay(main), only({ packet: 'edge1-to-node1' }));
  const ids = new Set([...text.matchAll(/^ {4}(\w+)[[({]/gm)].map((m) => m[1]));
  const edges = [...text.matchAll(/^ {2}(\w+) -\.?->(?:\|[^|]*\|)? (\w+)$/gm)];
  expect(edges.length).toBeGreaterThan(20);
  for (const [, a, b] of edges) expect([ids.has(a), ids.has(b)]).toEqual([true, true]);
  expect([...text.matchAll(/subgraph/g)]).toHaveLength(4);
  const dead = /(e\d+)\{\{"IP_RPFILTER/.exec(text)?.[1];
  expect(text).toContain(`class ${dead} dead`);
});

describe('every format', () => {
  it.each(renderers.map((r) => r.name))('%s is a function of the run: twice the same', (name) => {
    const r = findRenderer(name);
    const o = { verbose: false, colour: false, ...only({}) };
    expect(r?.render(replay(main), o)).toEqual(r?.render(replay(main), o));
  });
});

/** Drop reasons that stand in the sources of the engine. */
function reasonsInSources(): Set<string> {
  const out = new Set<string>();
  const walk = (dir: string): void => {
    for (const name of readdirSync(dir)) {
      const path = `${dir}/${name}`;
      if (statSync(path).isDirectory()) walk(path);
      else
        for (const m of readFileSync(path, 'utf8').matchAll(/(?:drop|dropped|bad|refuse|lost|fail)\((?:[\w.]+, )?(?:[\w.]+, )?'([A-Z][A-Z0-9_]+)'/g))
          out.add(m[1]);
    }
  };
  for (const d of ['stack', 'fib', 'netfilter/conntrack']) walk(`${root}src/${d}`);
  return out;
}

describe('explain', () => {
  it('knows every drop reason of the engine', () => {
    const used = reasonsInSources();
    expect(used.size).toBeGreaterThan(20);
    expect([...used].filter((r) => !(r in reasons))).toEqual([]);
  });
  it.each(explainable())('%s', (name) => {
    const answer = explain(name);
    expect('lines' in answer && answer.lines.length).toBeGreaterThan(1);
  });
  it('finds the nearest name', () => {
    expect(explain('IP_RPFILTR')).toEqual({ near: 'IP_RPFILTER' });
    expect(explain('rp-fliter')).toEqual({ near: 'rp-filter' });
    expect(explain('no such thing at all')).toEqual({ near: null });
  });
});
