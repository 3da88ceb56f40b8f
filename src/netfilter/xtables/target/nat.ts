/** SNAT and DNAT (xt_nat.c): both families' ranges of addresses and ports. */
import { type Addr, type Family, formatAddr, parseIp4, parseIp6 } from '../../../base/addr.js';
import type { NatRange } from '../../env.js';
import type { PacketCtx } from '../../pred.js';
import type { Given, RuleContext, TargetDef, TargetVerdict } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, find, formatPorts, type PortRange, parseNatPorts, printFlags, rangeFlags } from './common.js';

/** [addr[-addr]][:port[-port[/base]]], IPv6 addresses in brackets where ports follow. `given`: the flags are among them. */
function parseRange(ext: string, g: Given, ctx: RuleContext, given: readonly Given[]): NatRange {
  const { family } = ctx;
  let addrs = g.value;
  let ports: string | null = null;
  if (family === 'ipv6' && addrs.startsWith('[')) {
    const close = addrs.indexOf(']');
    if (close < 2) throw new OptionError('Invalid address format', g.name);
    const colon = addrs.indexOf(':', close);
    if (colon >= 0) ports = addrs.slice(colon + 1);
    addrs = addrs.slice(1, close);
  } else {
    const colon = addrs.indexOf(':');
    if (colon === 0 || (family === 'ipv4' && colon > 0)) {
      const isPort = family === 'ipv4' || !addrs.startsWith('::');
      if (isPort) {
        ports = addrs.slice(colon + 1);
        addrs = addrs.slice(0, colon);
      }
    }
  }
  const range = ports === null ? null : parseNatPorts(ext, ports, ctx, g.name, true);
  if (addrs === '' && range) return natRange(ext, null, null, range, given);
  const dash = addrs.indexOf('-');
  const min = natAddr(dash < 0 ? addrs : addrs.slice(0, dash), family, g.name);
  const max = dash < 0 ? min : natAddr(addrs.slice(dash + 1), family, g.name);
  return natRange(ext, min, max, range, given);
}

function natAddr(text: string, family: Family, option: string): Addr {
  const a = family === 'ipv4' ? parseIp4(text) : parseIp6(text);
  if (a === null) throw new OptionError(`Bad IP address "${text}"`, option);
  return a;
}

/** Written out: spread from NAT_NOTHING it takes longer than all the reading, and big dumps have tens of thousands. */
const natRange = (ext: string, minAddr: Addr | null, maxAddr: Addr | null, p: PortRange | null, given: readonly Given[]): NatRange => ({
  minAddr,
  maxAddr,
  minPort: p?.min ?? null,
  maxPort: p?.max ?? null,
  // SNAT's revision has no place for the base port: it comes back as 0.
  basePort: p === null || p.base === null ? null : ext === 'SNAT' ? 0 : p.base,
  flags: given.length > 1 ? rangeFlags(given) : 0,
});

function printRange(r: NatRange, family: Family): string {
  let out = '';
  const ports = r.minPort === null || r.maxPort === null ? null : formatPorts({ min: r.minPort, max: r.maxPort, base: r.basePort });
  if (r.minAddr !== null && r.maxAddr !== null) {
    out = formatAddr(r.minAddr) + (r.maxAddr === r.minAddr ? '' : `-${formatAddr(r.maxAddr)}`);
    if (family === 'ipv6' && ports !== null) out = `[${out}]`;
  }
  return ports === null ? out : `${out}:${ports}`;
}

function natTarget(name: 'SNAT' | 'DNAT'): TargetDef<NatRange> {
  const option = name === 'SNAT' ? 'to-source' : 'to-destination';
  const flags = name === 'SNAT' ? ['random', 'random-fully', 'persistent'] : ['random', 'persistent'];
  const act = (c: PacketCtx, r: NatRange): TargetVerdict => (c.env.ct.natSetup(c, r, name) ? 'ACCEPT' : 'DROP');
  return {
    name,
    kernel: 'net/netfilter/xt_nat.c',
    families: BOTH,
    tables: ['nat'],
    hooks: name === 'SNAT' ? ['POSTROUTING', 'INPUT'] : ['PREROUTING', 'OUTPUT'],
    options: [{ name: option, arg: 'required', mandatory: true }, ...flags.map((f) => ({ name: f, arg: 'none' }) as const)],
    parse: (given, ctx) => parseRange(name, given.length === 1 ? given[0] : (find(given, option) as Given), ctx, given),
    print: (r, ctx) => ` --${option} ${printRange(r, ctx.family)}${printFlags(r)}`,
    needsConntrack: () => true,
    lower: (data) => ({ act, data }),
  };
}

export const SNAT = natTarget('SNAT');
export const DNAT = natTarget('DNAT');
