/** What is wrong with the shape of a scenario file, in the writer’s words and at its place. */
import type * as z from 'zod';
import { nearest } from '../base/diagnostic.js';
import { didYouMean, type Loading, sourceOf } from './loading.js';
import { moreSchema, scenarioSchema } from './schema.js';
import { at, child, plain, type Tree } from './tree.js';

type Issue = z.core.$ZodIssue;

/** Reports what the schema has against a tree that does not fit its shape. */
export function reportMisfit(l: Loading, root: Tree, which: 'scenario' | 'more'): void {
  const result = (which === 'more' ? moreSchema : scenarioSchema).safeParse(plain(root));
  if (result.success) return;
  for (const issue of result.error.issues) reportIssue(l, root, issue, []);
}

function reportIssue(l: Loading, root: Tree, issue: Issue, prefix: readonly PropertyKey[]): void {
  if (l.full) return;
  const path = [...prefix, ...issue.path];
  const here = at(root, path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      if (l.full) return;
      const entry = here.t === 'map' ? here.entries.find((e) => e.key === key) : undefined;
      l.errorAt('unknown-key', `“${key}” is not known here`, entry?.keySpan ?? here.span, keyHint(key, path));
    }
  } else if (issue.code === 'invalid_union') {
    const best = bestBranch(issue.errors, here);
    if (best) for (const i of best) reportIssue(l, root, i, path);
    else l.errorAt('scenario-type', `this must be ${wanted(issue.errors)}`, here.span);
  } else if (issue.code === 'invalid_type') {
    if (here.t === 'map' && path.length > 0 && !hasPath(root, path)) l.errorAt('missing-key', `“${String(path[path.length - 1])}” is missing`, here.span);
    else {
      const comma = issue.expected === 'string' && here.t === 'scalar' && here.source === '';
      l.errorAt(
        'scenario-type',
        `this must be ${typeWord(issue.expected)}`,
        here.span,
        comma ? 'nothing stands behind it; within { } a comma begins the next key, so text with one needs quotes' : undefined,
      );
    }
  } else if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    if (!hasPath(root, path)) l.errorAt('missing-key', `“${String(path[path.length - 1])}” is missing`, here.span, `one of ${values.join(', ')}`);
    else l.errorAt('scenario-value', `“${sourceOf(here)}” is not known here`, here.span, didYouMean(sourceOf(here), values, 'known are'));
  } else l.errorAt('scenario-value', issue.message, here.span);
}

const hasPath = (root: Tree, path: readonly PropertyKey[]): boolean => {
  const parent = at(root, path.slice(0, -1));
  const last = path[path.length - 1];
  return parent.t === 'map' ? child(parent, String(last)) !== undefined : parent.t === 'seq' ? Number(last) < parent.items.length : path.length === 0;
};

/** Of a union, the branch that the writer meant: the one whose issues lie deeper, or concern keys of a map that is a map. */
function bestBranch(branches: readonly (readonly Issue[])[], here: Tree): readonly Issue[] | null {
  const wrongKind = (i: Issue): boolean =>
    i.path.length === 0 &&
    (i.code === 'invalid_type' || (i.code === 'invalid_value' && here.t !== 'scalar') || (i.code === 'invalid_union' && here.t === 'scalar'));
  return branches.find((b) => !b.some(wrongKind)) ?? null;
}

const typeWord = (t: string): string =>
  ({ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', object: 'a map of keys', record: 'a map of keys', array: 'a list' })[
    t
  ] ?? t;
function wanted(branches: readonly (readonly Issue[])[]): string {
  const words = branches
    .flatMap((b) => b.filter((i) => i.path.length === 0))
    .map((i) => (i.code === 'invalid_type' ? typeWord(i.expected) : i.code === 'invalid_value' ? `one of ${i.values.join(', ')}` : 'something else'));
  return [...new Set(words)].join(' or ') || 'something else';
}

/** The keys known at a path, from the schema itself. */
function keyHint(key: string, path: readonly PropertyKey[]): string {
  const known = [...new Set(shapesAt(scenarioSchema, path).flatMap((s) => Object.keys(s)))];
  const near = nearest(key, known) ?? nearest(key.replace(/-/g, '_'), known);
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean “${near}”?`;
}

interface Def {
  readonly type: string;
  readonly shape?: Record<string, z.core.$ZodType>;
  readonly innerType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
}

function shapesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): Record<string, unknown>[] {
  const def = schema._zod.def as unknown as Def;
  if (def.innerType) return shapesAt(def.innerType, path);
  if (def.options) return def.options.flatMap((o) => shapesAt(o, path));
  if (path.length === 0) return def.shape ? [def.shape] : [];
  const [first, ...rest] = path;
  const next = def.shape ? (Object.hasOwn(def.shape, first) ? def.shape[String(first)] : undefined) : (def.element ?? def.valueType);
  return next ? shapesAt(next, rest) : [];
}
