/** The schemas of scenario files as plain data. The bundle of the command line holds what these come to, not how: it starts without the schema library. */
import { moreSchema, scenarioSchema } from './schema.js';
import { type Shape, shapeOf } from './shape.js';

export const shapes: Readonly<Record<'scenario' | 'more', Shape>> = { scenario: shapeOf(scenarioSchema), more: shapeOf(moreSchema) };
