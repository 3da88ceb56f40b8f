/** `ip netconf show [dev DEV]`: inet_netconf_fill_devconf(), inet6's twin. */
import { type NetconfEntry, writeNetconf, writeNetconfJson } from '../../formats/netconf.js';
import type { NodeRun } from '../../stack/node-run.js';
import { devices } from '../netlink.js';
import { said } from '../tool.js';
import { byBeginning, Clauses, type IpObject, noDevice, verb } from './command.js';

function entry(n: NodeRun, family: 'ipv4' | 'ipv6', dev: string): NetconfEntry {
  const on = (key: string): boolean => n.conf(family, dev, key) !== 0;
  return {
    family,
    dev,
    forwarding: on('forwarding'),
    rpFilter: n.conf('ipv4', dev, 'rp_filter'),
    mcForwarding: on('mc_forwarding'),
    proxyNeigh: on(family === 'ipv4' ? 'proxy_arp' : 'proxy_ndp'),
    ignoreRoutesWithLinkdown: on('ignore_routes_with_linkdown'),
  };
}

/** IPv6 is spoken of where the node says anything of it for the device, as a device without IPv6 has no such entry. */
const has6 = (n: NodeRun, dev: string): boolean =>
  n.given.sysctls.some((s) => s.name.startsWith(`net/ipv6/conf/${dev}/`)) || n.given.addrs.some((a) => a.family === 'ipv6' && a.dev === dev);

export const netconfObject: IpObject = {
  names: ['netconf'],
  answer(n, c) {
    verb(c, 'netconf', ['show', 'list', 'lst', 'help']);
    const w = new Clauses(c.words.slice(1));
    let dev: string | null = null;
    for (let k = w.next(); k !== undefined; k = w.next()) dev = k === 'dev' ? w.value(k) : k;
    const names = devices(n.given).map((d) => d.name);
    if (dev !== null && !names.includes(dev) && !byBeginning(dev, ['all']) && dev !== 'default') noDevice(dev);
    const shown = dev === null ? [...names, 'all', 'default'] : [dev];
    const families: ('ipv4' | 'ipv6')[] = c.family === null ? ['ipv4', 'ipv6'] : [c.family];
    const entries = families.flatMap((f) => shown.filter((d) => f === 'ipv4' || has6(n, d)).map((d) => entry(n, f, d)));
    return said(c.json ? writeNetconfJson(entries) : writeNetconf(entries));
  },
};
