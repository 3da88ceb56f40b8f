/** The shape of a scenario file (`version: 1`), strict: a key that is not here is an error. What names and texts mean is checked by load.ts. */
import * as z from 'zod';

// A schema is used once or twice in a process: generated code would cost more than it saves.
z.config({ jitless: true });

const text = z.string();
/** Text as the tool prints it, inline or in a file beside the scenario. */
const part = z.union([text, z.strictObject({ file: text })]).describe('text as the tool prints it, or { file: PATH }');
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const oneOrMore = z.union([text, z.array(text)]);

const linkShort = z
  .strictObject({
    kind: text.optional().describe('veth, bridge, ipip, vxlan, … ; nothing for plain hardware'),
    mac: text.optional(),
    mtu: z.number().int().min(68).max(65535).optional(),
    up: z.boolean().optional(),
    carrier: z.boolean().optional(),
    ports: z.array(text).optional().describe('of a bridge'),
    master: text.optional(),
    peer: text.optional().describe('other end of a veth pair on the same node'),
    flags: z.array(text).optional(),
    local: text.optional(),
    remote: text.optional(),
    id: z.number().int().optional(),
    dstport: z.number().int().optional(),
    dev: text.optional().describe('lower device of vxlan, vlan, macvlan'),
    hairpin: z.boolean().optional(),
    isolated: z.boolean().optional(),
    learning: z.boolean().optional(),
    flood: z.boolean().optional(),
  })
  .describe('a device in short');

const socketShort = z.strictObject({
  id: text.optional(),
  proto: z.enum(['tcp', 'udp']),
  address: text.optional(),
  port: z.number().int().min(0).max(65535),
  dev: text.optional(),
  uid: z.number().int().min(0).optional(),
  transparent: z.boolean().optional(),
  echo: z.boolean().optional().describe('udp: every datagram is sent back'),
});

const nodeSchema = z
  .strictObject({
    dumps: text.optional().describe('a folder of dumps, or a snapshot as sim capture takes it, beside the scenario'),
    kernel: scalar.optional().describe('kernel release, 6.18 by default'),
    backend: z.enum(['legacy', 'nft']).optional().describe('what iptables and ip6tables are loaded through'),
    address: oneOrMore.optional().describe('short form: address of eth0, ADDRESS/LENGTH'),
    gateway: oneOrMore.optional().describe('short form: default route'),
    mac: text.optional().describe('short form: MAC address of eth0'),
    mtu: z.number().int().min(68).max(65535).optional().describe('short form: MTU of eth0'),
    links: z.union([part, z.record(text, linkShort)]).optional(),
    addresses: z.union([part, z.record(text, oneOrMore)]).optional(),
    neigh: part.optional(),
    rt_tables: part.optional().describe('names of route tables, as /etc/iproute2/rt_tables has them: lines NUMBER NAME'),
    routes: part.optional(),
    routes6: part.optional(),
    rules: part.optional(),
    rules6: part.optional(),
    sysctl: z.union([part, z.record(text, scalar)]).optional(),
    ipset: part.optional(),
    iptables: part.optional(),
    ip6tables: part.optional(),
    'iptables-nft': part.optional().describe('rules of iptables-nft, beside those of iptables-legacy in iptables'),
    'ip6tables-nft': part.optional(),
    nft: part.optional().describe('rules of nftables: what nft list ruleset prints, or what nft -f reads'),
    ebtables: part.optional(),
    bridge: part.optional(),
    fdb: part.optional(),
    vlans: part.optional(),
    nfqueue: z
      .union([part, z.array(z.number().int().min(0).max(65535))])
      .optional()
      .describe('queues of NFQUEUE that a program listens to: their numbers, or /proc/net/netfilter/nfnetlink_queue; [] none'),
    xfrm_policy: part.optional(),
    xfrm_state: part.optional(),
    conntrack: part.optional(),
    sockets: z.union([part, z.array(z.union([text, socketShort]))]).optional(),
    listen: z.array(text).optional().describe('short form of sockets: tcp/80, udp/10.0.0.1:53, udp/53 echo (every datagram is sent back)'),
  })
  .describe('a node: what its tools print');

/** `NODE: COMMAND`, as a YAML map of one key or as text. */
const command = z.union([text, z.record(text, text)]);
const commands = z.array(command);

const common = {
  name: text.optional(),
  description: text.optional(),
  from: oneOrMore.optional().describe('the node that sends it'),
  at: text.optional().describe('NODE:DEVICE on which it arrives'),
  do: commands.optional().describe('commands before it'),
  count: z.number().int().min(1).max(1000).optional(),
};
const port = z.number().int().min(0).max(65535);
const sending = {
  to: text.describe('an address, or a node whose first address is meant'),
  src: text.optional().describe('address to bind to'),
  dev: text.optional().describe('SO_BINDTODEVICE'),
  ttl: z.number().int().min(1).max(255).optional(),
  tos: z.number().int().min(0).max(255).optional(),
  mark: z.number().int().min(0).optional().describe('SO_MARK'),
  uid: z.number().int().min(0).optional(),
};
const pingSchema = z.strictObject({
  ...sending,
  id: port.optional(),
  seq: port.optional(),
  size: z.number().int().min(0).max(65507).optional(),
  df: z.boolean().optional(),
});
const udpSchema = z.strictObject({ ...sending, sport: port.optional(), payload: text.optional(), payload_hex: text.optional() });
const tcpSchema = z.strictObject({
  ...sending,
  sport: port.optional(),
  send: z.array(text).optional().describe('what the client writes, one segment each'),
  close: z.boolean().optional(),
});

const rule = text.describe('TABLE:CHAIN:N or NODE TABLE:CHAIN:N');
const seen = z.union([text, z.record(text, text)]).describe('ADDRESS[:PORT] at the end, or NODE: ADDRESS[:PORT]');
const where = z.union([
  text,
  z.strictObject({
    node: text.optional(),
    stage: text.optional(),
    hook: text.optional(),
    table: text.optional(),
    chain: text.optional(),
    rule: z.number().int().optional(),
    dev: text.optional(),
  }),
]);

export const fates = ['answered', 'unanswered', 'delivered', 'dropped', 'forwarded', 'rejected', 'inconclusive', 'held'] as const;
/** As stack/outcome.ts Connection. */
export const connections = ['established', 'stalled', 'refused', 'reset', 'unreachable', 'timeout'] as const;

const expectFields = {
  fate: z.enum(fates).optional(),
  where: where.optional().describe('node, stage, chain or rule at which it ended'),
  reason: text.optional().describe('the kernel’s drop reason'),
  cause: text.optional().describe('our own cause'),
  connection: z.enum(connections).optional().describe('how a TCP conversation ended for its client'),
  delivered_to: text.optional().describe('node, or NODE:SOCKET'),
  out: text.optional().describe('NODE:DEVICE by which it left last'),
  source: seen.optional(),
  destination: seen.optional(),
  snat_to: text.optional(),
  dnat_to: text.optional(),
  masqueraded: z.boolean().optional(),
  hits: z.union([rule, z.array(rule)]).optional(),
  misses: z.union([rule, z.array(rule)]).optional(),
  visits: oneOrMore.optional().describe('nodes it came through, in order'),
  counters: z.record(text, z.record(text, z.number().int())).optional().describe('NODE: { COUNTER: difference }'),
  conntrack: z.union([text, z.record(text, oneOrMore)]).optional(),
  trace: z
    .union([part, z.record(text, part)])
    .optional()
    .describe('golden trace, by node'),
  lines: z.record(text, z.number().int()).optional().describe('NODE: number of TRACE lines'),
};
export const expectSchema = z.strictObject({ ...expectFields, reply: z.strictObject(expectFields).optional() }).describe('what must become of the packet');

const packetSchema = z
  .strictObject({
    ...common,
    ping: z.union([text, pingSchema]).optional(),
    udp: z.union([text, udpSchema]).optional(),
    tcp: z.union([text, tcpSchema]).optional(),
    packet: text.optional().describe('as `icmp 10.0.0.1 > 10.0.0.2`'),
    frame: text.optional().describe('hexadecimal bytes, as the device would receive them'),
    pcap: text.optional().describe('a capture file beside the scenario'),
    expect: z.union([z.enum(fates), expectSchema]).optional(),
    remove: z.literal(true).optional().describe('in a file with extends: leave out the packet of that name'),
  })
  .describe('a packet, and what happens before it');

const row = z
  .strictObject({
    name: text.optional(),
    from: oneOrMore,
    to: oneOrMore,
    proto: oneOrMore.optional().describe('icmp, tcp/80, udp/53'),
    expect: z.union([z.enum(fates), expectSchema]),
  })
  .describe('one test, or a matrix of them');

const whatIf = z.union([
  commands,
  z.strictObject({
    description: text.optional(),
    do: commands,
    expect: z
      .record(text, z.union([z.enum(fates), expectSchema]))
      .optional()
      .describe('by packet name: what becomes of it then; packets that are not named are not looked at'),
  }),
]);

const apply = z.strictObject({
  node: text,
  iptables_restore: part.optional(),
  ip6tables_restore: part.optional(),
  ipset_restore: part.optional(),
  nft: part.optional(),
  commands: z.array(text).optional(),
  run: z.array(text).optional().describe('a command that prints the text; only with --allow-run'),
  as: z.enum(['iptables_restore', 'ip6tables_restore', 'ipset_restore', 'nft']).optional().describe('what `run` prints'),
  noflush: z.boolean().optional(),
});

export const scenarioSchema = z
  .strictObject({
    version: z.literal(1),
    name: text.optional(),
    description: text.optional(),
    extends: text.optional().describe('a scenario that this one is laid over'),
    tags: z.array(text).optional(),
    kernel: scalar.optional().describe('of nodes that say nothing of their own'),
    nodes: z.record(text, nodeSchema),
    wires: z
      .array(z.union([z.array(text), z.strictObject({ switch: text.optional(), ends: z.array(text) })]))
      .optional()
      .describe('[NODE:DEVICE, NODE:DEVICE], or a segment with any number of ends'),
    do: commands.optional().describe('commands before the first packet'),
    apply: z.array(apply).optional().describe('what rule generators write, in order'),
    packets: z.array(packetSchema).optional(),
    table: z.array(row).optional(),
    expect: z.record(text, expectSchema).optional().describe('by packet name'),
    what_if: z.record(text, whatIf).optional(),
    trace_all: z.boolean().optional().describe('trace every packet, as --trace-all'),
    clock: z.number().min(0).optional().describe('virtual time of the start, in milliseconds'),
    seed: z.number().int().optional().describe('of what the kernel would choose by chance'),
  })
  .describe('netfilter-sim scenario');

/** What may be added to a scenario that is there. */
export const moreSchema = scenarioSchema
  .pick({ packets: true, table: true, expect: true, do: true, apply: true })
  .extend({ version: scenarioSchema.shape.version.optional() });

export type ScenarioFile = z.infer<typeof scenarioSchema>;
export type NodeFile = z.infer<typeof nodeSchema>;
export type PacketFile = z.infer<typeof packetSchema>;
export type ExpectFile = z.infer<typeof expectSchema>;

/** JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function jsonSchema(): unknown {
  return z.toJSONSchema(scenarioSchema, { io: 'input' });
}
