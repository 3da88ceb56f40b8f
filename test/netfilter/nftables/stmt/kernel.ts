/** The tables of this folder on the kernel at hand: the same router in network namespaces, the same frames, what leaves it and what the kernel logs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { CaptureStream } from '../../../../src/lab/capture-stream.js';
import { completeChecksums } from '../../../../src/lab/complete.js';
import { GlobalSwitch } from '../../../../src/lab/global-switch.js';
import { hereDoc, kill, Shell } from '../../../../src/lab/shell.js';
import { type Came, frameOf, hexOf, type Incoming, MACS, SETUP, type StmtCase, SYSCTLS } from './cases.js';

/** What is missing to run them; null: nothing. */
export function lacking(): string | null {
  if (process.getuid?.() !== 0) return 'it needs root';
  const probe = spawnSync('unshare', [
    '-n',
    'sh',
    '-ec',
    "nft 'add table inet t'; ip -V; socat -V >/dev/null; tcpdump --version 2>/dev/null; dmesg >/dev/null",
  ]);
  return probe.status === 0 ? null : 'it needs network namespaces, nft, ip, socat, tcpdump and dmesg';
}

/** How often what left is looked for, and for how long where something is missing. */
const SETTLE_MS = 5;
const LONGEST_MS = 1000;
/** Where the kernel announces its groups. */
const MLD = '333300000016';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class KernelWorld {
  readonly #prefix = `nfsim-stmt${process.pid}`;
  readonly #r: Shell;
  readonly #far: Shell;
  readonly #captures: readonly (readonly [string, CaptureStream])[];
  readonly #senders: ReadonlyMap<string, ChildProcess>;
  readonly #logs: GlobalSwitch;

  private constructor() {
    for (const n of ['r', 'far']) spawnSync('ip', ['netns', 'add', `${this.#prefix}-${n}`]);
    this.#r = new Shell(`${this.#prefix}-r`);
    this.#far = new Shell(`${this.#prefix}-far`);
    for (const i of [0, 1]) {
      const end = ['netns', 'exec', `${this.#prefix}-r`, 'ip', 'link', 'add', `r${i}`, 'address', MACS[`r${i}`], 'type', 'veth', 'peer', 'name', `f${i}`];
      spawnSync('ip', [...end, 'address', MACS[`far${i}`], 'netns', `${this.#prefix}-far`]);
    }
    spawnSync('ip', [
      'netns',
      'exec',
      `${this.#prefix}-far`,
      'sh',
      '-c',
      'sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set f0 up arp off; ip link set f1 up arp off',
    ]);
    this.#captures = ['r0', 'r1'].map((dev) => [dev, new CaptureStream(`${this.#prefix}-far`, dev.replace('r', 'f'))] as const);
    const sender = (dev: string) =>
      spawn('ip', ['netns', 'exec', `${this.#prefix}-far`, 'socat', '-u', 'STDIN', `INTERFACE:${dev.replace('r', 'f')}`], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
    this.#senders = new Map(['r0', 'r1'].map((dev) => [dev, sender(dev)]));
    this.#logs = new GlobalSwitch([['/proc/sys/net/netfilter/nf_log_all_netns', '1']]);
  }

  static async make(): Promise<KernelWorld> {
    const w = new KernelWorld();
    await w.#do(w.#r, [
      `sysctl -qw ${SYSCTLS.join(' ')} net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 net.ipv4.tcp_synack_retries=0`,
      'sysctl -qw net.ipv6.conf.r0.router_solicitations=0 net.ipv6.conf.r1.router_solicitations=0',
      'sysctl -qw net.netfilter.nf_log.2=nf_log_ipv4 net.netfilter.nf_log.10=nf_log_ipv6',
      'ip link set lo up; ip link set r0 addrgenmode none up; ip link set r1 addrgenmode none up',
      ...SETUP.addresses.map((a) => `ip addr add ${a}`),
      ...SETUP.neighbours,
      '(for s in TCP4-LISTEN:22,fork TCP6-LISTEN:22,fork,ipv6only TCP4-LISTEN:50080,fork,ip-transparent TCP6-LISTEN:50080,fork,ipv6only,ip-transparent; do socat -u $s - >/dev/null 2>&1 & done); sleep 0.2',
    ]);
    await Promise.all(w.#captures.map(([, c]) => c.ready));
    return w;
  }

  async #do(shell: Shell, scripts: readonly string[]): Promise<void> {
    for (const s of scripts) {
      const { out, status } = await shell.run(s);
      if (status !== 0) throw new Error(`${s}: ${out}`);
    }
  }

  /** Loads the rules; how nft lists them. Throws where it refuses them. */
  async load(c: StmtCase): Promise<string> {
    await this.#do(this.#r, [hereDoc('nft -f -', `flush ruleset\n${c.nft}\n`), 'conntrack -F 2>/dev/null; true']);
    return (await this.#r.run('nft -a list ruleset')).out;
  }

  /** What the kernel does with each packet. */
  async run(c: StmtCase): Promise<readonly Came[]> {
    const out: Came[] = [];
    for (const p of c.packets) out.push(await this.#send(p, /\blog\b/.test(c.nft)));
    return out;
  }

  async #send(p: Incoming, logs: boolean): Promise<Came> {
    await pause(p.wait);
    const frame = frameOf(p);
    const sent = hexOf(frame);
    let entered = false;
    const mark = `nfsim-stmt ${process.hrtime.bigint()}`;
    for (const [, c] of this.#captures) c.take();
    if (logs) writeFileSync('/dev/kmsg', `${mark}\n`);
    this.#senders.get(p.dev)?.stdin?.write(frame);
    const frames: { dev: string; frame: Uint8Array; time: number }[] = [];
    const wanted = p.expected.filter((l) => l.startsWith('> ')).length;
    for (let waited = 0; waited < LONGEST_MS; waited += SETTLE_MS) {
      await pause(SETTLE_MS);
      const more = this.#captures.flatMap(([dev, c]) => c.take().map((f) => ({ dev, frame: completeChecksums(f.bytes), time: f.time })));
      for (const f of more) {
        // The capture has what goes in as well.
        if (!entered && f.dev === p.dev && hexOf(f.frame) === sent) entered = true;
        else if (!hexOf(f.frame).startsWith(MLD)) frames.push(f);
      }
      if (more.length === 0 && frames.length >= wanted && waited > SETTLE_MS) break;
    }
    return { frames: frames.sort((a, b) => a.time - b.time), log: logs ? logAfter(mark) : [], unsupported: null };
  }

  close(): void {
    this.#logs.restore();
    for (const s of this.#senders.values()) kill(s);
    for (const [, c] of this.#captures) c.close();
    this.#far.close();
    spawnSync('sh', ['-c', `ip netns pids ${this.#prefix}-r | xargs -r kill`]);
    this.#r.close();
    for (const n of ['r', 'far']) spawnSync('ip', ['netns', 'del', `${this.#prefix}-${n}`]);
  }
}

/** Lines of packets in the kernel log behind a mark. */
function logAfter(mark: string): readonly string[] {
  const lines = (spawnSync('dmesg', ['--notime'], { encoding: 'utf8', maxBuffer: 1 << 26 }).stdout ?? '').split('\n');
  const from = lines.findLastIndex((l) => l.includes(mark));
  return lines
    .slice(from + 1)
    .filter((l) => / ?IN=r?\d? OUT=/.test(l))
    .map((l) => l.trimEnd());
}
