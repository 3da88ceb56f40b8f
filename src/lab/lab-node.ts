/** A node of a scenario as a network namespace: built with the real tools, fed a frame at a time, observed whole. */
import { execFileSync } from 'node:child_process';
import { formatAddr } from '../base/addr.js';
import { writeEbtablesSave } from '../formats/ebtables-save.js';
import { writeIpsetSave } from '../formats/ipset-save.js';
import { writeIptablesSave } from '../formats/iptables-save.js';
import type { CorpusSocket, CorpusState, TracePoint } from '../harness/conformance/corpus.js';
import { deviceOf } from '../link/device.js';
import type { EbtRuleset } from '../netfilter/ebtables/model.js';
import type { NftTable } from '../netfilter/nftables/model.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { Application, NodeState } from '../scenario/model.js';
import { nativeTables } from '../stack/nft-native.js';
import { SocketAgent } from './agent.js';
import { same } from './bench.js';
import { CaptureStream } from './capture-stream.js';
import { type FarEnds, isNetdevRecord, loggedFrame, loggingTable } from './far-ends.js';
import { readLogRecord, tracePointOf } from './nflog.js';
import { nftText, TRACING_TABLE } from './nft-load.js';
import { ListedRules, NftPoints, NftTraceStream } from './nft-trace-stream.js';
import { addLink, bridgeCommands, conntrackCommands, familyLines, isWired, linkLines, namespaceSettings, UNHURRIED_NEIGHBOURS } from './node-setup.js';
import type { Backend } from './node-state.js';
import { hereDoc, Shell } from './shell.js';

const WAIT_MS = 2000;
const PORT_TRIES = 100;
/** Without a wire nothing can be sent to mark the end of the log. */
const QUIET_MS = 80;

export interface NodeOptions {
  readonly backend: Backend;
  readonly ipv6: boolean;
  /** It sends or receives by sockets of its own. */
  readonly sockets: boolean;
}

const RAW_TABLE = '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n';

/** The tools or the kernel did not take what the node is to be. */
export class NotBuilt extends Error {}

export class LabNode {
  readonly shell: Shell;
  readonly agent: SocketAgent | null;
  readonly log: CaptureStream;
  /** Of the nft backend, whose traces are not logged. */
  readonly #nft: NftTraceStream | null;
  readonly #points = new NftPoints();
  #listed = new ListedRules({});
  readonly sockets: readonly CorpusSocket[];
  #names = new Map<number, string>();
  readonly #wires: readonly string[];

  constructor(
    readonly state: NodeState,
    readonly netns: string,
    readonly far: FarEnds,
    readonly o: NodeOptions,
  ) {
    this.shell = new Shell(netns);
    this.agent = o.sockets ? new SocketAgent(netns) : null;
    this.#wires = state.links.filter(isWired).map((l) => l.name);
    try {
      this.#devices();
    } catch (e) {
      this.shell.close();
      this.agent?.close();
      throw e;
    }
    this.log = new CaptureStream(netns, 'nflog:0');
    this.#nft = o.backend === 'nft' ? new NftTraceStream(netns) : null;
    this.sockets = state.sockets.map((s, i) => ({ id: `srv${i}`, proto: s.proto, addr: formatAddr(s.addr), port: s.port }));
  }

  get name(): string {
    return this.state.name;
  }

  /** Wires first, since a tunnel may name one; numbers are the scenario's. */
  #devices(): void {
    this.#run(['sh', '-c', namespaceSettings(this.o.ipv6)]);
    for (const l of this.state.links) if (isWired(l)) this.far.wire(this.name, l.name, this.netns, l.ifindex, deviceOf(l).carrier);
    for (const l of this.state.links) if (!isWired(l) && l.linkType !== 'loopback') this.#run(['ip', ...(addLink(l) ?? [])]);
    this.#run(['ip', '-batch', '-'], linkLines(this.state).join('\n'));
    this.#run(['sh', '-c', UNHURRIED_NEIGHBOURS]);
    if (this.#wires.length > 0) this.#run(['nft', '-f', '-'], loggingTable(this.#wires, this.o.backend === 'nft'));
  }

  #run(command: readonly string[], input = ''): void {
    try {
      execFileSync('ip', ['netns', 'exec', this.netns, ...command], { input, stdio: ['pipe', 'ignore', 'pipe'] });
    } catch (e) {
      throw new NotBuilt(`${this.name}: ${command.join(' ')}: ${(e as { stderr?: Buffer }).stderr?.toString().trim() ?? ''}`);
    }
  }

  async open(): Promise<void> {
    const { state: n, o } = this;
    const kind = o.backend === 'nft' ? 'nft' : 'legacy';
    const tools = ['iptables', 'ip6tables'].flatMap((t) => ['', '-save', '-restore'].map((s) => `alias ${t}${s}=${t}-${kind}${s}`));
    await this.shell.run([...tools, ...['', '-save', '-restore'].map((s) => `alias ebtables${s}=ebtables-nft${s}`)].join('\n'));
    await this.shell.run(n.sysctls.map((c) => `[ -e '/proc/sys/${c.name}' ] && echo '${c.value}' > '/proc/sys/${c.name}'`).join('\n'));
    const commands = [
      hereDoc('ip -force -batch -', familyLines(n, 'ipv4').join('\n')),
      ...(o.ipv6 ? [hereDoc('ip -6 -force -batch -', familyLines(n, 'ipv6').join('\n'))] : []),
      ...bridgeCommands(n),
    ];
    await this.#must(commands.join('\n'));
    if (n.sets.length > 0) await this.#must(hereDoc('ipset restore', writeIpsetSave(n.sets)));
    const native = nativeTables(n);
    await this.#native(native.early);
    const tables: readonly (readonly [string, XtRuleset | null])[] = [
      [`iptables-${kind}-restore`, o.backend === 'nft' ? (n.iptablesNft ?? n.iptables) : n.iptables],
      [`ip6tables-${kind}-restore`, o.ipv6 ? (o.backend === 'nft' ? (n.ip6tablesNft ?? n.ip6tables) : n.ip6tables) : null],
    ];
    for (const [tool, rules] of tables) {
      if (rules) await this.#must(hereDoc(tool, writeIptablesSave(rules)));
      // A chain that iptables-nft makes of itself has no counters, and nothing that is printed says so: the table of the TRACE rules is restored.
      if (
        o.backend === 'nft' &&
        native.early.length + native.late.length === 0 &&
        !rules?.tables.some((t) => t.name === 'raw') &&
        (o.ipv6 || tool.startsWith('iptables'))
      )
        await this.#must(hereDoc(`${tool} --noflush`, RAW_TABLE));
    }
    if (n.ebtables) await this.#must(hereDoc('ebtables-nft-restore', writeEbtablesSave(n.ebtables as EbtRuleset)));
    await this.#native(native.late);
    if (n.conntrack) for (const c of conntrackCommands(n.conntrack)) await this.#must(`${c} >/dev/null 2>&1 || ${c}`);
    await this.#portsOpen();
    await this.#listen();
    await this.log.ready;
    await this.names();
    for (let tries = 0; tries < 10 && !(await this.barrier(300)); tries++);
  }

  /** Tables of nft itself. */
  async #native(tables: readonly NftTable[]): Promise<void> {
    if (tables.length > 0) await this.#must(hereDoc('nft -f -', nftText(tables)));
  }

  /** A bridge hears of the carriers of its ports later than they have them (linkwatch, once a second); until then a port is disabled. */
  async #portsOpen(): Promise<void> {
    const ports = this.state.links
      .filter((l) => l.master !== null && deviceOf(l).up && deviceOf(l).carrier && ['undefined', 'forwarding', '3'].includes(String(l.slaveData.state)))
      .map((l) => l.name);
    for (let tries = 0; ports.length > 0 && tries < PORT_TRIES; tries++) {
      const { out } = await this.shell.run('bridge link show');
      const disabled = out.split('\n').flatMap((l) => (/ state disabled\b/.test(l) ? [/^\d+: ([^:@]+)/.exec(l)?.[1] ?? ''] : []));
      if (!ports.some((p) => disabled.includes(p))) return;
      await new Promise((r) => setTimeout(r, 20));
    }
  }

  async #listen(): Promise<void> {
    if (!this.agent) return;
    await this.agent.ready;
    const failed = await this.agent.ask<string | null | { error: string }>({ op: 'listen', sockets: this.sockets });
    if (failed !== null) throw new NotBuilt(`${this.name}: ${typeof failed === 'string' ? failed : failed.error}`);
  }

  /** Runs it; a word of complaint or a status ends the lab. */
  async #must(script: string): Promise<void> {
    const { out, status } = await this.shell.run(script);
    if (status !== 0 || /Error|RTNETLINK|Command failed/.test(out)) throw new NotBuilt(`${this.name}: ${out.trim().split('\n')[0] ?? script}`);
  }

  /** What a generator wrote. Returns what the tool said when it failed, else null. */
  async apply(a: Application): Promise<string | null> {
    const kind = this.o.backend === 'nft' ? 'nft' : 'legacy';
    const text = a.text ?? '';
    const noflush = a.noflush ? ' --noflush' : '';
    const tool = {
      iptables_restore: `iptables-${kind}-restore${noflush}`,
      ip6tables_restore: `ip6tables-${kind}-restore${noflush}`,
      ipset_restore: 'ipset restore',
      nft: 'nft -f -',
    };
    const { out, status } = a.tool === 'commands' ? await this.shell.run(`(set -e\n${text}\n)`) : await this.shell.run(hereDoc(tool[a.tool], text));
    return status === 0 ? null : out.trim();
  }

  /** Names of devices as they are now. */
  async names(): Promise<void> {
    const { out } = await this.shell.run('ip -j link');
    this.#names = new Map((JSON.parse(out) as { ifindex: number; ifname: string }[]).map((l) => [l.ifindex, l.ifname]));
  }

  /** A frame arrives at a device; false when the device did not take it. */
  async arrive(dev: string, frame: Uint8Array): Promise<boolean> {
    const seen = this.log.next((r) => isNetdevRecord(r.bytes) && same(loggedFrame(r.bytes).bytes, frame), WAIT_MS);
    this.far.write(this.name, dev, frame);
    return seen;
  }

  /** Resolves when the node has dealt with all that came before, and all that it logged or emitted has been read. */
  async barrier(wait = WAIT_MS): Promise<boolean> {
    const marks = this.#wires.filter((d) => this.state.links.find((l) => l.name === d)?.flags.includes('UP')).slice(0, 1);
    if (marks.length === 0) await new Promise((r) => setTimeout(r, QUIET_MS));
    const seen = marks.map((d) => {
      const frame = this.far.marker();
      const there = [this.log.next((r) => isNetdevRecord(r.bytes) && same(loggedFrame(r.bytes).bytes, frame), wait)];
      if (this.#nft) there.push(this.#nft.seen(frame, wait));
      this.far.write(this.name, d, frame);
      return Promise.all(there).then((all) => all.every((x) => x));
    });
    const all = (await Promise.all(seen)).every((s) => s);
    return (await this.far.barrier(wait)) && all;
  }

  /** Which number each rule has, and whose its table is. */
  learnRules(s: CorpusState): void {
    this.#listed = new ListedRules({ nft: s.nft_ruleset, iptables: s.iptables_save, ip6tables: s.ip6tables_save, ebtables: s.ebtables_save });
  }

  /** Its rules of nft itself; null: it has none. */
  get native(): ListedRules | null {
    return this.state.nftRuleset?.some((t) => t.name === TRACING_TABLE) ? this.#listed : null;
  }

  /** Trace points since the last call. */
  takeTrace(): TracePoint[] {
    const out: TracePoint[] = [];
    this.#points.begin();
    for (const e of this.#nft?.take() ?? []) {
      const t = this.#points.point(e, this.#names, this.#listed);
      if (t) out.push(t);
    }
    for (const r of this.log.take()) {
      if (isNetdevRecord(r.bytes)) continue;
      const t = tracePointOf(readLogRecord(r.bytes), this.#names);
      if (t) out.push(t);
    }
    return out;
  }

  close(): void {
    this.#nft?.close();
    this.log.close();
    this.agent?.close();
    this.shell.close();
  }
}
