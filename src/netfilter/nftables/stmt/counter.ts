/** `counter packets 0 bytes 0`: of this rule (nft_counter.c). `counter name "x"`: an object of the table. */
import type { NftStmtDef } from '../stmt.js';

export interface Counted {
  packets: number;
  bytes: number;
}

export const counter: NftStmtDef = {
  words: ['counter'],
  kernel: 'net/netfilter/nft_counter.c',
  parse: (t, _, s) => {
    const given = { packets: 0, bytes: 0 };
    const name = t.take('name') ? t.string('the name of a counter') : null;
    if (t.take('packets')) {
      given.packets = t.number('packets');
      t.expect('bytes');
      given.bytes = t.number('bytes');
    }
    const instance = name === null ? s.instance() : s.object('counter', name);
    return {
      kind: 'effect',
      name: 'counter',
      run: (c) => {
        const n = c.env.state(instance, (): Counted => ({ ...given }));
        n.packets++;
        n.bytes += c.skb.data.length;
        return true;
      },
    };
  },
};
