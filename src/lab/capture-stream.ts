/** A running `tcpdump -w -`: records of a capture as they come. Little-endian pcap with microseconds or nanoseconds, as the tool writes it on its own machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from './shell.js';
import { Watchers } from './watchers.js';

export interface CapturedFrame {
  /** Nanoseconds (microseconds of the packet log): for sorting over devices. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

export class CaptureStream {
  readonly #child: ChildProcess;
  #rest: Buffer = Buffer.alloc(0);
  #header = false;
  #frames: CapturedFrame[] = [];
  readonly #watchers = new Watchers<CapturedFrame>();
  /** Resolved when the capture runs (its file header has come). */
  readonly ready: Promise<void>;

  constructor(netns: string, device: string) {
    const args = [
      'netns',
      'exec',
      netns,
      'tcpdump',
      '-U',
      '--immediate-mode',
      '-n',
      '-s',
      '0',
      // A packet that meets hundreds of rules is logged as often before anybody reads.
      ...(device.startsWith('nflog') ? ['-B', '4096'] : ['--time-stamp-precision=nano']),
      '-i',
      device,
      '-w',
      '-',
      '-Z',
      'root',
    ];
    this.#child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.ready = new Promise((resolve, reject) => {
      let said = '';
      this.#child.stderr?.on('data', (d: Buffer) => {
        said += d.toString();
        if (said.includes('listening on')) resolve();
      });
      this.#child.on('exit', () => reject(new Error(`tcpdump -i ${device}: ${said.trim()}`)));
      this.#child.on('error', reject);
    });
    this.ready.catch(() => {});
    this.#child.stdout?.on('data', (d: Buffer) => this.#take(d));
  }

  #take(d: Buffer): void {
    let b = this.#rest.length > 0 ? Buffer.concat([this.#rest, d]) : d;
    if (!this.#header) {
      if (b.length < FILE_HEADER) {
        this.#rest = b;
        return;
      }
      this.#header = true;
      b = b.subarray(FILE_HEADER);
    }
    while (b.length >= RECORD_HEADER) {
      const n = b.readUInt32LE(8);
      if (b.length < RECORD_HEADER + n) break;
      this.#add({ time: b.readUInt32LE(0) * 1e9 + b.readUInt32LE(4), bytes: new Uint8Array(b.subarray(RECORD_HEADER, RECORD_HEADER + n)) });
      b = b.subarray(RECORD_HEADER + n);
    }
    this.#rest = Buffer.from(b);
  }

  #add(f: CapturedFrame): void {
    this.#frames.push(f);
    this.#watchers.came(f);
  }

  /** True when such a frame comes, false when none came in time. Frames that came before the call do not count. */
  next(when: (f: CapturedFrame) => boolean, milliseconds: number): Promise<boolean> {
    return this.#watchers.next(when, milliseconds);
  }

  /** All frames since the last call. */
  take(): CapturedFrame[] {
    return this.#frames.splice(0);
  }

  close(): void {
    kill(this.#child);
  }
}
