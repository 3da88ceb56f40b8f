/**
 * The far ends of all wires of a lab, in one namespace: the lab is the wire. What a node emits is logged at the far end (nft netdev, nfnetlink_log), whole and in
 * one order over all wires, and dies there; what a node is to receive is written to the far end as a frame. So a node is asked about one frame at a time, and
 * all that it does meanwhile belongs to that frame.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { isMarkerFrame, MARKER_FRAME, same } from './bench.js';
import { CaptureStream } from './capture-stream.js';
import { completeChecksums } from './complete.js';
import { MARKER_ETHERTYPE } from './drops.js';
import { readLogRecord } from './nflog.js';
import { LAB_PRIORITY, LAB_TABLE } from './nft-load.js';
import { kill } from './shell.js';

const WAIT_MS = 2000;
const NFPROTO_NETDEV = 5;

/** A device of a node that has a wire. */
export interface WireDevice {
  readonly node: string;
  readonly dev: string;
  readonly farMac: string;
}

export interface FarFrame extends WireDevice {
  readonly bytes: Uint8Array;
}

export const isNetdevRecord = (b: Uint8Array): boolean => b[0] === NFPROTO_NETDEV;

/** The whole frame of a record that was logged at ingress: its link header stands apart from the rest. */
export function loggedFrame(b: Uint8Array): { readonly dev: number; readonly bytes: Uint8Array } {
  const r = readLogRecord(b);
  const bytes = new Uint8Array(r.header.length + r.payload.length);
  bytes.set(r.header);
  bytes.set(r.payload, r.header.length);
  return { dev: r.in, bytes };
}

/** A chain for each device that logs what arrives, and lets marker frames end there; `tracing`: they are traced, too. Text for `nft -f -`. */
export function loggingTable(devices: readonly string[], tracing = false): string {
  const chain = (d: string, i: number): string =>
    `chain i${i} {\ntype filter hook ingress device "${d}" priority ${LAB_PRIORITY};\nlog group 0 queue-threshold 1\nether type 0x${MARKER_ETHERTYPE.toString(16)} ${tracing ? 'meta nftrace set 1 ' : ''}drop\n}\n`;
  return `table netdev ${LAB_TABLE} {\n${devices.map(chain).join('')}}\n`;
}

export class FarEnds {
  readonly devices: WireDevice[] = [];
  readonly #injectors = new Map<string, ChildProcess>();
  readonly #byIndex = new Map<number, WireDevice>();
  #log!: CaptureStream;
  readonly #frames: FarFrame[] = [];
  #markers = 0;

  constructor(readonly netns: string) {}

  /** A veth pair; `ifindex` of the node's end. */
  wire(node: string, dev: string, netns: string, ifindex: number, carrier: boolean): void {
    const i = this.devices.length;
    const farMac = `02:fe:00:00:${hex2(i >> 8)}:${hex2((i & 255) + 1)}`;
    const far = `name f${i} netns ${this.netns} address ${farMac}`;
    run(['link', 'add', dev, 'netns', netns, 'index', String(ifindex), 'type', 'veth', 'peer', ...far.split(' ')]);
    run(['-n', this.netns, 'link', 'set', `f${i}`, 'mtu', '9000', ...(carrier ? ['up'] : [])]);
    this.devices.push({ node, dev, farMac });
  }

  async open(): Promise<void> {
    // Reserved groups as well end at the disabled ports of the sink.
    const markers = 'link add m0 type veth peer name m1\nlink set m0 up\nlink set m1 up\nlink add sink type bridge group_fwd_mask 65528\n';
    run(['-n', this.netns, '-batch', '-'], markers + this.devices.map((_, i) => `link set f${i} master sink\n`).join(''));
    const links = JSON.parse(execFileSync('ip', ['-n', this.netns, '-j', 'link'], { encoding: 'utf8' })) as { ifindex: number; ifname: string }[];
    for (const l of links) if (/^f\d+$/.test(l.ifname)) this.#byIndex.set(l.ifindex, this.devices[Number(l.ifname.slice(1))]);
    const input = loggingTable(['m1', ...this.devices.map((_, i) => `f${i}`)]);
    execFileSync('ip', ['netns', 'exec', this.netns, 'nft', '-f', '-'], { input, stdio: ['pipe', 'ignore', 'pipe'] });
    this.#log = new CaptureStream(this.netns, 'nflog:0');
    await this.#log.ready;
    for (let tries = 0; tries < 20 && !(await this.barrier(200)); tries++);
  }

  /** Writes a frame to the far end of a device of a node. */
  write(node: string, dev: string, bytes: Uint8Array): void {
    const i = this.devices.findIndex((d) => d.node === node && d.dev === dev);
    if (i >= 0) this.#injector(`f${i}`).stdin?.write(bytes);
  }

  marker(): Uint8Array {
    const frame = Buffer.from(MARKER_FRAME);
    frame.writeUInt32BE(++this.#markers, 20);
    return frame;
  }

  #injector(dev: string): ChildProcess {
    let c = this.#injectors.get(dev);
    if (!c) {
      const args = ['netns', 'exec', this.netns, 'socat', '-b', '65536', 'STDIN!!/dev/null', `INTERFACE:${dev}`];
      c = spawn('ip', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      c.stdin?.on('error', () => {});
      this.#injectors.set(dev, c);
    }
    return c;
  }

  /** Resolves when all that was emitted before the call has been logged. */
  barrier(wait = WAIT_MS): Promise<boolean> {
    const frame = this.marker();
    const seen = this.#log.next((r) => isNetdevRecord(r.bytes) && same(loggedFrame(r.bytes).bytes, frame), wait);
    this.#injector('m0').stdin?.write(frame);
    return seen;
  }

  /** What the nodes have emitted since the last call, checksums completed. */
  take(): FarFrame[] {
    this.#read();
    return this.#frames.splice(0);
  }

  /** Has the node emitted anything that nobody has taken? */
  heard(node: string): boolean {
    this.#read();
    return this.#frames.some((f) => f.node === node);
  }

  #read(): void {
    for (const r of this.#log?.take() ?? []) {
      if (!isNetdevRecord(r.bytes)) continue;
      const { dev, bytes } = loggedFrame(r.bytes);
      const d = this.#byIndex.get(dev);
      if (d && !isMarkerFrame(bytes)) this.#frames.push({ ...d, bytes: completeChecksums(bytes) });
    }
  }

  close(): void {
    for (const c of this.#injectors.values()) kill(c);
    this.#log?.close();
  }
}

const hex2 = (v: number): string => v.toString(16).padStart(2, '0');

function run(args: readonly string[], input = ''): void {
  try {
    execFileSync('ip', args, { input, stdio: ['pipe', 'ignore', 'pipe'] });
  } catch (e) {
    throw new Error(`ip ${args.join(' ')}: ${(e as { stderr?: Buffer }).stderr?.toString().trim() ?? ''}`);
  }
}
