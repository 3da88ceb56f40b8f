/** Sysctls of a node: what is stated, then what the kernel has by default. Values are integers; text that is none reads as 0. */
import { memoByIdentity } from '../base/memo.js';
import type { Sysctl } from '../scenario/model.js';

/** Defaults of a fresh namespace, where they are not 0. Keys below `net/ipv4/conf/DEV/` stand under `conf/`. */
const defaults = new Map<string, number>([
  ['net/ipv4/ip_default_ttl', 64],
  ['net/ipv4/icmp_echo_ignore_broadcasts', 1],
  ['net/ipv4/icmp_ratelimit', 1000],
  ['net/ipv4/icmp_ratemask', 0x1818],
  ['net/ipv4/icmp_ignore_bogus_error_responses', 1],
  ['net/ipv4/ip_local_reserved_ports', 0],
  ['net/bridge/bridge-nf-call-iptables', 1],
  ['net/bridge/bridge-nf-call-ip6tables', 1],
  ['net/bridge/bridge-nf-call-arptables', 1],
  ['net/ipv4/tcp_window_scaling', 1],
  ['net/ipv4/tcp_invalid_ratelimit', 500],
  ['net/ipv4/tcp_sack', 1],
  ['net/ipv6/auto_flowlabels', 1],
  ['net/ipv6/conf/all/hop_limit', 64],
  ['net/ipv6/icmp/echo_ignore_all', 0],
  ['net/ipv6/icmp/ratelimit', 1000],
  ['net/ipv6/max_hbh_length', 0x7fffffff],
  ['net/ipv6/max_hbh_opts_number', 8],
  ['net/ipv6/max_dst_opts_length', 0x7fffffff],
  ['net/ipv6/max_dst_opts_number', 8],
]);

const confDefaults = new Map<string, number>([
  ['accept_redirects', 1],
  ['send_redirects', 1],
  ['secure_redirects', 1],
  ['shared_media', 1],
  ['hop_limit', 64],
  ['accept_ra', 1],
  ['suppress_frag_ndisc', 1],
  ['accept_source_route', 0],
  ['disable_policy', 0],
]);

export class Sysctls {
  readonly #values = new Map<string, number>();
  /** Stated or default, resolved once: packets ask for the same few again and again. */
  readonly #resolved = new Map<string, number>();
  /** Per-device lookups, resolved once: by device, then key. */
  readonly #conf = { ipv4: new Map<string, Map<string, number>>(), ipv6: new Map<string, Map<string, number>>() };

  constructor(list: readonly Sysctl[]) {
    for (const s of list) this.#values.set(s.name, Number.parseInt(s.value, 10) || 0);
  }

  /** Value by path below /proc/sys; undefined where the scenario does not state it and the kernel's own default is not known here. */
  stated(path: string): number | undefined {
    return this.#values.get(path);
  }

  get(path: string): number {
    let v = this.#resolved.get(path);
    if (v === undefined) {
      v = this.#values.get(path) ?? defaults.get(path) ?? 0;
      this.#resolved.set(path, v);
    }
    return v;
  }

  /** net.FAMILY.conf.DEV.KEY; unstated ones follow conf/default and, for forwarding, ip_forward. */
  conf(family: 'ipv4' | 'ipv6', dev: string, key: string): number {
    let ofDev = this.#conf[family].get(dev);
    if (!ofDev) {
      ofDev = new Map();
      this.#conf[family].set(dev, ofDev);
    }
    let v = ofDev.get(key);
    if (v === undefined) {
      v = this.#resolve(family, dev, key);
      ofDev.set(key, v);
    }
    return v;
  }

  #resolve(family: 'ipv4' | 'ipv6', dev: string, key: string): number {
    const own = this.#values.get(`net/${family}/conf/${dev}/${key}`);
    if (own !== undefined) return own;
    if (key === 'forwarding') {
      const global = family === 'ipv4' ? this.#values.get('net/ipv4/ip_forward') : undefined;
      const all = this.#values.get(`net/${family}/conf/all/forwarding`);
      const known = global ?? all;
      if (known !== undefined) return known;
    }
    if (dev !== 'all') {
      const byDefault = this.#values.get(`net/${family}/conf/default/${key}`);
      if (byDefault !== undefined) return byDefault;
    }
    return confDefaults.get(key) ?? 0;
  }

  /** Does the scenario say it, for this device or by its default? */
  isStated(family: 'ipv4' | 'ipv6', dev: string, key: string): boolean {
    const here = (d: string): boolean => this.#values.has(`net/${family}/conf/${d}/${key}`);
    if (here(dev) || (dev !== 'all' && here('default'))) return true;
    return key === 'forwarding' && (here('all') || (family === 'ipv4' && this.#values.has('net/ipv4/ip_forward')));
  }
}

export const sysctlsOf = memoByIdentity((list: readonly Sysctl[]) => new Sysctls(list));
