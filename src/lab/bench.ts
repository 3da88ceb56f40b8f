/**
 * A node under test as a network namespace, its far ends in a second one: built once, used for many cases. All that observes runs as long as the bench does:
 * a capture per wire, one of the namespace's own packet log, a shell and a socket process inside, an injector per wire.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { CorpusLink } from '../harness/conformance/corpus.js';
import { ETH_P_IPV6 } from '../packet/skb.js';
import { SocketAgent } from './agent.js';
import { CaptureStream } from './capture-stream.js';
import { DropEvents, MARKER_ETHERTYPE, PROTOCOLS } from './drops.js';
import { FAR_UID } from './nflog.js';
import { LAB_PRIORITY, LAB_TABLE } from './nft-load.js';
import { NftTraceStream } from './nft-trace-stream.js';
import { namespaceSettings, UNHURRIED_NEIGHBOURS } from './node-setup.js';
import type { Backend } from './node-state.js';
import { kill, Shell } from './shell.js';

export const PREFIX = 'nfsim-';
export const MARKER_FRAME = Buffer.alloc(60);
MARKER_FRAME.set([0x02, 0x88, 0xb5, 0, 0, 1, 0x02, 0x88, 0xb5, 0, 0, 2, MARKER_ETHERTYPE >> 8, MARKER_ETHERTYPE & 255]);
const WAIT_MS = 1500;
const QUIET_MS = 30;

/** Settings of every node that are not of the case (SCORING.md, section 6 and R7). */
const CONSTANT_SYSCTLS: readonly (readonly [string, string])[] = [
  ['net/ipv4/icmp_ratelimit', '0'],
  ['net/ipv4/conf/all/igmpv3_unsolicited_report_interval', '1'],
  ['net/ipv4/conf/default/igmpv3_unsolicited_report_interval', '1'],
  ['net/ipv4/icmp_msgs_per_sec', '100000'],
  ['net/ipv4/icmp_msgs_burst', '10000'],
  ['net/ipv6/icmp/ratelimit', '0'],
  ['net/ipv4/tcp_timestamps', '0'],
  ['net/ipv4/tcp_ecn', '0'],
  // No time passes in a case: nothing is to be sent again while the machine is busy.
  ['net/ipv4/tcp_rto_min_us', '5000000'],
  ['net/netfilter/nf_log/2', 'nfnetlink_log'],
  ['net/netfilter/nf_log/10', 'nfnetlink_log'],
];

let benches = 0;

export class Bench {
  readonly node: string;
  readonly far: string;
  shell!: Shell;
  agent!: SocketAgent;
  drops!: DropEvents;
  log!: CaptureStream;
  /** Of iptables-nft, whose traces are not logged. */
  nft: NftTraceStream | null = null;
  readonly captures = new Map<string, CaptureStream>();
  readonly #injectors = new Map<string, ChildProcess>();
  readonly names = new Map<number, string>();
  #markers = 0;

  /** Once a rule of policy routing has been there, a namespace never looks up as one that had none (fib_has_custom_rules). */
  hadPolicyRules = false;
  /** A case had addresses and rules of IPv4 beside those of IPv6. */
  hadBoth = false;

  /** A case had rules of nft itself. */
  hadNft = false;

  /** Devices that a case made besides the wires, and whether it had rules of ebtables: taken away before the next. */
  readonly madeDevices: string[] = [];
  hadEbtables = false;

  /** What each setting that a case changed was before the first such case. */
  readonly originalSysctls = new Map<string, string>();

  constructor(
    readonly links: readonly CorpusLink[],
    readonly backend: Backend = 'legacy',
    readonly ipv6 = false,
  ) {
    const id = `${PREFIX}${process.pid}-${benches++}`;
    this.node = `${id}n`;
    this.far = `${id}w`;
    live.add(this);
  }

  async open(): Promise<void> {
    for (const ns of [this.node, this.far]) run('ip', ['netns', 'add', ns]);
    const off = 'for f in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done';
    run('ip', ['netns', 'exec', this.far, 'sh', '-c', off]);
    run('ip', ['netns', 'exec', this.node, 'sh', '-c', this.ipv6 ? namespaceSettings(true) : off]);
    const wires = this.links.map(
      (l, i) =>
        `link add ${l.name} netns ${this.node} index ${i + 2} address ${l.mac} type veth peer name f${i} netns ${this.far} address ${l.far_mac} index ${1000 + i}`,
    );
    run('ip', ['-batch', '-'], wires.join('\n'));
    const sink = [
      // Reserved groups as well end at its disabled ports, instead of going up.
      'link add sink type bridge group_fwd_mask 65528',
      ...this.links.flatMap((l, i) => [`link set f${i} master sink`, `link set f${i} mtu 9000`, ...(l.up ? [`link set f${i} up`] : [])]),
    ];
    run('ip', ['-n', this.far, '-batch', '-'], sink.join('\n'));
    run('ip', ['-n', this.node, '-batch', '-'], ['link set lo up', ...this.links.map((l) => `link set ${l.name} up`)].join('\n'));
    // A frame of ours at a device of the node shows that all before it has been dealt with: it is logged or traced like our packets, and goes no further.
    const traced = this.backend === 'nft' ? 'meta nftrace set 1 ' : '';
    const chains = this.links.map(
      (l, i) =>
        `chain i${i} {\ntype filter hook ingress device "${l.name}" priority ${LAB_PRIORITY};\nether type 0x${MARKER_ETHERTYPE.toString(16)} log group 0 queue-threshold 1 ${traced}drop\n}\n`,
    );
    run('ip', ['netns', 'exec', this.node, 'nft', '-f', '-'], `table netdev ${LAB_TABLE} {\n${chains.join('')}}\n`);
    this.shell = new Shell(this.node);
    const tools = ['', '6'].flatMap((v) => ['', '-save', '-restore'].map((s) => `alias ip${v}tables${s}=ip${v}tables-${this.backend}${s}`));
    await this.shell.run(tools.join('\n'));
    await this.shell.run(CONSTANT_SYSCTLS.map(([k, v]) => `[ -e /proc/sys/${k} ] && echo ${v} > /proc/sys/${k}`).join('; '));
    this.agent = new SocketAgent(this.node);
    this.log = new CaptureStream(this.node, 'nflog:0');
    if (this.backend === 'nft') this.nft = new NftTraceStream(this.node);
    for (const [i, l] of this.links.entries()) {
      this.names.set(i + 2, l.name);
      if (!l.up) continue;
      this.captures.set(l.name, new CaptureStream(this.far, `f${i}`));
      const far = ['setpriv', `--reuid=${FAR_UID}`, '--inh-caps=+net_raw', '--ambient-caps=+net_raw'];
      const args = ['netns', 'exec', this.far, ...far, 'socat', '-b', '65536', 'STDIN!!/dev/null', `INTERFACE:f${i}`];
      const child = spawn('ip', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      child.stdin.on('error', () => {});
      this.#injectors.set(l.name, child);
    }
    if (this.ipv6) await this.shell.run(UNHURRIED_NEIGHBOURS);
    const senders = [this.agent.pid, ...[...this.#injectors.values()].map((c) => c.pid ?? 0)];
    this.drops = new DropEvents(this.node, this.ipv6 ? [...PROTOCOLS, ETH_P_IPV6] : PROTOCOLS, new Set(senders));
    this.names.set(1, 'lo');
    await Promise.all([this.agent.ready, this.log.ready, ...[...this.captures.values()].map((c) => c.ready)]);
    await this.shell.run('true');
    for (let tries = 0; tries < 20 && !(await this.barrier(200)); tries++);
  }

  /** Sends a frame to a device of the node; resolves when it is on the wire. */
  async inject(dev: string, frame: Uint8Array): Promise<boolean> {
    const seen = this.captures.get(dev)?.next((f) => same(f.bytes, frame), WAIT_MS);
    this.#injectors.get(dev)?.stdin?.write(frame);
    return (await seen) ?? false;
  }

  /** Resolves when everything that left the node or was logged before the call has been captured. */
  async barrier(wait = WAIT_MS): Promise<boolean> {
    const frame = Buffer.from(MARKER_FRAME);
    frame.writeUInt32BE(++this.#markers, 20);
    const seen = [...this.captures.values()].map((c) => c.next((f) => same(f.bytes, frame), wait));
    let logged = 0;
    const all = this.captures.size;
    seen.push(this.log.next((f) => isMarkerLog(f.bytes) && ++logged === all, wait));
    if (this.nft) seen.push(this.nft.seen(frame, wait));
    for (const c of this.#injectors.values()) c.stdin?.write(frame);
    return (await Promise.all(seen)).every((s) => s);
  }

  /** Resolves when the node sends nothing by itself any more: listeners report their groups after a random time, and more than once. */
  async quiet(): Promise<void> {
    for (let tries = 0, heard = true; heard && tries < 20; tries++) {
      await new Promise((r) => setTimeout(r, QUIET_MS));
      heard = [...this.captures.values()].some((c) => c.take().length > 0);
    }
  }

  close(): void {
    live.delete(this);
    for (const c of this.captures.values()) c.close();
    for (const c of this.#injectors.values()) kill(c);
    this.log?.close();
    this.nft?.close();
    this.agent?.close();
    this.shell?.close();
    this.drops?.close();
    for (const ns of [this.node, this.far]) {
      try {
        execFileSync('ip', ['netns', 'del', ns], { stdio: 'ignore' });
      } catch {
        // It had not been made.
      }
    }
  }
}

const live = new Set<Bench>();

/** Ends all benches of this process: for exit and signals. */
export function closeAll(): void {
  for (const b of [...live]) b.close();
}

export const isMarkerFrame = (b: Uint8Array): boolean => b.length >= 14 && ((b[12] << 8) | b[13]) === MARKER_ETHERTYPE;
const NFPROTO_NETDEV = 5;
export const isMarkerLog = (b: Uint8Array): boolean => b[0] === NFPROTO_NETDEV;

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

function run(file: string, args: readonly string[], input = ''): void {
  try {
    execFileSync(file, args, { input, stdio: ['pipe', 'ignore', 'pipe'] });
  } catch (e) {
    const said = (e as { stderr?: Buffer }).stderr?.toString().trim() ?? '';
    throw new Error(`${file} ${args.join(' ')}: ${said}`);
  }
}
