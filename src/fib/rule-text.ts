/** One policy rule as `ip rule` prints it, without the `N:` in front (iproute2 ip/iprule.c print_rule()). */
import { addrBits, formatAddr } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import type { PolicyRule } from './model.js';
import { tableName } from './names.js';
import { tosText } from './text.js';

export interface RuleTextOptions {
  /** Is there such a device? Rules that name another one are `[detached]`. */
  readonly hasDevice?: (name: string) => boolean;
  /** Is there a rule of that priority for a goto? Else it is `[unresolved]`. */
  readonly hasPriority?: (priority: number) => boolean;
}

const prefix = (p: NonNullable<PolicyRule['src']>): string =>
  p.len === addrBits(typeof p.addr === 'number' ? 'ipv4' : 'ipv6') ? formatAddr(p.addr) : `${formatAddr(p.addr)}/${p.len}`;
const range = (r: { readonly start: number; readonly end: number }): string => (r.start === r.end ? String(r.start) : `${r.start}-${r.end}`);
/** Protocols are printed by name where /etc/protocols has one. */
export const ipprotoText = (n: number): string => protocolName(n) ?? `ipproto-${n}`;
export const hexText = (n: number): string => `0x${n.toString(16)}`;
export const FULL_MASK = 0xffffffff;

export function ruleText(r: PolicyRule, o: RuleTextOptions = {}): string {
  const w: string[] = [];
  const device = (word: string, name: string | null): void => {
    if (name !== null) w.push(word, name, ...(o.hasDevice && !o.hasDevice(name) ? ['[detached]'] : []));
  };
  if (r.not) w.push('not');
  w.push('from', r.src ? prefix(r.src) : 'all');
  if (r.dst) w.push('to', prefix(r.dst));
  if (r.tos !== 0) w.push('tos', tosText(r.tos));
  if (r.fwmark) w.push('fwmark', r.fwmark.mask === FULL_MASK ? hexText(r.fwmark.mark) : `${hexText(r.fwmark.mark)}/${hexText(r.fwmark.mask)}`);
  device('iif', r.iif);
  device('oif', r.oif);
  if (r.uidrange) w.push('uidrange', `${r.uidrange.start}-${r.uidrange.end}`);
  if (r.ipproto !== null) w.push('ipproto', ipprotoText(r.ipproto));
  if (r.sport) w.push('sport', range(r.sport));
  if (r.dport) w.push('dport', range(r.dport));
  if (r.tunId !== null) w.push('tun_id', String(r.tunId));
  w.push(...actionWords(r, o));
  if (r.protocol !== null && r.protocol !== 'kernel' && r.protocol !== 'unspec') w.push('proto', r.protocol);
  return w.join(' ');
}

function actionWords(r: PolicyRule, o: RuleTextOptions): string[] {
  const a = r.action;
  const w: string[] = [];
  if (r.l3mdev) w.push('lookup', '[l3mdev-table]');
  else if (a.kind === 'lookup') {
    w.push('lookup', tableName(a.table));
    if (r.suppressPrefixlen !== null) w.push('suppress_prefixlength', String(r.suppressPrefixlen));
    if (r.suppressIfgroup !== null) w.push('suppress_ifgroup', r.suppressIfgroup === 0 ? 'default' : String(r.suppressIfgroup));
  }
  if (r.realms !== null) w.push('realms', r.realms);
  if (a.kind === 'goto') {
    if (a.target === null) w.push('goto', 'none');
    else w.push('goto', String(a.target), ...(o.hasPriority && !o.hasPriority(a.target) ? ['[unresolved]'] : []));
  } else if (a.kind !== 'lookup') w.push(a.kind);
  return w;
}
