/**
 * The set types: one row each. A row says which dimensions a member has, where the members are kept, which create options the tool takes
 * and in which order `ipset save` prints them (lib/ipset_<type>.c), and the kernel's revision that `ipset list` shows (6.18, ipset 7.17).
 */
export type DimKind = 'ip' | 'net' | 'port' | 'mac' | 'mark' | 'iface' | 'set';

export type CreateOption =
  | 'family'
  | 'hashsize'
  | 'maxelem'
  | 'netmask'
  | 'bitmask'
  | 'markmask'
  | 'range'
  | 'size'
  | 'timeout'
  | 'counters'
  | 'comment'
  | 'skbinfo'
  | 'forceadd'
  | 'bucketsize'
  | 'initval';

export interface SetType {
  readonly name: string;
  /** Names of ipset 4 that `create` still takes. */
  readonly aliases: readonly string[];
  /** Parts of a member, in the order of its text; its length is the kernel's `dimension`. */
  readonly dims: readonly DimKind[];
  readonly storage: 'hash' | 'bitmap' | 'list';
  /** 'inet': IPv4 only (bitmaps of addresses); 'both': by the family option; 'unspec': any packet. */
  readonly family: 'inet' | 'both' | 'unspec';
  /** In the order in which `ipset save` prints them. */
  readonly options: readonly CreateOption[];
  /** Members may be exceptions (IPSET_TYPE_NOMATCH). */
  readonly nomatch: boolean;
  /** The type has a /0 (IP_SET_HASH_WITH_NET0). */
  readonly net0: boolean;
  /** The IP part of a member is stored under netmask or bitmask. */
  readonly masked: boolean;
  readonly revision: number;
  readonly kernel: string;
}

const EXT = ['timeout', 'counters', 'comment', 'skbinfo'] as const;
const HASH = ['family', 'hashsize', 'maxelem', ...EXT, 'forceadd', 'bucketsize', 'initval'] as const;
const HASH_IP = ['family', 'hashsize', 'maxelem', 'netmask', 'bitmask', ...EXT, 'forceadd', 'bucketsize', 'initval'] as const;
const HASH_MASK_LAST = [...HASH, 'netmask', 'bitmask'] as const;
const HASH_MARK = ['family', 'markmask', 'hashsize', 'maxelem', ...EXT, 'forceadd', 'bucketsize', 'initval'] as const;
const HASH_MAC = ['hashsize', 'maxelem', ...EXT, 'forceadd', 'bucketsize', 'initval'] as const;

const row = (
  name: string,
  aliases: readonly string[],
  dims: readonly DimKind[],
  options: readonly CreateOption[],
  revision: number,
  more: Partial<Pick<SetType, 'storage' | 'family' | 'nomatch' | 'net0' | 'masked'>> = {},
): SetType => ({
  name,
  aliases,
  dims,
  options,
  revision,
  storage: 'hash',
  family: 'both',
  nomatch: false,
  net0: false,
  masked: false,
  ...more,
  kernel: `net/netfilter/ipset/ip_set_${name.replace(/:/, '_').replace(/,/g, '')}.c`,
});

const NETS = { nomatch: true } as const;
const NETS0 = { nomatch: true, net0: true } as const;

export const setTypes: readonly SetType[] = [
  row('bitmap:ip', ['ipmap'], ['ip'], ['range', 'netmask', ...EXT], 3, { storage: 'bitmap', family: 'inet', masked: true }),
  row('bitmap:ip,mac', ['macipmap'], ['ip', 'mac'], ['range', ...EXT], 3, { storage: 'bitmap', family: 'inet' }),
  row('bitmap:port', ['portmap'], ['port'], ['range', ...EXT], 3, { storage: 'bitmap', family: 'unspec' }),
  row('hash:ip', ['iphash'], ['ip'], HASH_IP, 6, { masked: true }),
  row('hash:ip,mark', ['ipmarkhash'], ['ip', 'mark'], HASH_MARK, 3),
  row('hash:ip,mac', ['ipmachash'], ['ip', 'mac'], HASH, 1),
  row('hash:ip,port', ['ipporthash'], ['ip', 'port'], HASH_MASK_LAST, 7, { masked: true }),
  row('hash:ip,port,ip', ['ipportiphash'], ['ip', 'port', 'ip'], HASH, 6),
  row('hash:ip,port,net', ['ipportnethash'], ['ip', 'port', 'net'], HASH, 8, NETS),
  row('hash:mac', ['machash'], ['mac'], HASH_MAC, 1, { family: 'unspec' }),
  row('hash:net', ['nethash'], ['net'], HASH, 7, NETS),
  row('hash:net,port', ['netporthash'], ['net', 'port'], HASH, 8, NETS),
  row('hash:net,iface', ['netifacehash'], ['net', 'iface'], HASH, 8, NETS0),
  row('hash:net,net', ['netnethash'], ['net', 'net'], HASH_MASK_LAST, 4, { ...NETS0, masked: true }),
  row('hash:net,port,net', ['netportnethash'], ['net', 'port', 'net'], HASH, 3, NETS0),
  row('list:set', ['setlist'], ['set'], ['size', ...EXT], 3, { storage: 'list', family: 'unspec' }),
];

const byText = new Map(setTypes.flatMap((t) => [t.name, ...t.aliases].map((n) => [n, t] as const)));
/** The type of a name or of its old alias. */
export const setType = (name: string): SetType | undefined => byText.get(name);
export const setTypeNames = (): readonly string[] => setTypes.map((t) => t.name);

/** Words that tell of presence only. */
export const flagOptions: ReadonlySet<string> = new Set(['counters', 'comment', 'skbinfo', 'forceadd']);

/** The tool's own words (libipset's errcode.c and parse.c). Caught by the command that was being carried out, never seen outside. */
export class IpsetError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** The word of the line to point at. */
    readonly word?: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
