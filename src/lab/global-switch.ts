/**
 * Settings that the kernel has once for the whole machine. A lab that needs another value holds the lock of labs (lock.ts) meanwhile, so that what it puts back
 * is the machine's own value.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** One ICMP redirect to a host, whatever time passes (ip_rt_send_redirect()): the model's clock stands still while a packet is under way. Jiffies. */
export const ONE_REDIRECT: readonly (readonly [path: string, value: string])[] = [['/proc/sys/net/ipv4/route/redirect_load', '100000000']];

export class GlobalSwitch {
  readonly #before: (readonly [string, string])[] = [];

  constructor(settings: readonly (readonly [path: string, value: string])[]) {
    live.add(this);
    for (const [path, value] of settings) {
      if (!existsSync(path)) continue;
      this.#before.push([path, readFileSync(path, 'latin1').trim()]);
      writeFileSync(path, value);
    }
  }

  restore(): void {
    if (!live.delete(this)) return;
    for (const [path, value] of this.#before) writeFileSync(path, value);
  }
}

const live = new Set<GlobalSwitch>();

/** For exit and signals. */
export function restoreSwitches(): void {
  for (const s of [...live]) s.restore();
}
