/** What the tools print about a node of a lab: its state in the schema of the kernel corpus. */
import type { CorpusSocket, CorpusState } from '../harness/conformance/corpus.js';
import { withoutLab } from './nft-load.js';
import type { Shell } from './shell.js';

export type Backend = 'legacy' | 'nft';

const CUT = '\u0002';

const SYSCTLS = `cd /proc/sys && grep -rH "" net/ipv4 net/netfilter net/bridge 2>/dev/null`;
const SYSCTLS6 = `${SYSCTLS}; grep -rH "" net/ipv6 2>/dev/null`;
/** Settings that no packet asks about, or that cannot be said in one line. */
const PASSED_OVER =
  /^net\/ipv[46]\/(neigh|tcp_(?!early|ecn|fwmark|l3mdev|timestamps)|xfrm4|igmp|route\/(gc|flush|max)|cipso|inet_peer|ipfrag)|icmp_msgs|stable_secret|nf_log|nf_conntrack_(count|max|buckets|.*timeout)/;

type Part = readonly [key: keyof CorpusState, command: string, kind: 'json' | 'text' | 'save'];

function parts(backend: Backend, ipv6: boolean, ebtables: boolean): Part[] {
  const save = backend === 'nft' ? 'nft' : 'legacy';
  const out: Part[] = [
    ['link', 'ip -j -d link', 'json'],
    ['addr', 'ip -j addr', 'json'],
    ['neigh', 'ip -j neigh show nud all; ip -j neigh show proxy', 'json'],
    ['bridge_fdb', 'bridge -j fdb', 'json'],
    ['bridge_link', 'bridge -j -d link', 'json'],
    ['route_text', 'ip -4 route show table all', 'text'],
    ['rule_text', 'ip -4 rule', 'text'],
    ['iptables_save', `iptables-${save}-save 2>/dev/null`, 'save'],
    ['ipset_save', 'ipset save', 'text'],
    ['nfqueue', 'cat /proc/net/netfilter/nfnetlink_queue', 'text'],
    ['conntrack', `conntrack -L 2>/dev/null${ipv6 ? '; conntrack -L -f ipv6 2>/dev/null' : ''}`, 'text'],
  ];
  if (ipv6)
    out.push(
      ['route6_text', 'ip -6 route show table all', 'text'],
      ['rule6_text', 'ip -6 rule', 'text'],
      ['ip6tables_save', `ip6tables-${save}-save 2>/dev/null`, 'save'],
    );
  if (backend === 'nft') out.push(['nft_ruleset', 'nft -a list ruleset 2>/dev/null', 'text']);
  if (ebtables) out.push(['ebtables_save', 'ebtables-nft-save', 'save']);
  return out;
}

/** The node's state as a case's `state`. */
export async function snapshot(
  shell: Shell,
  o: { readonly backend: Backend; readonly ipv6: boolean; readonly ebtables: boolean; readonly sockets: readonly CorpusSocket[] },
): Promise<CorpusState> {
  const list = parts(o.backend, o.ipv6, o.ebtables);
  const script = [...list.map(([, c]) => c), o.ipv6 ? SYSCTLS6 : SYSCTLS].map((c) => `(${c}); printf '${CUT}'`).join('\n');
  const texts = (await shell.run(script)).out.split(CUT);
  const state: Record<string, unknown> = { sockets: o.sockets, route: [], rule: [] };
  for (const [i, [key, , kind]] of list.entries()) {
    const text = texts[i];
    if (kind === 'json') state[key] = filled(readLists(text));
    else if (kind === 'save') state[key] = uncommented(text);
    else if (key === 'nft_ruleset') state[key] = withoutLab(text);
    else if (text !== '' || ['route_text', 'rule_text', 'nfqueue'].includes(key)) state[key] = text;
  }
  state.sysctl = readSysctls(texts[list.length]);
  return state as unknown as CorpusState;
}

/** What commands printed one after the other, a list a line. */
const readLists = (text: string): unknown[] => text.split('\n').flatMap((l) => (l.trim() === '' ? [] : (JSON.parse(l) as unknown[])));

/** `ip -j` prints an empty object for what it leaves out. */
const filled = (v: readonly unknown[]): unknown[] => v.filter((x) => Object.keys(x as object).length > 0);

const uncommented = (t: string): string =>
  t
    .split('\n')
    .filter((l) => !l.startsWith('#'))
    .join('\n');

function readSysctls(text: string): Record<string, string> {
  const out: [string, string][] = [];
  for (const l of text.split('\n')) {
    const m = /^(net\/[^:]+(?::[^:/]+\/[^:]+)?):(.*)$/.exec(l);
    if (m && !PASSED_OVER.test(m[1])) out.push([m[1], m[2].replaceAll('\t', ' ')]);
  }
  return Object.fromEntries(out.sort(([a], [b]) => (a < b ? -1 : 1)));
}
