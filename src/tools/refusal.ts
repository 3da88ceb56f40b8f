/** How a tool refuses: in its own words, with its own exit status; located in the command where it stands. */
import { type Diagnostic, hasErrors, nearest, type Parsed } from '../base/diagnostic.js';
import type { NodeCommand, NodeState } from '../scenario/model.js';
import type { ToolContext } from './tool.js';

/** Thrown inside a tool and caught at its door (attempt()); the message is what the real tool prints on stderr. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly o: { readonly code?: string; readonly status?: number; readonly word?: string; readonly hint?: string } = {},
  ) {
    super(message);
  }
}

/** iproute2 exits 2 where the kernel refused, 1 or 255 where it could not read the command. */
export function kernelSays(message: string): never {
  throw new Refusal(message, { code: 'kernel-refused', status: 2 });
}

/** The diagnostic of a refusal, pointing at a word of the command or at all of it. */
export function refusalOf(e: Refusal, c: Pick<ToolContext, 'text' | 'file'>): Diagnostic {
  const at = e.o.word === undefined ? -1 : c.text.lastIndexOf(e.o.word);
  return {
    code: e.o.code ?? 'command-refused',
    severity: 'error',
    message: e.message,
    span: { file: c.file, line: 1, column: Math.max(at, 0) + 1, length: at < 0 ? c.text.length : (e.o.word?.length ?? 1) },
    sourceLine: c.text,
    ...(e.o.hint === undefined ? {} : { hint: e.o.hint }),
  };
}

/** Runs a change; a Refusal leaves the node as it was. */
export function attempt(n: NodeState, c: ToolContext, change: () => NodeState): Parsed<NodeState> {
  try {
    return { value: change(), diagnostics: [] };
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { value: n, diagnostics: [withNearDevice(refusalOf(e, c), e, n)] };
  }
}

/** The tools say only that there is no such device; which one may have been meant is ours to add. */
function withNearDevice(d: Diagnostic, e: Refusal, n: NodeState): Diagnostic {
  if (d.code !== 'ip-device' || d.hint !== undefined || e.o.word === undefined) return d;
  const names = n.links.map((l) => l.name);
  return { ...d, hint: didYouMean(e.o.word, names, `devices: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`) };
}

/** The value of a reader, or a Refusal with its first complaint. */
export function must<T>(p: Parsed<T | null>, status = 255): T {
  if (p.value !== null && !hasErrors(p.diagnostics)) return p.value;
  const d = p.diagnostics.find((x) => x.severity === 'error') ?? p.diagnostics[0];
  const word = d?.span && d.sourceLine !== undefined ? d.sourceLine.slice(d.span.column - 1, d.span.column - 1 + d.span.length) : undefined;
  throw new Refusal(d?.message ?? 'this command cannot be read', {
    status,
    ...(d ? { code: d.code } : {}),
    ...(word ? { word } : {}),
    ...(d?.hint === undefined ? {} : { hint: d.hint }),
  });
}

export function didYouMean(word: string, names: readonly string[], otherwise: string): string {
  const near = nearest(word, names);
  return near ? `did you mean “${near}”?` : otherwise;
}

/** Index of the k-th occurrence of `w` from the end, k from 1; -1 where there are fewer. */
function fromEnd(text: string, w: string, k: number): number {
  let at = text.length + 1;
  for (let i = 0; i < k && at > 0; i++) at = text.lastIndexOf(w, at - 1);
  return at > text.length ? -1 : at;
}

/**
 * A reader's diagnostic, which points into its own idea of the command line, put where the command really stands: the same word, counted from the end,
 * of the text typed; in a scenario file behind the command's own place.
 */
export function relocate(d: Diagnostic, c: NodeCommand, file: string): Diagnostic {
  const text = c.command;
  let at = -1;
  let length = text.length;
  if (d.span && d.sourceLine !== undefined) {
    const from = d.span.column - 1;
    const word = d.sourceLine.slice(from, from + d.span.length);
    if (word.trim() !== '') {
      let k = 0;
      for (let i = d.sourceLine.indexOf(word, from); i >= 0; i = d.sourceLine.indexOf(word, i + 1)) k++;
      at = fromEnd(text, word, Math.max(1, k));
      if (at >= 0) length = word.length;
    }
  }
  const { sourceLine: _, span: __, ...rest } = d;
  if (c.span === null) return { ...rest, span: { file, line: 1, column: Math.max(0, at) + 1, length: Math.min(length, 200) }, sourceLine: text.split('\n')[0] };
  // A scalar written over several lines or with escapes: its own place is all that is known.
  if (at < 0 || c.span.length !== text.length) return { ...rest, span: c.span };
  return { ...rest, span: { ...c.span, column: c.span.column + at, length } };
}
