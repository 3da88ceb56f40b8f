/**
 * NodeRun: one node while packets pass. The immutable side (given state, compiled plan) is shared; this is the mutable side, private to a run:
 * conntrack, sets, counters, neighbours, sockets. It implements Kernel for the stages and Env for the rules.
 */
import type { Addr, Mac } from '../base/addr.js';
import { invariant } from '../base/assert.js';
import { memoByIdentity } from '../base/memo.js';
import { readConntrack } from '../formats/conntrack.js';
import { insertEntry } from '../netfilter/conntrack/entry.js';
import { Conntrack, type ConntrackHost, type CtSettings, ctSettings } from '../netfilter/conntrack/index.js';
import type { ConntrackPort, SetsPort, SocketQuery } from '../netfilter/env.js';
import type { SetStore } from '../netfilter/ipset/store.js';
import type { PacketCtx } from '../netfilter/pred.js';
import type { CompiledTable } from '../netfilter/xtables/compile.js';
import { RuleCounters } from '../netfilter/xtables/counters.js';

import { type Origin, Skb } from '../packet/skb.js';
import type { Dst, NetDevice, SkSocket } from '../packet/types.js';
import { packetView } from '../packet/view.js';
import type { NodeState } from '../scenario/model.js';
import type { Cause } from '../trace/cause.js';
import { type EventBody, type HookPoint, hears, type RuleRef } from '../trace/event.js';
import { conntrackPort } from './conntrack-port.js';
import { duplicate } from './duplicate.js';
import { type Flight, flight, type HookVerdict } from './flight.js';
import { type FamilyHooks, type HookTable, hookTable, isPolicy } from './hooks.js';
import { Inconclusive } from './inconclusive.js';
import type { Facts, Kernel } from './kernel.js';
import { Mib } from './mib.js';
import { NodeNet } from './node-net.js';
import { setsOf } from './node-sets.js';
import { type Stop, stopAfter, stops } from './packet-flow.js';
import { frameOf } from './receive.js';
import { rejectUnreach4, rejectUnreach6, sendReset, sendReset6 } from './reject.js';
import type { SocketLayer } from './sockets/layer.js';
import { classify } from './stages/dev.js';
import type { Sysctls } from './sysctls.js';
import type { Receiver, World } from './world.js';
import { bundleOf, Xfrm } from './xfrm.js';

/** Boxes walked by one packet; more means a loop inside one node (REROUTED for ever, a tunnel into itself). */
const MAX_BOXES = 1000;
/** Packets made inside packets: errors about errors cannot be, tunnels in tunnels can. */
const MAX_DEPTH = 40;

const NO_FRAME = new Uint8Array(0);
/** Where received frames start. */
const RECEIVE = stops.get('netif_receive_skb') as Stop;

const NO_SETTINGS = ctSettings(() => undefined);
const ctSettingsOf = memoByIdentity((s: Sysctls) => ctSettings((path) => s.stated(path)));

export class NodeRun extends NodeNet implements Kernel, Receiver {
  readonly node: string;
  readonly name: string;
  readonly mib = new Mib();
  readonly counters = new RuleCounters<CompiledTable>();
  readonly conntrack: Conntrack;
  readonly ct: ConntrackPort;
  #sets: SetStore | null = null;
  #hooks!: HookTable;
  #hooks4: FamilyHooks | undefined;
  /** Few nodes have any, and every frame passes there. */
  #netdevHooks: FamilyHooks | undefined;
  readonly #ctHost: ConntrackHost & { settings: CtSettings };
  readonly xfrm = new Xfrm(this);
  readonly #states = new Map<object | string, unknown>();
  #sockets: SocketLayer | null = null;
  #depth = 0;
  /** A copy made by TEE is under way; it is not copied in turn (in_nf_duplicate). */
  #duplicating = false;
  #ipId = 0;

  constructor(given: NodeState, world: World, makeSockets: (n: NodeRun) => SocketLayer) {
    super(given, world);
    this.node = given.name;
    this.name = given.name;
    this.#ctHost = this.#conntrackHost();
    this.#plan(null);
    this.conntrack = new Conntrack(this.#ctHost);
    this.ct = conntrackPort(this);
    this.#preloadConntrack();
    this.#sockets = makeSockets(this);
  }

  /** Compiles what differs from `before`; what was learnt or counted since stays where its part was not touched. */
  #plan(before: NodeState | null): void {
    const g = this.given;
    this.planNet(before);
    if (g.sysctls !== before?.sysctls) this.#ctHost.settings = ctSettingsOf(this.sysctls);
    // Time-outs of members run from here on; a node without sets has its store when a rule asks.
    if (g.sets !== before?.sets) this.#sets = g.sets.length > 0 ? setsOf(g, () => this.now()) : null;
    this.#hooks = hookTable(g);
    this.#hooks4 = this.#hooks.get('ipv4');
    const netdev = this.#hooks.get('netdev');
    this.#netdevHooks = netdev?.any ? netdev : undefined;
  }

  get sets(): SetsPort & SetStore {
    this.#sets ??= setsOf(this.given, () => this.now());
    return this.#sets;
  }

  /** Flows that were there before the first packet (`conntrack -L`). */
  #preloadConntrack(): void {
    if (this.given.conntrack === null) return;
    for (const e of readConntrack(this.given.conntrack, `${this.name} conntrack`).value) insertEntry(this.conntrack, e);
  }

  /** An administrator changed the node while it runs. */
  regive(given: NodeState): void {
    const before = this.given;
    this.given = given;
    this.#plan(before);
  }

  /** Its settings come with the plan. (A getter here would be a closure a node, and V8 keeps those in shapes of objects that only a full collection frees.) */
  #conntrackHost(): ConntrackHost & { settings: CtSettings } {
    return {
      node: this.node,
      rec: this.world.rec,
      choose: this.world.choose,
      now: () => this.now(),
      settings: NO_SETTINGS,
      tell: (skb, body) => this.tell(skb, body),
      newSkb: (data, protocol, origin, dev) => this.newSkb(data, protocol, origin, dev),
      count: (name, n) => this.count(name, n),
      drop: (skb, reason, location, cause) => this.drop(skb, reason, location, cause),
    };
  }

  get sockets(): SocketLayer {
    invariant(this.#sockets, 'sockets are made with the node');
    return this.#sockets;
  }
  ipId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#ipId;
  }

  // --- telling and counting ---

  count(name: string, n = 1): void {
    this.mib.add(name, n);
  }
  tell(skb: Skb | null, body: EventBody): void {
    if (hears(this.rec, body.t)) this.rec.event({ node: this.node, skb: skb?.id ?? 0, time: this.world.clock, ...body });
  }
  drop(skb: Skb, reason: string, location: string, cause: Cause, facts: Facts = {}, rule: RuleRef | null = null): void {
    this.conntrack.release(skb);
    this.tell(skb, { t: 'drop', reason, location, cause, facts, rule });
  }
  newSkb(data: Uint8Array, protocol: number, origin: Origin, dev: NetDevice | null = null): Skb {
    const skb = new Skb(this.world.nextId(), origin, data, protocol);
    if (hears(this.rec, 'skb')) this.tell(skb, { t: 'skb', origin, view: packetView(skb), dev: dev?.name ?? null });
    return skb;
  }
  cloneSkb(skb: Skb, kind: Origin['kind'] = 'clone'): Skb {
    const c = skb.copy(this.world.nextId(), { kind, of: skb.id });
    c.sk = null;
    if (hears(this.rec, 'skb')) this.tell(c, { t: 'skb', origin: c.origin, view: packetView(c), dev: c.dev?.name ?? null });
    return c;
  }

  // --- the walk ---

  /** Runs from a box to the end of the packet's way; returns the errno that the kernel function would return. */
  traverse(start: string, f: Flight): number {
    const at = stops.get(start);
    invariant(at !== undefined, `${start} is no box of the picture`);
    return this.#walk(at, f);
  }
  #walk(start: Stop, f: Flight): number {
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--;
      this.loop(f.skb, f.skb.dev);
      return 0;
    }
    const { world } = this;
    const { xmits } = world;
    try {
      const tells = this.rec.on;
      let at: Stop | null | undefined = start;
      for (let n = 0; at; n++) {
        if (n > MAX_BOXES) {
          this.loop(f.skb, f.skb.dev);
          break;
        }
        if (tells) this.tell(f.skb, { t: 'box', box: at.box });
        at = stopAfter(at, at.stage(this, f));
      }
      invariant(at !== undefined, `a way that the picture does not show, from ${start.box}`);
      return f.errno;
    } finally {
      this.#depth--;
      world.xmits = xmits;
      if (world.bhPending) world.bhEnable();
    }
  }

  /** One received frame, to its end; what the engine does not know ends it as inconclusive. */
  receive(skb: Skb, dev: NetDevice): void {
    skb.dev = dev;
    const depth = this.#depth;
    try {
      this.#walk(RECEIVE, flight(skb));
    } catch (e) {
      this.#gaveUp(skb, depth, e);
    }
  }

  /** Runs `work`; an Inconclusive thrown inside becomes the event that tells it. */
  attempt(skb: Skb | null, work: () => void): void {
    const depth = this.#depth;
    try {
      work();
    } catch (e) {
      this.#gaveUp(skb, depth, e);
    }
  }
  #gaveUp(skb: Skb | null, depth: number, e: unknown): void {
    this.#depth = depth;
    if (!(e instanceof Inconclusive)) throw e;
    // An error or a copy sent on its behalf had no known end: then its own is not known either.
    if (e.told === null || (skb !== null && e.told !== skb.id)) this.tell(skb, { t: 'inconclusive', what: e.what, rule: e.rule });
  }

  loop(skb: Skb, dev: NetDevice | null): void {
    this.drop(skb, 'NOT_SPECIFIED', 'netif_receive_skb', 'loop', { dev: dev?.name ?? null });
  }

  packetCtx(f: Flight, family: PacketCtx['family'], point: HookPoint, indev: NetDevice | null, outdev: NetDevice | null): PacketCtx {
    return { skb: f.skb, family, hook: point, in: indev, out: outdev, env: this, rule: null, hotdrop: false };
  }

  hook(f: Flight, family: PacketCtx['family'], point: HookPoint, indev: NetDevice | null, outdev: NetDevice | null): HookVerdict {
    if (this.world.traceAll) f.skb.nfTrace = true;
    const steps = (family === 'ipv4' ? this.#hooks4 : this.#hooks.get(family))?.at(point);
    if (this.rec.on && family !== 'arp') {
      this.tell(f.skb, { t: 'hook', family, hook: point, in: indev?.name ?? null, out: outdev?.name ?? null, view: packetView(f.skb) });
    }
    if (!steps) return 'accept';
    const h = this.packetCtx(f, family, point, indev, outdev);
    for (let i = 0; i < steps.length; i++) {
      const v = steps[i](this, f, h);
      if (v === 'okfn') return 'accept';
      if (v !== 'accept') return v;
    }
    return 'accept';
  }

  netdevHook(f: Flight, point: 'INGRESS' | 'EGRESS', dev: NetDevice): HookVerdict {
    if (this.#netdevHooks === undefined) return 'accept';
    return this.hook(f, 'netdev', point, point === 'INGRESS' ? dev : null, point === 'EGRESS' ? dev : null);
  }

  ctConfirm(f: Flight): HookVerdict {
    if (this.conntrack.confirm(f.skb) === 'ACCEPT') return 'accept';
    this.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'ct-clash');
    return 'drop';
  }

  isPolicyRef(r: RuleRef): boolean {
    return isPolicy(this.given, r);
  }

  // --- devices and wires ---

  learnNeighbour(dev: NetDevice, addr: Addr, mac: Mac, override = true): void {
    for (const f of this.neigh.learn(dev.name, addr, mac, this.now(), override)) this.traverse('neigh_output', f);
  }

  netifRx(skb: Skb, dev: NetDevice): void {
    if (skb.pktType !== 'loopback') classify(skb, dev);
    this.world.enqueue(this, skb, dev);
  }
  netifRxAs(skb: Skb, dev: NetDevice): void {
    this.world.enqueue(this, skb, dev);
  }
  /** A frame of the outside world arrives at a device, behind those that wait. */
  arrive(skb: Skb, dev: NetDevice): void {
    this.announce(skb, dev);
    this.world.enqueue(this, skb, dev);
  }
  /** The same, before it is received. */
  announce(skb: Skb, dev: NetDevice): void {
    classify(skb, dev);
    if (hears(this.rec, 'skb')) this.tell(skb, { t: 'skb', origin: skb.origin, view: packetView(skb), dev: dev.name });
    if (this.rec.on) this.tell(skb, { t: 'receive', dev: dev.name, frame: frameOf(skb) });
  }
  wire(skb: Skb, dev: NetDevice): void {
    if (hears(this.rec, 'emit')) this.tell(skb, { t: 'emit', dev: dev.name, frame: this.rec.on ? frameOf(skb) : NO_FRAME });
    this.world.wiring(this.node, dev, skb);
  }

  // --- xfrm (xfrm/ decides; a node without policies lets everything pass) ---

  get hasXfrm(): boolean {
    return this.given.xfrmPolicies.length > 0 || this.given.xfrmStates.length > 0;
  }
  xfrmPolicyCheck(skb: Skb, dir: 'in' | 'fwd'): boolean {
    const refused = this.xfrm.check(skb, dir);
    if (refused) this.count(refused.counter);
    return refused === null;
  }
  xfrmRouteForward(skb: Skb): boolean {
    return this.#xfrmRoute(skb, 'XfrmFwdHdrError');
  }
  /** Puts the bundle of the packet's policy into its route; false where IPsec cannot carry it. */
  #xfrmRoute(skb: Skb, counter: string): boolean {
    if (this.given.xfrmPolicies.length === 0) return true;
    const dst = skb.dst!;
    const plain = dst.xfrm === null ? dst : bundleOf(dst).plain;
    const r = this.xfrm.lookup(skb, plain);
    if (typeof r === 'string') {
      this.count(r === 'block' ? 'XfrmOutPolBlock' : counter);
      return false;
    }
    skb.dst = r;
    return true;
  }
  xfrmFacts(skb: Skb, dir: 'in' | 'fwd' | 'out'): Facts {
    return this.xfrm.facts(skb, dir);
  }
  xfrmMtu(dst: Dst): number {
    return this.xfrm.mtu(dst);
  }
  xfrmReroute(f: Flight): HookVerdict {
    if (this.given.xfrmPolicies.length === 0 || f.skb.dst === null) return 'accept';
    if (this.#xfrmRoute(f.skb, 'XfrmOutNoStates')) return 'accept';
    f.errno = 1;
    this.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'xfrm-no-state', this.xfrmFacts(f.skb, 'out'));
    return 'drop';
  }

  // --- reassembly ---

  defragConntrack(f: Flight, point: 'PREROUTING' | 'OUTPUT'): HookVerdict {
    return this.#defragged(f, this.conntrack.defrag(f.skb, point));
  }
  defragLocal(f: Flight): boolean {
    return this.#defragged(f, this.conntrack.gather(f.skb, 'local-deliver')) === 'accept';
  }
  #defragged(f: Flight, r: ReturnType<Conntrack['defrag']>): HookVerdict {
    if (r === 'STOLEN') return 'stolen';
    if (r === 'DROP') {
      this.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'frag-incomplete');
      return 'drop';
    }
    f.skb = r.skb;
    return 'accept';
  }

  // --- what rules ask for ---

  socket(q: SocketQuery): SkSocket | null {
    return this.sockets.lookup(q);
  }
  sendReset(c: PacketCtx): void {
    if (c.skb.family === 'ipv4') sendReset(this, c);
    else sendReset6(this, c);
  }
  sendIcmpError(c: PacketCtx, type: number, code: number): void {
    if (c.skb.family === 'ipv4') rejectUnreach4(this, c, type, code);
    else rejectUnreach6(this, c, type, code);
  }
  state<T>(key: object | string, make: () => T): T {
    let v = this.#states.get(key) as T | undefined;
    if (v === undefined) {
      v = make();
      this.#states.set(key, v);
    }
    return v;
  }
  /** What state() has under that key by now; undefined: nothing. */
  kept(key: object | string | undefined): unknown {
    return key === undefined ? undefined : this.#states.get(key);
  }
  inconclusive(what: string, c: PacketCtx): never {
    this.tell(c.skb, { t: 'inconclusive', what, rule: c.rule });
    throw new Inconclusive(what, c.rule, c.skb.id);
  }
  tee(c: PacketCtx, gateway: Addr, oif: string | null): void {
    if (this.#duplicating) return;
    this.#duplicating = true;
    this.world.bhOff = true;
    duplicate(this, c, gateway, oif);
    this.world.bhOff = false;
    this.#duplicating = false;
  }
  mirror(c: PacketCtx, dev: NetDevice, copy: boolean): void {
    const skb = copy ? this.cloneSkb(c.skb) : c.skb;
    skb.dev = dev;
    this.traverse('dev_queue_xmit', flight(skb));
  }
  endTable(): void {
    if (this.world.bhPending) this.world.bhEnable();
  }
}
