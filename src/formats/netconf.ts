/** `ip netconf` (ip-netconf(8); iproute2 ip/ipnetconf.c): the device's own values, not the effective ones. */
export interface NetconfEntry {
  readonly family: 'ipv4' | 'ipv6';
  readonly dev: string;
  readonly forwarding: boolean;
  /** IPv4 only. */
  readonly rpFilter: number;
  readonly mcForwarding: boolean;
  /** proxy_arp, proxy_ndp */
  readonly proxyNeigh: boolean;
  readonly ignoreRoutesWithLinkdown: boolean;
}

const rpWords = ['off', 'strict', 'loose'];
const onOff = (b: boolean): string => (b ? 'on' : 'off');
const word = (f: NetconfEntry['family']): string => (f === 'ipv4' ? 'inet' : 'inet6');
const rpWord = (n: number): string => rpWords[n] ?? `unknown code(${n})`;

/** What `ip netconf show [dev DEV]` prints. */
export function writeNetconf(entries: readonly NetconfEntry[]): string {
  let out = '';
  for (const e of entries) {
    out += `${word(e.family)} ${e.dev} forwarding ${onOff(e.forwarding)} `;
    if (e.family === 'ipv4') out += `rp_filter ${rpWord(e.rpFilter)} `;
    out += `mc_forwarding ${onOff(e.mcForwarding)} proxy_neigh ${onOff(e.proxyNeigh)} ignore_routes_with_linkdown ${onOff(e.ignoreRoutesWithLinkdown)} \n`;
  }
  return out;
}

/** What `ip -j netconf show [dev DEV]` prints. */
export function writeNetconfJson(entries: readonly NetconfEntry[]): string {
  const list = entries.map((e) => ({
    family: word(e.family),
    interface: e.dev,
    forwarding: e.forwarding,
    ...(e.family === 'ipv4' ? { rp_filter: rpWord(e.rpFilter) } : {}),
    mc_forwarding: e.mcForwarding,
    proxy_neigh: e.proxyNeigh,
    ignore_routes_with_linkdown: e.ignoreRoutesWithLinkdown,
  }));
  return `${JSON.stringify(list)}\n`;
}
