/** The bridges of a running node: plan and learnt state of the bridge that a device is, or is a port of. */
import { type BridgePlan, type BridgePort, BridgeState, bridgePlans } from '../link/bridge.js';
import type { NetDevice } from '../packet/types.js';
import type { Kernel } from './kernel.js';

/** The plan of the bridge `name`; undefined where there is none of that name. */
export const bridgePlan = (k: Kernel, name: string): BridgePlan | undefined => bridgePlans(k.given.links, k.given.fdb).get(name);

/** br_port_get_rcu(): the bridge port that a device is, and its bridge; null where it is none. */
export function bridgePort(k: Kernel, dev: NetDevice | null): { readonly plan: BridgePlan; readonly port: BridgePort; readonly brdev: NetDevice } | null {
  if (!dev?.master) return null;
  const plan = bridgePlan(k, dev.master);
  const port = plan?.portByName.get(dev.name);
  const brdev = k.device(dev.master);
  return plan && port && brdev ? { plan, port, brdev } : null;
}

/** What this run has learnt. */
export const bridgeState = (k: Kernel, plan: BridgePlan): BridgeState => k.state(plan, () => new BridgeState(plan));
