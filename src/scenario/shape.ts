/**
 * The schema as plain data, and whether a tree fits it: yes or no. A schema library is slow to start; it is asked only about what does not fit, to say why
 * (schema-issues.ts).
 */
import type * as z from 'zod';
import type { Tree } from './tree.js';

export type Shape =
  | { readonly t: 'string' | 'boolean' }
  | { readonly t: 'number'; readonly whole: boolean; readonly min: number | null; readonly max: number | null }
  | { readonly t: 'value'; readonly values: readonly unknown[] }
  | { readonly t: 'list'; readonly of: Shape }
  /** Keys are free. */
  | { readonly t: 'record'; readonly of: Shape }
  /** No other keys. */
  | { readonly t: 'map'; readonly keys: Readonly<Record<string, Shape>>; readonly required: readonly string[] }
  | { readonly t: 'either'; readonly of: readonly Shape[] };

interface Def {
  readonly type: string;
  readonly shape: Record<string, z.core.$ZodType>;
  readonly catchall?: z.core.$ZodType;
  readonly innerType: z.core.$ZodType;
  readonly options: readonly z.core.$ZodType[];
  readonly element: z.core.$ZodType;
  readonly keyType: z.core.$ZodType;
  readonly valueType: z.core.$ZodType;
  readonly values: readonly unknown[];
  readonly entries: Record<string, unknown>;
  readonly checks?: readonly z.core.$ZodType[];
}
const defOf = (s: z.core.$ZodType): Def => s._zod.def as unknown as Def;

const known = new WeakMap<z.core.$ZodType, Shape>();
/** Of a schema made of strict objects, records, arrays, unions, enums, literals, text, numbers and flags. Throws on anything else. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const shape = known.get(schema) ?? newShape(schema);
  known.set(schema, shape);
  return shape;
}

function newShape(schema: z.core.$ZodType): Shape {
  const def = defOf(schema);
  if (def.type !== 'number' && (def.checks?.length ?? 0) > 0) throw new Error(`no shape for a check of ${def.type}`);
  switch (def.type) {
    case 'string':
    case 'boolean':
      return { t: def.type };
    case 'number':
      return numberShape(def);
    case 'literal':
      return { t: 'value', values: def.values };
    case 'enum':
      return { t: 'value', values: Object.values(def.entries) };
    case 'array':
      return { t: 'list', of: shapeOf(def.element) };
    case 'record':
      if (defOf(def.keyType).type === 'string') return { t: 'record', of: shapeOf(def.valueType) };
      break;
    case 'union':
      return { t: 'either', of: def.options.map(shapeOf) };
    case 'object':
      if (def.catchall && defOf(def.catchall).type === 'never') return mapShape(def);
  }
  throw new Error(`no shape for ${def.type}`);
}

function mapShape(def: Def): Shape {
  const required: string[] = [];
  const keys = Object.entries(def.shape).map(([key, s]) => {
    const d = defOf(s);
    if (d.type !== 'optional') required.push(key);
    return [key, shapeOf(d.type === 'optional' ? d.innerType : s)] as const;
  });
  return { t: 'map', keys: Object.fromEntries(keys), required };
}

function numberShape(def: Def): Shape {
  let [whole, min, max] = [false, null as number | null, null as number | null];
  for (const c of def.checks ?? []) {
    const check = c._zod.def as unknown as { check: string; format?: string; value: number; inclusive: boolean };
    if (check.check === 'number_format' && check.format === 'safeint') whole = true;
    else if (check.check === 'greater_than' && check.inclusive) min = check.value;
    else if (check.check === 'less_than' && check.inclusive) max = check.value;
    else throw new Error(`no shape for the check ${check.check}`);
  }
  return { t: 'number', whole, min, max };
}

export function fits(shape: Shape, tree: Tree): boolean {
  switch (shape.t) {
    case 'string':
    case 'boolean':
      return tree.t === 'scalar' && typeof tree.value === shape.t;
    case 'number': {
      const n = tree.t === 'scalar' ? tree.value : null;
      if (typeof n !== 'number' || !(shape.whole ? Number.isSafeInteger(n) : Number.isFinite(n))) return false;
      return (shape.min === null || n >= shape.min) && (shape.max === null || n <= shape.max);
    }
    case 'value':
      return tree.t === 'scalar' && shape.values.includes(tree.value);
    case 'list':
      return tree.t === 'seq' && tree.items.every((i) => fits(shape.of, i));
    case 'record':
      return tree.t === 'map' && tree.entries.every((e) => fits(shape.of, e.value));
    case 'map':
      return (
        tree.t === 'map' &&
        tree.entries.every((e) => Object.hasOwn(shape.keys, e.key) && fits(shape.keys[e.key], e.value)) &&
        shape.required.every((k) => tree.entries.some((e) => e.key === k))
      );
    case 'either':
      return shape.of.some((s) => fits(s, tree));
  }
}
