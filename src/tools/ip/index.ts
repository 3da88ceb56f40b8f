/** ip(8): its objects by line, and its global options. */
import type { Family } from '../../base/addr.js';
import { attempt, Refusal } from '../refusal.js';
import { type Answer, complained, said, type Tool, type ToolContext } from '../tool.js';
import { addressObject } from './address.js';
import { byBeginning, type IpCommand, type IpObject } from './command.js';
import { linkObject } from './link.js';
import { neighObject } from './neigh.js';
import { netconfObject } from './netconf.js';
import { routeObject } from './route.js';
import { ruleObject } from './rule.js';
import { xfrmObject } from './xfrm.js';

/** In the order of ip.c: `ip r` is a route, `ip n` a neighbour, `ip ne` as well. */
const objects: readonly IpObject[] = [addressObject, routeObject, ruleObject, neighObject, linkObject, xfrmObject, netconfObject];
/** Objects that ip(8) has and the simulator has not. */
const others = [
  'addrlabel',
  'maddress',
  'ntable',
  'ntbl',
  'l2tp',
  'fou',
  'ila',
  'macsec',
  'tunnel',
  'tunl',
  'tuntap',
  'tap',
  'token',
  'tcpmetrics',
  'monitor',
  'mroute',
  'mrule',
  'netns',
  'vrf',
  'sr',
  'nexthop',
  'mptcp',
  'ioam',
  'stats',
];

const FAMILIES = new Map<string, Family>([
  ['inet', 'ipv4'],
  ['inet6', 'ipv6'],
]);

function read(c: ToolContext): { object: IpObject; command: IpCommand } {
  let family: Family | null = null;
  const on = { json: false, details: false, brief: false, oneline: false };
  let i = 0;
  for (; c.words[i]?.startsWith('-'); i++) {
    const w = c.words[i];
    const o = w.startsWith('--') ? w.slice(1) : w;
    if (o === '-4') family = 'ipv4';
    else if (o === '-6') family = 'ipv6';
    else if (o === '-f' || o === '-family') family = FAMILIES.get(c.words[++i] ?? '') ?? null;
    else if (o === '-V' || o === '-Version') throw new Refusal('ip utility, iproute2-6.1.0', { status: 0 });
    else if (byBeginning(o, ['-json'])) on.json = true;
    else if (byBeginning(o, ['-details'])) on.details = true;
    else if (o.length > 2 && byBeginning(o, ['-brief'])) on.brief = true;
    else if (byBeginning(o, ['-oneline'])) on.oneline = true;
    else if (byBeginning(o, ['-statistics', '-stats', '-pretty'])) throw new Refusal(`ip ${w} is not supported`, { code: 'not-supported', word: w, status: 2 });
    else if (!byBeginning(o, ['-resolve', '-Numeric', '-timestamp', '-color', '-human'])) {
      throw new Refusal(`Option "${w}" is unknown, try "ip -help".`, { word: w, status: 255 });
    }
  }
  const word = c.words[i];
  if (word === undefined) throw new Refusal('Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }', { status: 255 });
  const all = [...objects.flatMap((o) => o.names)];
  const name = byBeginning(word, all);
  if (name === undefined) {
    const known = byBeginning(word, others);
    if (known) throw new Refusal(`ip ${known} is not supported`, { code: 'not-supported', word, status: 2, hint: `supported objects: ${all.join(', ')}` });
    throw new Refusal(`Object "${word}" is unknown, try "ip help".`, { code: 'ip-object', word, status: 1, hint: `objects: ${all.join(', ')}` });
  }
  const object = objects.find((o) => o.names.includes(name)) as IpObject;
  return { object, command: { family, ...on, words: c.words.slice(i + 1), context: c } };
}

/** The state of a node before the command that is being carried out, for `act`. */
const tool: Tool = {
  names: ['ip'],
  settles: ['neighs', 'fdb'],
  change(n, c) {
    let question = false;
    const r = attempt(n, c, () => {
      const { object, command } = read(c);
      const value = object.change?.(n, command) ?? null;
      question = value === null;
      return value ?? n;
    });
    return question ? null : r;
  },
  answer(n, c): Answer | null {
    try {
      const { object, command } = read(c);
      return object.answer?.(n, command) ?? null;
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return e.o.status === 0 ? said(`${e.message}\n`) : complained(e.message, e.o.status ?? 255);
    }
  },
};

export const ipTool = (): readonly Tool[] => [tool];
