/** Every ebtables target: one file and one line each. */
import type { EbtTargetDef } from '../option.js';
import { arpreplyTarget } from './arpreply.js';
import { dnatTarget, redirectTarget, snatTarget } from './mac.js';
import { markTarget } from './mark.js';

export const ebtTargets: readonly EbtTargetDef[] = [arpreplyTarget, dnatTarget, markTarget, redirectTarget, snatTarget];
