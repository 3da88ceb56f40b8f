/** The tables of this folder on the kernel at hand: the same router in network namespaces, the same frames, and which counters moved. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Shell } from '../../../../src/lab/shell.js';
import { type ExprTable, frameOf, MACS, type Matches, nftText, type Row, sending } from './tables.js';

/** What is missing to run them; null: nothing. */
export function lacking(): string | null {
  if (process.getuid?.() !== 0) return 'it needs root';
  const probe = spawnSync('unshare', [
    '-n',
    'sh',
    '-ec',
    "nft 'add table inet t; add chain inet t c { type filter hook prerouting priority 0; }'; ip -V; socat -V >/dev/null",
  ]);
  return probe.status === 0 ? null : 'it needs network namespaces, nft, ip and socat';
}

interface NftJson {
  readonly nftables: readonly { readonly rule?: { readonly expr: readonly { readonly counter?: { readonly packets: number } }[] } }[];
}

export class KernelWorld {
  readonly #prefix = `nfsim-expr${process.pid}`;
  readonly #r: Shell;
  readonly #a: Shell;
  readonly #file = join(tmpdir(), `${this.#prefix}.nft`);

  private constructor() {
    for (const n of ['a', 'b', 'r']) spawnSync('ip', ['netns', 'add', `${this.#prefix}-${n}`]);
    this.#r = new Shell(`${this.#prefix}-r`);
    this.#a = new Shell(`${this.#prefix}-a`);
  }

  /** What is written to it leaves by a0, a frame a time. */
  #socat: ChildProcess | null = null;
  get #wire(): ChildProcess {
    this.#socat ??= spawn('ip', ['netns', 'exec', `${this.#prefix}-a`, 'socat', '-u', 'STDIN', 'INTERFACE:a0'], { stdio: ['pipe', 'ignore', 'ignore'] });
    return this.#socat;
  }

  static async make(bridge: boolean): Promise<KernelWorld> {
    const w = new KernelWorld();
    const p = w.#prefix;
    const addresses = bridge
      ? ['ip addr add 10.1.0.1/24 dev br0', `ip neigh add 10.1.0.2 dev br0 lladdr ${MACS.a} nud permanent`]
      : [
          'ip addr add 10.1.0.1/24 dev r0; ip addr add 10.2.0.1/24 dev r1',
          'ip addr add 2001:db8:1::1/64 dev r0 nodad; ip addr add 2001:db8:2::1/64 dev r1 nodad',
          `ip neigh add 10.1.0.2 dev r0 lladdr ${MACS.a} nud permanent; ip neigh add 10.2.0.2 dev r1 lladdr ${MACS.b} nud permanent`,
          `ip neigh add 2001:db8:1::2 dev r0 lladdr ${MACS.a} nud permanent; ip neigh add 2001:db8:2::2 dev r1 lladdr ${MACS.b} nud permanent`,
        ];
    await w.#do(w.#r, [
      'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0',
      'sysctl -qw net.netfilter.nf_conntrack_acct=1 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0',
      `ip link add r0 address ${MACS.r0} type veth peer name a0 address ${MACS.a} netns ${p}-a`,
      `ip link add r1 address ${MACS.r1} type veth peer name b0 address ${MACS.b} netns ${p}-b`,
      ...(bridge
        ? [`ip link add br0 address ${MACS.r0} type bridge mcast_snooping 0`, 'ip link set r0 master br0; ip link set r1 master br0; ip link set br0 up']
        : []),
      'ip link set lo up; ip link set r0 up; ip link set r1 up',
      ...addresses,
    ]);
    await w.#do(w.#a, ['sysctl -qw net.ipv6.conf.all.disable_ipv6=1', 'ip link set a0 up']);
    spawnSync('ip', ['netns', 'exec', `${p}-b`, 'sh', '-c', 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set b0 up']);
    return w;
  }

  async #do(shell: Shell, scripts: readonly string[]): Promise<void> {
    for (const s of scripts) {
      const { out, status } = await shell.run(s);
      if (status !== 0) throw new Error(`${s}: ${out}`);
    }
  }

  /** Loads the rules; what nft says where it refuses. */
  async load(t: ExprTable, rows: readonly Row[]): Promise<string | null> {
    writeFileSync(this.#file, `flush ruleset\n${nftText(t, rows)}`);
    const { out, status } = await this.#r.run(`nft -f ${this.#file}`);
    return status === 0 ? null : out;
  }

  /** `nft -a list ruleset` of what is loaded. */
  async listing(): Promise<string> {
    return (await this.#r.run('nft -a list ruleset')).out;
  }

  /** The rules that each packet of the table moves; they are loaded. */
  async matches(t: ExprTable, rows: readonly Row[]): Promise<Matches> {
    const out = new Map<Row, string[]>(rows.map((r) => [r, []]));
    await this.#do(this.#r, [
      'conntrack -F 2>/dev/null; pids=; for s in UDP4-RECV:53 UDP6-RECV:53,ipv6only TCP4-LISTEN:22,fork TCP6-LISTEN:22,fork,ipv6only; do socat -u $s - >/dev/null 2>&1 & pids="$pids $!"; done; for i in $(seq 100); do [ $(ss -Hlnut | wc -l) -ge 4 ] && break; sleep 0.02; done',
    ]);
    let before = await this.#counters(t);
    for (const [name, text] of t.packets) {
      const s = sending(text);
      if (s) await this.#send(s);
      else await this.#receive(frameOf(text));
      const after = await this.#counters(t);
      rows.forEach((r, i) => {
        if (after[i] !== before[i]) out.get(r)?.push(name);
      });
      before = after;
    }
    // With the sockets goes what they would still send.
    await this.#r.run('kill $pids');
    return out;
  }

  /** The frame has passed the router's hooks when its sender has counted it. */
  async #receive(hex: string): Promise<void> {
    const counted = 'cat /sys/class/net/a0/statistics/tx_packets';
    const { out } = await this.#a.run(counted);
    this.#wire.stdin?.write(Buffer.from(hex, 'hex'));
    await this.#do(this.#a, [`for i in $(seq 200); do [ "$(${counted})" = ${out.trim()} ] || break; sleep 0.005; done`]);
  }

  /** By the router itself; an error of the system call is none of ours. */
  async #send(s: NonNullable<ReturnType<typeof sending>>): Promise<void> {
    const v6 = s.to.includes(':');
    const to = v6 ? `UDP6-DATAGRAM:[${s.to}]:${s.port}` : `UDP4-DATAGRAM:${s.to}:${s.port}`;
    await this.#r.run(`printf x | socat -u STDIN ${to},bind=:${s.sport},setsockopt-int=1:36:${s.mark},${v6 ? 'ipv6-tclass' : 'ip-tos'}=${s.tos},broadcast`);
  }

  async #counters(t: ExprTable): Promise<readonly number[]> {
    const { out } = await this.#r.run(`nft -j list chain ${t.family} t c`);
    const json = JSON.parse(out) as NftJson;
    return json.nftables.flatMap((x) => (x.rule ? [x.rule.expr.find((e) => e.counter)?.counter?.packets ?? -1] : []));
  }

  close(): void {
    this.#socat?.kill();
    this.#a.close();
    this.#r.close();
    for (const n of ['a', 'b', 'r']) spawnSync('ip', ['netns', 'del', `${this.#prefix}-${n}`]);
    spawnSync('rm', ['-f', this.#file]);
  }
}
