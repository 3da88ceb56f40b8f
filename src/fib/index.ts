/** Routing: policy rules, route tables, lookups, source validation, address types. */
export { addrOnlink, addrType, ipDevFind, isLocalMulticast4, isLoopback4, isMulticast4, LBCAST4, primaryAddress, selectAddress } from './addr.js';
export { compileFib } from './compile.js';
export { advmss4, makeDst, routeMtu } from './dst.js';
export { Fib, type FibInput, NO_ROUTE, type RouteEnv } from './fib.js';
export { type InputPacket, type InputReason, type InputResult, routeInput } from './input.js';
export { derivedRoutes4, derivedRoutes6 } from './local-table.js';
export * from './model.js';
export { selectPath } from './multipath.js';
export * from './names.js';
export { type OutputFlow, type OutputResult, routeOutput } from './output.js';
export { defaultRules } from './rules.js';
export { type SourceCheck, type SourceQuery, type SourceReason, validateSource } from './source.js';
export { routeText } from './text.js';
export { andConf, type ChooseNexthop, type DevConf, type FibAddr, type FibResult, type Flow, type FlowKeys, LOOPBACK_IFINDEX, maxConf, NO_KEYS, orConf } from './types.js';
