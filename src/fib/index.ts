/** Routing: policy rules, route tables, lookups, source validation, address types. */
export { addrOnlink, addrType, ipDevFind, isLocalMulticast4, isLoopback4, LBCAST4, primaryAddress, selectAddress } from './addr.js';
export { addrScope6, addrType6, isAnycast6, isLinkLocal6, isOwn6, LOOPBACK6, needStrict6, selectAddress6 } from './addr6.js';
export { compileFib } from './compile.js';
export { advmss4, makeDst, routeMtu } from './dst.js';
export { type Changed, changeRoutes, changeRules, completeRoute, type RouteChange, type RouteCommand, type RuleChange } from './edit.js';
export { completeRoute6 } from './edit6.js';
export { Fib, type FibInput, type InDev, NO_ROUTE, RouteEnv } from './fib.js';
export { compileFib6, Fib6, type RouteEnv6 } from './fib6.js';
export { flowKeys } from './flow-keys.js';
export { type InputPacket, type InputReason, type InputResult, routeInput } from './input.js';
export { derivedRoutes4, derivedRoutes6 } from './local-table.js';
export * from './model.js';
export { selectPath } from './multipath.js';
export * from './names.js';
export { type OutputFlow, type OutputResult, routeOutput } from './output.js';
export {
  EADDRNOTAVAIL,
  type Input6Packet,
  type Output6Flow,
  type Output6Result,
  type Route6Result,
  routeInput6,
  routeOutput6,
  routeOutput6To,
} from './route6.js';
export { ruleText } from './rule-text.js';
export { defaultRules } from './rules.js';
export { type SourceCheck, type SourceQuery, type SourceReason, validateSource } from './source.js';
export { routeText } from './text.js';
export {
  andConf,
  type ChooseNexthop,
  type DevConf,
  type FibAddr,
  type FibResult,
  type Flow,
  type FlowKeys,
  LOOPBACK_IFINDEX,
  maxConf,
  NO_KEYS,
  orConf,
} from './types.js';
