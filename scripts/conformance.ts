import { Command } from 'commander';
import { register } from '../src/cli/commands/conformance.js';
const p = new Command('sim'); register(p); await p.parseAsync();
