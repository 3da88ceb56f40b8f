/** The sockets of a case: listening ones from its state, those that steps open, and what they were given. */
import type { NodeRun } from '../../stack/node-run.js';
import type { SocketLayer } from '../../stack/sockets/layer.js';
import type { World } from '../../stack/world.js';
import type { CaseInput, Delivery, LocalStep, SockSendStep, StepResult } from './corpus.js';
import type { IsnOracle } from './run.js';

export interface CaseSockets {
  readonly make: (n: NodeRun) => SocketLayer;
  /** A step begins: its number, for the ISN oracle. */
  begin(n: number): void;
  local(s: LocalStep | SockSendStep, n: NodeRun, world: World): StepResult | undefined;
  takeDeliveries(): readonly Delivery[];
}

export function caseSockets(_input: CaseInput, _isn: IsnOracle, _seen: Set<number>): CaseSockets {
  const layer: SocketLayer = {
    tcpRcv() {},
    udpRcv() {},
    rawDeliver: () => false,
    pingRcv: () => 'NO_SOCKET',
    icmpError() {},
    lookup: () => null,
    earlyDemux: () => null,
  };
  return { make: () => layer, begin() {}, local: () => undefined, takeDeliveries: () => [] };
}
