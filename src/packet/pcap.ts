/** Capture files: pcap(5), microsecond and nanosecond, both byte orders; written little-endian with microseconds. */
import { type Parsed, Reporter } from '../base/diagnostic.js';

export interface PcapRecord {
  /** Milliseconds since the epoch, fractions allowed. */
  readonly time: number;
  readonly data: Uint8Array;
}

export const LINKTYPE = { ETHERNET: 1, RAW: 101, LINUX_SLL2: 276 } as const;
const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;
const MAX_RECORD = 262_144;

/** Records as far as the file can be read; what is wrong with it is a diagnostic with the byte offset in its message. */
export function readPcap(bytes: Uint8Array, file = 'capture'): Parsed<readonly PcapRecord[]> {
  const reporter = new Reporter(file, '');
  const out: PcapRecord[] = [];
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (message: string): Parsed<readonly PcapRecord[]> => {
    reporter.error('pcap', message, 1, 1, 0, 'tcpdump -w FILE writes such files; pcapng is not read');
    return { value: out, diagnostics: reporter.diagnostics };
  };
  if (bytes.length < 24) return fail('not a capture file: it has less than 24 bytes');
  const magicLe = v.getUint32(0, true);
  const little = magicLe === MICRO || magicLe === NANO;
  const magic = little ? magicLe : v.getUint32(0, false);
  if (magic !== MICRO && magic !== NANO) return fail('not a capture file: unknown magic number');
  const unit = magic === NANO ? 1e6 : 1e3;
  for (let at = 24; at < bytes.length; ) {
    if (at + 16 > bytes.length) return fail(`the record at byte ${at} is cut off`);
    const length = v.getUint32(at + 8, little);
    if (length > MAX_RECORD || at + 16 + length > bytes.length) return fail(`the record at byte ${at} is cut off`);
    out.push({ time: v.getUint32(at, little) * 1000 + v.getUint32(at + 4, little) / unit, data: bytes.slice(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return { value: out, diagnostics: reporter.diagnostics };
}

export function writePcap(records: readonly PcapRecord[], linkType: number): Uint8Array {
  const total = records.reduce((n, r) => n + 16 + r.data.length, 24);
  const out = new Uint8Array(total);
  const v = new DataView(out.buffer);
  v.setUint32(0, MICRO, true);
  v.setUint16(4, 2, true);
  v.setUint16(6, 4, true);
  v.setUint32(16, MAX_RECORD, true);
  v.setUint32(20, linkType, true);
  let at = 24;
  for (const r of records) {
    v.setUint32(at, Math.floor(r.time / 1000), true);
    v.setUint32(at + 4, Math.round((r.time % 1000) * 1000), true);
    v.setUint32(at + 8, r.data.length, true);
    v.setUint32(at + 12, r.data.length, true);
    out.set(r.data, at + 16);
    at += 16 + r.data.length;
  }
  return out;
}
