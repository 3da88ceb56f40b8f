/** How rules and chains are called by place, in the words of their tools. */
import type { EventOf, RuleRef } from './event.js';

/** `table:CHAIN`; of nftables `inet table chain`, as its commands name it. */
export const chainPlace = (r: RuleRef): string => (r.backend === 'nftables' ? `${r.family} ${r.table} ${r.chain}` : `${r.table}:${r.chain}`);
/** `table:CHAIN:N`, `inet table chain:N`. */
export const rulePlace = (r: RuleRef): string => `${chainPlace(r)}:${r.num}`;
/** A trace point: `table:CHAIN:kind:N`, `inet table chain:kind:N`. */
export const tracePlace = (e: EventOf<'trace'> | EventOf<'nft-trace'>): string => `${chainPlace(e.rule)}:${e.kind}:${e.rule.num}`;
