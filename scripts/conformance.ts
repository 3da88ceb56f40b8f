/** `sim conformance` from source: npx tsx scripts/conformance.ts conformance FILE… */
import { Command } from 'commander';
import { register } from '../src/cli/commands/conformance.js';

const program = new Command('sim');
register(program);
await program.parseAsync();
