/** `ip route get`. */
import type { NodeRun } from '../../stack/node-run.js';
import { Refusal } from '../refusal.js';
import type { Answer } from '../tool.js';
import type { IpCommand } from './command.js';

export function routeGet(_n: NodeRun, _words: readonly string[], _c: IpCommand): Answer {
  throw new Refusal('ip route get is not supported', { code: 'not-supported', status: 2 });
}
