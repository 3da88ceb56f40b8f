/** Devices that take frames from others and are not simulated: what comes in below them is inconclusive, naming their kind. */
import { describe, expect, it } from 'vitest';
import type { NodeState } from '../../src/scenario/model.js';
import { bridgeNode, frame, HOST, link, mac, send } from './bridge-lab.js';

function node(kind: string, how: 'master' | 'upper'): NodeState {
  const base = bridgeNode({ known: [], sysctls: [] });
  const taker = link('taker', 30, { kind, ...(how === 'upper' ? { link: 'e0' } : {}) });
  return { ...base, links: [...base.links, link('e0', 31, { mac: mac('02:00:00:00:0e:0a'), ...(how === 'master' ? { master: 'taker' } : {}) }), taker] };
}

const to = (dst: string): Uint8Array => frame(mac(dst), HOST.a);

describe('a frame for a device below', () => {
  it.each([
    ['bond', 'master'],
    ['vrf', 'master'],
    ['ipvlan', 'upper'],
  ] as const)('a %s device', (kind, how) => expect(send(node(kind, how), ['e0', to('02:00:00:00:0e:0a')]).inconclusive.join()).toMatch(kind));
  it('a macvlan device takes what is for another address, and nothing else', () => {
    expect(send(node('macvlan', 'upper'), ['e0', to('02:00:00:00:0e:0c')]).inconclusive.join()).toMatch('macvlan');
    expect(send(node('macvlan', 'upper'), ['e0', to('02:00:00:00:0e:0a')]).inconclusive).toEqual([]);
  });
});
