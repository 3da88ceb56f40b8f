/** `packets:`, `table:`, `expect:`: what is sent and what must become of it. */
import { type Addr, parseAddr } from '../base/addr.js';
import { parsePacketText } from '../packet/text.js';
import { readExpect } from './load-expect.js';
import { type NodeNames, nodeNamed, readDevice } from './load-names.js';
import { childFlag, childNumber, childText, didYouMean, type Loading, readCommands, resolvePath, sourceOf, textsOf } from './loading.js';
import type { Expectation, NodeState, PacketSpec, ScenarioPacket, SendOptions } from './model.js';
import { child, type Tree } from './tree.js';

export interface LoadedPackets {
  readonly packets: readonly ScenarioPacket[];
  readonly expect: readonly Expectation[];
}

export function loadPackets(l: Loading, root: Tree, nodes: readonly NodeState[]): LoadedPackets {
  const c: NodeNames = { l, nodes, names: new Set(nodes.map((n) => n.name)), changes: changesOf(root) };
  const packets: ScenarioPacket[] = [];
  const expect: Expectation[] = [];
  const seen = new Set<string>();
  const add = (p: ScenarioPacket | null, expected: Tree | undefined): void => {
    if (!p) return;
    if (seen.has(p.name)) l.errorAt('duplicate-name', `two packets are called “${p.name}”`, p.span, 'give each a name: of its own');
    seen.add(p.name);
    packets.push(p);
    if (expected) expect.push(...readExpect(c, p.name, expected));
  };
  const list = child(root, 'packets');
  if (list?.t === 'seq') {
    if (list.items.length === 0) l.errorAt('no-packets', 'the list of packets is empty', list.span);
    list.items.forEach((item, i) => {
      add(readPacket(c, item, i), child(item, 'expect'));
    });
  }
  const table = child(root, 'table');
  if (table?.t === 'seq') {
    if (table.items.length === 0) l.errorAt('table-empty', 'the table has no rows', table.span);
    table.items.forEach((item, i) => {
      for (const p of readRow(c, item, i)) add(p, child(item, 'expect'));
    });
  }
  expect.push(...readExpectByName(c, seen, child(root, 'expect')));
  return { packets, expect };
}

/** `expect:` beside the packets, or of a what-if: by packet name. */
function readExpectByName(c: NodeNames, packets: ReadonlySet<string>, tree: Tree | undefined): Expectation[] {
  const out: Expectation[] = [];
  if (tree?.t !== 'map') return out;
  for (const e of tree.entries) {
    if (!packets.has(e.key)) c.l.errorAt('unknown-packet', `there is no packet “${e.key}”`, e.keySpan, didYouMean(e.key, packets, 'packets'));
    else out.push(...readExpect(c, e.key, e.value));
  }
  return out;
}

/** `expect:` of one entry of `what_if:`, whose commands may bring chains into being. */
export function readWhatIfExpect(l: Loading, root: Tree, whatIf: Tree, nodes: readonly NodeState[], packets: readonly ScenarioPacket[]): Expectation[] {
  const changes = `${changesOf(root)}\n${textsUnder(child(whatIf, 'do')).join('\n')}`;
  const c: NodeNames = { l, nodes, names: new Set(nodes.map((n) => n.name)), changes };
  return readExpectByName(c, new Set(packets.map((p) => p.name)), child(whatIf, 'expect'));
}

function changesOf(root: Tree): string {
  const parts = [child(root, 'do'), child(root, 'apply'), ...textsOf(child(root, 'packets')).map((p) => child(p, 'do'))];
  return parts.flatMap(textsUnder).join('\n');
}

function textsUnder(t: Tree | undefined): string[] {
  if (t?.t === 'map') return t.entries.flatMap((e) => textsUnder(e.value));
  return t?.t === 'seq' ? t.items.flatMap(textsUnder) : [sourceOf(t)];
}

// --- one packet ---

const kinds = ['ping', 'udp', 'tcp', 'packet', 'frame', 'pcap'] as const;

function readPacket(c: NodeNames, tree: Tree, index: number): ScenarioPacket | null {
  const given = kinds.filter((k) => child(tree, k));
  if (given.length !== 1) {
    c.l.errorAt(
      'packet-kind',
      given.length === 0 ? 'this packet says neither what nor whereto' : `this packet is several things at once: ${given.join(', ')}`,
      tree.span,
      `exactly one of ${kinds.join(', ')}`,
    );
    return null;
  }
  const kind = given[0];
  const source = readSource(c, tree, kind);
  const spec = readSpec(c, tree, kind, source?.node ?? null);
  if (!source || !spec) return null;
  return {
    name: childText(tree, 'name') ?? `packet-${index + 1}`,
    description: childText(tree, 'description') ?? '',
    do: readCommands(c.l, child(tree, 'do'), c.names),
    count: childNumber(tree, 'count') ?? 1,
    source,
    spec,
    span: tree.span,
  };
}

function readSource(c: NodeNames, tree: Tree, kind: (typeof kinds)[number]): ScenarioPacket['source'] | null {
  const from = child(tree, 'from');
  const at = child(tree, 'at');
  if (from && at) {
    c.l.errorAt('packet-source', 'a packet is sent (from:) or arrives (at:), not both', at.span);
    return null;
  }
  if (at) return readDevice(c, at);
  const first = textsOf(from)[0];
  if (!from || !first) {
    c.l.errorAt(
      'packet-source',
      'it is not said who sends this packet',
      tree.span,
      kind === 'frame' || kind === 'pcap' ? 'at: NODE:DEVICE' : 'from: NODE, or at: NODE:DEVICE',
    );
    return null;
  }
  if (kind === 'frame' || kind === 'pcap') {
    c.l.errorAt('packet-source', `a ${kind} arrives at a device`, from.span, 'at: NODE:DEVICE');
    return null;
  }
  return nodeNamed(c, first) === null ? null : { kind: 'local', node: sourceOf(first) };
}

// --- what is sent ---

function readSpec(c: NodeNames, tree: Tree, kind: (typeof kinds)[number], node: string | null): PacketSpec | null {
  const value = child(tree, kind);
  if (!value) return null;
  switch (kind) {
    case 'ping':
      return readPing(c, value, node);
    case 'udp':
    case 'tcp':
      return readStream(c, value, kind, node);
    case 'packet':
      return readText(c, value);
    case 'frame':
      return readFrame(c, value);
    case 'pcap':
      return readCapture(c, value);
  }
}

/** An address, or the first address of a node (of the sender's family where it can be told). */
function target(c: NodeNames, tree: Tree, text: string): Addr | null {
  const a = parseAddr(text);
  if (a !== null) return a;
  const node = c.nodes.find((n) => n.name === text);
  const first = node?.addrs.find((x) => x.dev !== 'lo' && x.scope === 'global');
  if (first) return first.local;
  if (node) c.l.errorAt('node-without-address', `node “${text}” has no address to send to`, tree.span);
  else if (/^[\d.]+$|:/.test(text)) c.l.errorAt('bad-address', `“${text}” is not an IP address`, tree.span);
  else c.l.errorAt('unknown-node', `“${text}” is neither an address nor a node`, tree.span, didYouMean(text, c.names, 'nodes'));
  return null;
}

function sendOptions(c: NodeNames, tree: Tree, node: string | null): SendOptions | null {
  const src = child(tree, 'src');
  let bound: Addr | null = null;
  if (src) {
    bound = parseAddr(sourceOf(src));
    if (bound === null) {
      c.l.errorAt('bad-address', `“${sourceOf(src)}” is not an IP address`, src.span);
      return null;
    }
  }
  const dev = child(tree, 'dev');
  const links = c.nodes.find((n) => n.name === node)?.links.map((x) => x.name) ?? [];
  if (dev && node !== null && !links.includes(sourceOf(dev))) {
    c.l.errorAt('unknown-device', `node “${node}” has no device “${sourceOf(dev)}”`, dev.span, didYouMean(sourceOf(dev), links, 'devices'));
    return null;
  }
  return {
    src: bound,
    dev: dev ? sourceOf(dev) : null,
    ttl: childNumber(tree, 'ttl'),
    tos: childNumber(tree, 'tos') ?? 0,
    mark: childNumber(tree, 'mark') ?? 0,
    uid: childNumber(tree, 'uid') ?? 0,
  };
}

function readPing(c: NodeNames, tree: Tree, node: string | null): PacketSpec | null {
  const to = tree.t === 'map' ? child(tree, 'to') : tree;
  if (!to) return null;
  const addr = target(c, to, sourceOf(to));
  const options = sendOptions(c, tree, node);
  if (addr === null || !options) return null;
  return {
    kind: 'ping',
    to: addr,
    id: childNumber(tree, 'id'),
    seq: childNumber(tree, 'seq') ?? 1,
    size: childNumber(tree, 'size') ?? 56,
    df: childFlag(tree, 'df') ?? false,
    ...options,
  };
}

function readStream(c: NodeNames, tree: Tree, kind: 'udp' | 'tcp', node: string | null): PacketSpec | null {
  const to = tree.t === 'map' ? child(tree, 'to') : tree;
  if (!to) return null;
  const m = /^(?:\[([^\]]+)\]|([^:]*)|(.+)):(\d{1,5})$/.exec(sourceOf(to));
  if (!m || Number(m[4]) > 65535) {
    c.l.errorAt('bad-endpoint', `“${sourceOf(to)}” is no address and port`, to.span, '10.0.0.1:80, [2001:db8::1]:80 or NODE:80');
    return null;
  }
  const addr = target(c, to, m[1] ?? m[2] ?? m[3]);
  const options = sendOptions(c, tree, node);
  if (addr === null || !options) return null;
  const base = { to: addr, dport: Number(m[4]), sport: childNumber(tree, 'sport'), ...options };
  if (kind === 'tcp') return { kind: 'tcp', ...base, send: textsOf(child(tree, 'send')).map(sourceOf), close: childFlag(tree, 'close') ?? true };
  const hex = child(tree, 'payload_hex');
  const payload = hex ? readHex(c, hex) : new TextEncoder().encode(childText(tree, 'payload') ?? '');
  return payload === null ? null : { kind: 'udp', ...base, payload };
}

function readHex(c: NodeNames, tree: Tree): Uint8Array | null {
  const digits = sourceOf(tree).replace(/[\s:]+/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    c.l.errorAt('bad-hex', 'these are not hexadecimal bytes', tree.span, 'pairs of digits 0-9 a-f, blanks allowed; quote them if they are all decimal');
    return null;
  }
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** One packet in words (packet/text.ts); what is wrong with it is reported at its word. */
function readText(c: NodeNames, tree: Tree): PacketSpec | null {
  const text = sourceOf(tree);
  const quoted = /^["']/.test(c.l.line(tree.span.file, tree.span.line).slice(tree.span.column - 1)) ? 1 : 0;
  const { value, diagnostics } = parsePacketText(text, { file: tree.span.file, line: tree.span.line, column: tree.span.column + quoted });
  for (const d of diagnostics) c.l.report(d.severity, d.code, d.message, d.span ?? tree.span, d.hint);
  return value && { kind: 'text', text, bytes: value };
}

function readFrame(c: NodeNames, tree: Tree): PacketSpec | null {
  const bytes = readHex(c, tree);
  if (bytes === null) return null;
  if (bytes.length < 20) {
    c.l.errorAt('bad-hex', `a frame of ${bytes.length} bytes holds no packet`, tree.span);
    return null;
  }
  return { kind: 'frame', bytes };
}

function readCapture(c: NodeNames, tree: Tree): PacketSpec | null {
  const file = resolvePath(tree.span.file, sourceOf(tree));
  const bytes = c.l.files.readBytes?.(file) ?? null;
  if (bytes === null) {
    c.l.errorAt('file-not-found', `there is no capture file “${file}”`, tree.span, 'paths are relative to the file that names them');
    return null;
  }
  return { kind: 'pcap', file, bytes };
}

// --- table rows ---

function readRow(c: NodeNames, tree: Tree, index: number): ScenarioPacket[] {
  const froms = textsOf(child(tree, 'from'));
  const tos = textsOf(child(tree, 'to'));
  const protos = textsOf(child(tree, 'proto'));
  const single = froms.length * tos.length * Math.max(1, protos.length) === 1;
  const name = childText(tree, 'name');
  const out: ScenarioPacket[] = [];
  for (const from of froms)
    for (const to of tos)
      for (const proto of protos.length === 0 ? [null] : protos) {
        const spec = rowSpec(c, to, proto);
        if (!spec || nodeNamed(c, from) === null) continue;
        const what = `${sourceOf(from)} > ${sourceOf(to)}${proto ? ` ${sourceOf(proto)}` : ''}`;
        const full = name === null ? (single ? `row ${index + 1}: ${what}` : what) : single ? name : `${name} [${what}]`;
        out.push({ name: full, description: '', do: [], count: 1, source: { kind: 'local', node: sourceOf(from) }, spec, span: tree.span });
      }
  return out;
}

function rowSpec(c: NodeNames, to: Tree, proto: Tree | null): PacketSpec | null {
  const addr = target(c, to, sourceOf(to));
  if (addr === null) return null;
  const options: SendOptions = { src: null, dev: null, ttl: null, tos: 0, mark: 0, uid: 0 };
  const m = proto ? /^(icmp|tcp|udp)(?:\/(\d{1,5}))?$/.exec(sourceOf(proto)) : null;
  if (proto && (!m || (m[1] !== 'icmp') !== (m[2] !== undefined) || Number(m[2] ?? 0) > 65535)) {
    c.l.errorAt('bad-endpoint', `“${sourceOf(proto)}” is no protocol and port`, proto.span, 'icmp, tcp/80 or udp/53');
    return null;
  }
  if (!m || m[1] === 'icmp') return { kind: 'ping', to: addr, id: null, seq: 1, size: 56, df: false, ...options };
  const dport = Number(m[2]);
  return m[1] === 'tcp'
    ? { kind: 'tcp', to: addr, dport, sport: null, send: [], close: true, ...options }
    : { kind: 'udp', to: addr, dport, sport: null, payload: new TextEncoder().encode('x'), ...options };
}
