/** Reads the kernel corpus line by line. Texts are handed in decompressed; files belong to the command line. */
import { type Parsed, Reporter } from '../../base/diagnostic.js';
import type { CorpusCase } from './corpus.js';

/** One line of a corpus file with its number (from 1); blank lines are left out. */
export interface CorpusLine {
  readonly line: number;
  readonly text: string;
}

export function corpusLines(text: string): CorpusLine[] {
  const out: CorpusLine[] = [];
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const nl = text.indexOf('\n', at);
    const end = nl < 0 ? text.length : nl;
    line++;
    const s = text.slice(at, end);
    if (s.trim() !== '') out.push({ line, text: s });
    at = end + 1;
  }
  return out;
}

/** Category of a line without parsing it whole; '' when it does not say. For counting and sampling large files. */
export function peekField(text: string, field: 'id' | 'category'): string {
  return new RegExp(`"${field}"\\s*:\\s*"([^"\\\\]*)"`).exec(text)?.[1] ?? '';
}

/** Reads one line of a corpus file. Problems are located diagnostics (line, JSON path); value null when the case cannot be used. */
export function parseCase(l: CorpusLine, file: string, needObserved = true): Parsed<CorpusCase | null> {
  const problems: string[] = [];
  const rep = new Reporter(file, '');
  const at = (column: number, code: string, message: string, hint?: string): void => {
    rep.diagnostics.push({
      code,
      severity: 'error',
      message,
      span: { file, line: l.line, column, length: 1 },
      ...(hint === undefined ? {} : { hint }),
      sourceLine: l.text.length > 120 ? '' : l.text,
    });
  };
  let json: unknown;
  try {
    json = JSON.parse(l.text);
  } catch (e) {
    const message = e instanceof Error ? e.message : String(e);
    const position = /position (\d+)/.exec(message);
    at(
      position ? Number(position[1]) + 1 : Math.max(1, l.text.length),
      'corpus-not-json',
      `not a JSON case: ${message.slice(0, 200)}`,
      'a corpus file has one JSON object a line',
    );
    return { value: null, diagnostics: rep.diagnostics };
  }
  checkCase(json, problems, needObserved);
  for (const p of problems.slice(0, 20)) at(1, 'corpus-schema', p);
  return { value: problems.length > 0 ? null : (json as CorpusCase), diagnostics: rep.diagnostics };
}

type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object';
const kindOf = (v: unknown): Kind | 'null' | 'undefined' => (v === null ? 'null' : Array.isArray(v) ? 'array' : (typeof v as Kind));

function want(
  o: unknown,
  path: string,
  fields: readonly (readonly [name: string, kind: Kind, optional?: boolean])[],
  problems: string[],
): o is Record<string, unknown> {
  if (kindOf(o) !== 'object') {
    problems.push(`${path || 'case'}: expected an object, found ${kindOf(o)}`);
    return false;
  }
  const before = problems.length;
  for (const [name, kind, optional] of fields) {
    const v = Object.hasOwn(o as object, name) ? (o as Record<string, unknown>)[name] : undefined;
    if (v === undefined && optional) continue;
    if (kindOf(v) !== kind) problems.push(`${path === '' ? '' : `${path}.`}${name}: expected ${kind}, found ${kindOf(v)}`);
  }
  return problems.length === before;
}

function oneOf(v: unknown, path: string, words: readonly string[], problems: string[]): void {
  if (typeof v === 'string' && !words.includes(v)) problems.push(`${path}: '${v.slice(0, 40)}' is none of ${words.join(', ')}`);
}

function checkCase(c: unknown, problems: string[], needObserved: boolean): void {
  const head = [
    ['id', 'string'],
    ['category', 'string'],
    ['backend', 'string'],
    ['family', 'string'],
    ['links', 'array'],
    ['state', 'object'],
    ['ephemeral_ports', 'array'],
    ['steps', 'array'],
    ['schema', 'number', true],
  ] as const;
  if (!want(c, '', head, problems)) return;
  oneOf(c.backend, 'backend', ['legacy', 'nft'], problems);
  oneOf(c.family, 'family', ['ipv4', 'ipv6'], problems);
  if (c.schema !== undefined && c.schema !== 1) problems.push(`schema: ${String(c.schema)} is not known, expected 1`);
  for (const [i, l] of (c.links as unknown[]).entries())
    want(
      l,
      `links[${i}]`,
      [
        ['name', 'string'],
        ['mac', 'string'],
        ['far_mac', 'string'],
        ['up', 'boolean'],
      ],
      problems,
    );
  for (const [i, p] of (c.ephemeral_ports as unknown[]).entries()) if (typeof p !== 'number') problems.push(`ephemeral_ports[${i}]: expected number`);
  checkState(c.state, problems);
  for (const [i, s] of (c.steps as unknown[]).entries()) checkStep(s, `steps[${i}]`, problems, needObserved);
}

function checkState(s: unknown, problems: string[]): void {
  const arrays = ['link', 'addr', 'neigh', 'route', 'rule', 'sockets'].map((f) => [f, 'array'] as const);
  const texts = ['route_text', 'rule_text', 'iptables_save'].map((f) => [f, 'string'] as const);
  const optional = ['ip6tables_save', 'ebtables_save', 'ipset_save', 'nft_ruleset', 'route6_text', 'rule6_text', 'conntrack', 'nfqueue'].map(
    (f) => [f, 'string', true] as const,
  );
  const optionalArrays = ['bridge_fdb', 'bridge_link', 'route6', 'rule6'].map((f) => [f, 'array', true] as const);
  if (!want(s, 'state', [...arrays, ...texts, ...optional, ...optionalArrays, ['sysctl', 'object']], problems)) return;
  for (const [i, k] of (s.sockets as unknown[]).entries()) {
    const path = `state.sockets[${i}]`;
    if (
      want(
        k,
        path,
        [
          ['id', 'string'],
          ['proto', 'string'],
          ['addr', 'string'],
          ['port', 'number'],
        ],
        problems,
      )
    )
      oneOf(k.proto, `${path}.proto`, ['tcp', 'udp'], problems);
  }
}

const hexText = (v: unknown): boolean => typeof v === 'string' && v.length % 2 === 0 && /^[0-9a-f]*$/i.test(v);

function checkStep(s: unknown, path: string, problems: string[], needObserved: boolean): void {
  if (
    !want(
      s,
      path,
      [
        ['n', 'number'],
        ['kind', 'string'],
        ['observed', 'object', !needObserved],
        ['result', 'object', true],
      ],
      problems,
    )
  )
    return;
  oneOf(s.kind, `${path}.kind`, ['inject', 'local', 'sock_send', 'sock_close'], problems);
  if (s.kind === 'inject') {
    want(
      s,
      path,
      [
        ['dev', 'string'],
        ['frame', 'string'],
      ],
      problems,
    );
    if (!hexText(s.frame)) problems.push(`${path}.frame: not hexadecimal bytes`);
    else if ((s.frame as string).length < 28) problems.push(`${path}.frame: shorter than an Ethernet header`);
  } else if (s.kind === 'local') {
    if (
      want(
        s,
        path,
        [
          ['proto', 'string'],
          ['dst', 'string'],
        ],
        problems,
      )
    )
      oneOf(s.proto, `${path}.proto`, ['tcp', 'udp', 'icmp'], problems);
    if (s.payload !== undefined && !hexText(s.payload)) problems.push(`${path}.payload: not hexadecimal bytes`);
  } else if (s.kind === 'sock_send') {
    want(s, path, [['socket', 'string']], problems);
    if (!hexText(s.payload)) problems.push(`${path}.payload: not hexadecimal bytes`);
  } else if (s.kind === 'sock_close') want(s, path, [['socket', 'string']], problems);
  if (s.observed !== undefined) checkObserved(s.observed, `${path}.observed`, problems);
}

function checkObserved(o: unknown, path: string, problems: string[]): void {
  const fields = [
    ['trace', 'array'],
    ['emitted', 'array'],
    ['drops', 'array'],
    ['conntrack', 'array'],
    ['counters', 'object'],
    ['rule_counters', 'object'],
  ] as const;
  if (!want(o, path, fields, problems)) return;
  for (const [i, t] of (o.trace as unknown[]).entries()) want(t, `${path}.trace[${i}]`, [['point', 'string']], problems);
  for (const [i, e] of (o.emitted as unknown[]).entries()) {
    const p = `${path}.emitted[${i}]`;
    if (
      want(
        e,
        p,
        [
          ['dev', 'string'],
          ['frame', 'string'],
        ],
        problems,
      ) &&
      !hexText(e.frame)
    )
      problems.push(`${p}.frame: not hexadecimal bytes`);
  }
  if (o.delivered !== null && o.delivered !== undefined) {
    if (!Array.isArray(o.delivered)) problems.push(`${path}.delivered: expected array or null`);
    else
      for (const [i, d] of o.delivered.entries())
        want(
          d,
          `${path}.delivered[${i}]`,
          [
            ['socket', 'string'],
            ['event', 'string'],
          ],
          problems,
        );
  }
  for (const [i, d] of (o.drops as unknown[]).entries()) want(d, `${path}.drops[${i}]`, [['reason', 'string']], problems);
  for (const [i, e] of (o.conntrack as unknown[]).entries())
    want(
      e,
      `${path}.conntrack[${i}]`,
      [
        ['l3', 'string'],
        ['proto', 'string'],
        ['orig', 'object'],
        ['reply', 'object'],
      ],
      problems,
    );
}
