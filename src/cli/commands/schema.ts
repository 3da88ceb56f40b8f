/** `sim schema`: JSON Schemas, for editors and for readers of `--format json`. */
import type { Command } from 'commander';
import { traceSchema } from '../../render/json.js';
import { jsonSchema } from '../../scenario/schema.js';
import { out } from '../out.js';

export function register(program: Command): void {
  program
    .command('schema')
    .description('JSON Schema of scenario files, or with --trace of --format json')
    .option('--trace', 'of the JSON that sim run --format json prints')
    .action((o: { readonly trace?: boolean }) => {
      out(`${JSON.stringify(o.trace ? traceSchema() : jsonSchema(), null, 2)}\n`);
    });
}
