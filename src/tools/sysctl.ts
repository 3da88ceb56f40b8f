/** sysctl(8): `-w name=value`, `name=value`, `name`, `-a`, `-n`, and what the kernel does with a value (net/ipv4/devinet.c, net/ipv6/addrconf.c). */
import { nearest } from '../base/diagnostic.js';
import { sysctlName, sysctlText } from '../formats/sysctl.js';
import type { NodeState, Sysctl } from '../scenario/model.js';
import { sysctlsOf } from '../stack/sysctls.js';
import { addresses, linksOf } from './netlink.js';
import { attempt, Refusal } from './refusal.js';
import { type Answer, complained, type Tool, type ToolContext } from './tool.js';

/** Files of net/ipv4/conf/DEV and net/ipv6/conf/DEV that 6.18 has, as far as packets notice them. */
const CONF4 =
  'accept_local accept_redirects accept_source_route arp_accept arp_announce arp_evict_nocarrier arp_filter arp_ignore arp_notify bc_forwarding bootp_relay disable_policy disable_xfrm drop_gratuitous_arp drop_unicast_in_l2_multicast force_igmp_version forwarding igmpv2_unsolicited_report_interval igmpv3_unsolicited_report_interval ignore_routes_with_linkdown log_martians mc_forwarding medium_id promote_secondaries proxy_arp proxy_arp_pvlan route_localnet rp_filter secure_redirects send_redirects shared_media src_valid_mark tag'.split(
    ' ',
  );
const CONF6 =
  'accept_dad accept_ra accept_redirects accept_source_route addr_gen_mode autoconf dad_transmits disable_ipv6 disable_policy drop_unsolicited_na forwarding hop_limit ignore_routes_with_linkdown keep_addr_on_down mc_forwarding mtu ndisc_notify optimistic_dad proxy_ndp router_solicitations seg6_enabled use_tempaddr'.split(
    ' ',
  );
/** Others that the engine reads. */
const OTHERS = [
  'net/ipv4/ip_forward',
  'net/ipv4/ip_default_ttl',
  'net/ipv4/ip_nonlocal_bind',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/icmp_echo_ignore_all',
  'net/ipv4/icmp_echo_ignore_broadcasts',
  'net/ipv4/icmp_ratelimit',
  'net/ipv4/icmp_ratemask',
  'net/ipv6/icmp/ratelimit',
  'net/ipv4/icmp_errors_use_inbound_ifaddr',
  'net/ipv4/fwmark_reflect',
  'net/ipv4/tcp_timestamps',
  'net/ipv4/tcp_sack',
  'net/ipv4/tcp_window_scaling',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
  'net/bridge/bridge-nf-call-arptables',
  'net/bridge/bridge-nf-filter-vlan-tagged',
  'net/bridge/bridge-nf-filter-pppoe-tagged',
  'net/bridge/bridge-nf-pass-vlan-input-dev',
  'net/netfilter/nf_conntrack_tcp_loose',
  'net/netfilter/nf_conntrack_tcp_be_liberal',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_acct',
  'net/netfilter/nf_conntrack_checksum',
  'net/netfilter/nf_log_all_netns',
];

const CONF = /^net\/(ipv4|ipv6)\/conf\/(.+)\/([^/]+)$/;

function put(list: readonly Sysctl[], name: string, value: string): readonly Sysctl[] {
  const at = list.findIndex((s) => s.name === name);
  if (at >= 0 && list[at].value === value) return list;
  return at < 0 ? [...list, { name, value }] : list.with(at, { name, value });
}

/** Writing ip_forward or conf/all/forwarding sets every device (inet_forward_change(), addrconf_fixup_forwarding()); conf/default those that follow it. */
function written(n: NodeState, name: string, value: string): NodeState {
  let list = put(n.sysctls, name, value);
  const m = CONF.exec(name);
  const global = name === 'net/ipv4/ip_forward' ? 'ipv4' : m && m[2] === 'all' && m[3] === 'forwarding' ? m[1] : null;
  if (global) {
    const pattern = new RegExp(`^net/${global}/conf/[^/]+/forwarding$`);
    list = list.map((s) =>
      (pattern.test(s.name) || (global === 'ipv4' && s.name === 'net/ipv4/ip_forward')) && s.value !== value ? { name: s.name, value } : s,
    );
    if (global === 'ipv4') list = put(put(list, 'net/ipv4/ip_forward', value), 'net/ipv4/conf/all/forwarding', value);
  } else if (m && m[2] === 'default') list = defaultWritten(n, list, m[1] as 'ipv4' | 'ipv6', m[3], value);
  return list === n.sysctls ? n : { ...n, sysctls: list };
}

/** devinet_copy_dflt_conf(): IPv4 devices that never got an address or a value of their own follow the default; all others keep what they have. */
function defaultWritten(n: NodeState, before: readonly Sysctl[], family: 'ipv4' | 'ipv6', key: string, value: string): readonly Sysctl[] {
  let list = before;
  const had = sysctlsOf(n.sysctls);
  for (const l of linksOf(n.links)) {
    const name = `net/${family}/conf/${l.name}/${key}`;
    const now = had.conf(family, l.name, key);
    const own = had.stated(name) !== undefined && now !== had.conf(family, 'default', key);
    const follows = family === 'ipv4' && !own && !addresses(n).some((a) => a.family === 'ipv4' && a.dev === l.name);
    list = put(list, name, follows ? value : String(now));
  }
  return list;
}

const cannotStat = (given: string, path: string): string => `sysctl: cannot stat /proc/sys/${path === '' ? given : path}: No such file or directory`;

/** Refuses what is not there; a name that is merely not known here is passed. */
function check(n: NodeState, given: string): string {
  const name = sysctlName(given);
  if (name === null)
    throw new Refusal(cannotStat(given, given.replaceAll('.', '/')), {
      code: 'sysctl-name',
      word: given,
      status: 1,
      hint: 'net.ipv4.ip_forward or net/ipv4/ip_forward',
    });
  if (n.sysctls.some((s) => s.name === name)) return name;
  const m = CONF.exec(name);
  const fail = (near: string | undefined): never => {
    throw new Refusal(cannotStat(given, name), { code: 'sysctl-name', word: given, status: 1, ...(near ? { hint: `did you mean ${sysctlText(near)}?` } : {}) });
  };
  if (m) {
    const devs = ['all', 'default', ...linksOf(n.links).map((l) => l.name)];
    if (!devs.includes(m[2])) {
      const near = nearest(m[2], devs);
      fail(near && `net/${m[1]}/conf/${near}/${m[3]}`);
    }
    const keys = m[1] === 'ipv4' ? CONF4 : CONF6;
    const near = nearest(m[3], keys);
    if (!keys.includes(m[3]) && (near || m[3].length < 3)) fail(near && `net/${m[1]}/conf/${m[2]}/${near}`);
    return name;
  }
  const near = OTHERS.includes(name)
    ? undefined
    : nearest(
        name.slice(name.lastIndexOf('/') + 1),
        OTHERS.map((o) => o.slice(o.lastIndexOf('/') + 1)),
      );
  const full = OTHERS.find((o) => near !== undefined && o.endsWith(`/${near}`));
  if (!OTHERS.includes(name) && full?.slice(0, full.lastIndexOf('/')) === name.slice(0, name.lastIndexOf('/'))) fail(full);
  return name;
}

function checkValue(name: string, given: string, value: string): void {
  const numeric = CONF.test(name) || (OTHERS.includes(name) && !name.endsWith('_range'));
  if (numeric && !/^-?\d{1,10}$/.test(value))
    throw new Refusal(`sysctl: setting key "${given}": Invalid argument`, { code: 'sysctl-value', word: value, status: 1, hint: 'a whole number' });
}

const assignments = (c: ToolContext): readonly string[] => c.words.filter((w) => !w.startsWith('-') && w.includes('='));

function change(n: NodeState, c: ToolContext) {
  if (assignments(c).length === 0) {
    if (!c.words.includes('-w')) return null;
    return attempt(n, c, () => {
      throw new Refusal('sysctl: no variables specified', { code: 'sysctl-form', status: 1, hint: 'sysctl -w net.ipv4.ip_forward=1' });
    });
  }
  return attempt(n, c, () => {
    let state = n;
    for (const w of assignments(c)) {
      const eq = w.indexOf('=');
      const given = w.slice(0, eq).trim();
      const name = check(n, given);
      const value = w.slice(eq + 1).trim();
      checkValue(name, given, value);
      state = written(state, name, value);
    }
    return state;
  });
}

const tool: Tool = {
  names: ['sysctl'],
  change,
  answer(n, c): Answer | null {
    if (assignments(c).length > 0) return null;
    const bare = c.words.includes('-n') || c.words.includes('--values');
    const quiet = c.words.includes('-e') || c.words.includes('--ignore');
    const line = (name: string, value: string): string => (bare ? `${value}\n` : `${sysctlText(name)} = ${value}\n`);
    if (c.words.some((w) => w === '-a' || w === '-A' || w === '--all')) {
      const all = [...n.given.sysctls].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { stdout: all.map((s) => line(s.name, s.value)).join(''), stderr: '', status: 0 };
    }
    let stdout = '';
    let stderr = '';
    for (const w of c.words.filter((x) => !x.startsWith('-'))) {
      try {
        const name = check(n.given, w);
        const stated = n.given.sysctls.find((s) => s.name === name)?.value;
        const m = CONF.exec(name);
        stdout += line(name, stated ?? String(m ? n.conf(m[1] as 'ipv4' | 'ipv6', m[2], m[3]) : n.sysctl(name)));
      } catch (e) {
        if (!(e instanceof Refusal)) throw e;
        if (!quiet) stderr += `${e.message}\n`;
      }
    }
    return stderr === '' ? { stdout, stderr, status: 0 } : complained(stderr, 1, stdout);
  },
};

export const sysctlTool = (): readonly Tool[] => [tool];
