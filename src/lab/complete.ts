/** Transport checksums that the sender left to its device (CHECKSUM_PARTIAL): a veth hands them over as they are, and a frame that is written again needs them. */
import { packetsIn } from '../harness/conformance/packets.js';
import { foldChecksum, sum16, transportChecksumOffset } from '../packet/checksum.js';
import { IPPROTO } from '../packet/skb.js';

const VXLAN_PORTS: ReadonlySet<number> = new Set([4789, 8472, 4800]);

/** A copy in which every TCP and UDP checksum that holds only the sum of the pseudo header is a whole one; inner packets of VXLAN frames, too. */
export function completeChecksums(frame: Uint8Array, vxlanPorts: ReadonlySet<number> = VXLAN_PORTS): Uint8Array {
  const b = frame.slice();
  for (const p of packetsIn(b, vxlanPorts)) {
    if (p.where === 'quoted' || p.thoff < 0 || (p.proto !== IPPROTO.TCP && p.proto !== IPPROTO.UDP)) continue;
    const v6 = p.family === 'ipv6';
    const end = v6 ? p.nhoff + 40 + u16(b, p.nhoff + 4) : p.nhoff + u16(b, p.nhoff + 2);
    const at = p.thoff + transportChecksumOffset(p.proto);
    if (end > b.length || at + 2 > end) continue;
    const pseudo = sum16(b, p.nhoff + (v6 ? 8 : 12), p.nhoff + (v6 ? 40 : 20), p.proto + end - p.thoff);
    if (u16(b, at) !== (~foldChecksum(pseudo) & 0xffff)) continue;
    b[at] = b[at + 1] = 0;
    const sum = foldChecksum(sum16(b, p.thoff, end, pseudo)) || 0xffff;
    b[at] = sum >>> 8;
    b[at + 1] = sum & 255;
  }
  return b;
}

const u16 = (b: Uint8Array, at: number): number => (b[at] << 8) | b[at + 1];
