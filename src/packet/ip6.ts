/** Walking IPv6 extension headers to the transport header: ipv6_find_hdr(), ipv6_skip_exthdr(). */

export interface Transport {
  /** Transport protocol, or the first unknown next header; 59 = none. */
  readonly proto: number;
  /** Offset of that header, -1 when truncated. */
  readonly offset: number;
  readonly isFragment: boolean;
  /** In bytes. */
  readonly fragOffset: number;
  readonly mf: boolean;
}

export const NEXTHDR = { HOP: 0, ROUTING: 43, FRAGMENT: 44, ESP: 50, AUTH: 51, NONE: 59, DEST: 60, MOBILITY: 135 } as const;

const extensionHeaders: ReadonlySet<number> = new Set([NEXTHDR.HOP, NEXTHDR.ROUTING, NEXTHDR.FRAGMENT, NEXTHDR.AUTH, NEXTHDR.DEST]);
/** ipv6_ext_hdr(), NEXTHDR_NONE excepted. */
export const isExtensionHeader = (proto: number): boolean => extensionHeaders.has(proto);

/**
 * Of each header as much must be there as the kernel reads: the two bytes of an ipv6_opt_hdr, up to frag_off of a fragment header. What follows may lie behind
 * the end of the data. `authIsTransport`: AH ends the walk (IP6_FH_F_AUTH), as nf_tables asks for it.
 */
export function findTransport(d: Uint8Array, authIsTransport = false): Transport {
  let next = d[6];
  let at = 40;
  let isFragment = false;
  let fragOffset = 0;
  let mf = false;
  for (;;) {
    if (next === NEXTHDR.AUTH && authIsTransport) return { proto: next, offset: at, isFragment, fragOffset, mf };
    switch (next) {
      case NEXTHDR.HOP:
      case NEXTHDR.ROUTING:
      case NEXTHDR.DEST:
      case NEXTHDR.AUTH: {
        if (at + 2 > d.length) return { proto: next, offset: -1, isFragment, fragOffset, mf };
        const len = next === NEXTHDR.AUTH ? (d[at + 1] + 2) * 4 : (d[at + 1] + 1) * 8;
        next = d[at];
        at += len;
        break;
      }
      case NEXTHDR.FRAGMENT: {
        if (at + 4 > d.length) return { proto: next, offset: -1, isFragment, fragOffset, mf };
        isFragment = true;
        const fo = (d[at + 2] << 8) | d[at + 3];
        fragOffset = fo & 0xfff8;
        mf = (fo & 1) !== 0;
        next = d[at];
        at += 8;
        if (fragOffset !== 0) return { proto: next, offset: at, isFragment, fragOffset, mf };
        break;
      }
      default:
        return { proto: next, offset: next === NEXTHDR.NONE ? -1 : at, isFragment, fragOffset, mf };
    }
  }
}

/**
 * A later fragment of a transport header (or of none), for which ipv6_find_hdr() names the protocol and leaves the offset alone: to nf_tables, which begins with
 * 0, the transport header then stands where the packet does, and its trace has no network header.
 */
export function startsInside(d: Uint8Array): boolean {
  const t = findTransport(d, true);
  return t.fragOffset !== 0 && !isExtensionHeader(t.proto);
}
