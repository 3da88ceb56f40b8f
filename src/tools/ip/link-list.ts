/** Which devices `ip link|addr show` lists, and its brief form. */
import { formatAddr, formatMac } from '../../base/addr.js';
import type { IfAddr, Link } from '../../link/model.js';
import type { NodeState } from '../../scenario/model.js';
import { linksOf } from '../netlink.js';
import { Refusal } from '../refusal.js';
import { Clauses } from './command.js';

/** `[dev] DEV`, `up`, `master M`, `type T`. */
export function filterLinks(n: NodeState, words: readonly string[]): { readonly dev: string | null; readonly links: readonly Link[] } {
  const all = linksOf(n.links);
  const tests: ((l: Link) => boolean)[] = [];
  let dev: string | null = null;
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'up') tests.push((l) => l.flags.includes('UP'));
    else if (k === 'master') {
      const m = w.value(k);
      if (!all.some((l) => l.name === m))
        throw new Refusal(`Error: argument "${m}" is wrong: Device does not exist`, { code: 'ip-device', word: m, status: 255 });
      tests.push((l) => l.master === m);
    } else if (k === 'type') {
      const t = w.value(k);
      tests.push((l) => l.kind === t || (t.endsWith('_slave') && l.slaveKind === t.slice(0, -6)));
    } else if (k === 'group') {
      const g = w.value(k);
      tests.push((l) => l.group === g);
    } else dev = k === 'dev' ? w.value(k) : k;
  }
  if (dev !== null) {
    const name = dev;
    const hit = all.find((l) => l.name === name || l.altnames.includes(name));
    if (!hit) throw new Refusal(`Device "${name}" does not exist.`, { code: 'ip-device', word: name, status: 1 });
    tests.push((l) => l === hit);
  }
  return { dev, links: all.filter((l) => tests.every((t) => t(l))) };
}

const nameWithPeer = (l: Link): string =>
  `${l.name}${l.link !== null ? `@${l.link}` : l.linkIndex === null ? '' : l.linkIndex === 0 ? '@NONE' : `@if${l.linkIndex}`}`;

/** `ip -br link`. */
export const briefLink = (links: readonly Link[]): string =>
  links
    .map((l) => `${nameWithPeer(l).padEnd(16)} ${l.operstate.padEnd(14)} ${(l.addressText ?? formatMac(l.mac)).padEnd(17)} <${l.flags.join(',')}> \n`)
    .join('');

/** `ip -br addr`. */
export function briefAddr(links: readonly Link[], addrs: readonly IfAddr[], onlyWithAddrs: boolean): string {
  let out = '';
  for (const l of links) {
    const mine = addrs.filter((a) => a.dev === l.name).sort((a, b) => Number(a.family === 'ipv6') - Number(b.family === 'ipv6'));
    if (onlyWithAddrs && mine.length === 0) continue;
    const text = mine
      .map(
        (a) => `${formatAddr(a.local)}${a.peer === null ? '' : ` peer ${formatAddr(a.peer)}`}/${a.prefixlen} ${a.metric === null ? '' : `metric ${a.metric} `}`,
      )
      .join('');
    out += `${nameWithPeer(l).padEnd(16)} ${l.operstate.padEnd(14)} ${text}\n`;
  }
  return out;
}
