/** Printing `ip [-d] link`, as text and as `-j` JSON (iproute2 ip/ipaddress.c print_linkinfo()). */
import { formatMac } from '../base/addr.js';
import type { Link } from '../link/model.js';
import { detailWord, kindRows, slaveRows, writeKindData } from './ip-link-kinds.js';

export interface WriteLinkOptions {
  /** -d */
  readonly details?: boolean;
  /** `ip addr` leaves the link mode out. */
  readonly withMode?: boolean;
}

const isPtp = (l: Link): boolean => l.flags.includes('POINTOPOINT');
const addressOf = (l: Link): string => l.addressText ?? formatMac(l.mac);
const broadcastOf = (l: Link): string | null => (l.addressText === null ? formatMac(l.broadcast) : l.broadcastText);

/** The device lines for one link, without a final newline. */
export function linkLines(l: Link, o: WriteLinkOptions): string {
  const peer = l.link !== null ? `@${l.link}` : l.linkIndex === null ? '' : l.linkIndex === 0 ? '@NONE' : `@if${l.linkIndex}`;
  let out = `${l.ifindex}: ${l.name}${peer}: <${l.flags.join(',')}> mtu ${l.mtu}`;
  if (l.qdisc !== '') out += ` qdisc ${l.qdisc}`;
  if (l.master !== null) out += ` master ${l.master}`;
  out += ` state ${l.operstate}`;
  if (o.withMode !== false && l.linkmode != null) out += ` mode ${l.linkmode}`;
  out += ` group ${l.group}`;
  if (l.txqlen !== null) out += ` qlen ${l.txqlen}`;
  out += `\n    link/${l.linkType}`;
  const address = addressOf(l);
  const broadcast = broadcastOf(l);
  if (address !== '') out += ` ${address}`;
  else if (!o.details) out += ' ';
  if (broadcast !== null) out += ` ${isPtp(l) ? 'peer' : 'brd'} ${broadcast}`;
  if (l.linkNetnsid !== null) out += ` link-netnsid ${l.linkNetnsid}`;
  if (o.details) out += detailText(l);
  for (const a of l.altnames) out += `\n    altname ${a}`;
  return out;
}

function detailText(l: Link): string {
  const detail = l.detail ?? [];
  const before = detail.filter(([k]) => ['promiscuity', 'allmulti', 'min_mtu', 'max_mtu'].includes(k));
  const after = detail.filter((d) => !before.includes(d));
  let out = '';
  for (const [k, v] of before) out += ` ${detailWord.get(k) ?? k} ${k === 'promiscuity' && before.length > 1 ? `${l.promiscuity} ` : String(v)}`;
  if (before.length > 0) out += ' ';
  if (l.kind !== '') out += `\n    ${l.kind}${writeKindData(kindRows.get(l.kind) ?? [], new Map(Object.entries(l.data)))} `;
  if (l.slaveKind !== null) out += `\n    ${l.slaveKind}_slave${writeKindData(slaveRows.get(l.slaveKind) ?? [], new Map(Object.entries(l.slaveData)))} `;
  if (after.length > 0) out += `${after.map(([k, v]) => `${detailWord.get(k) ?? k} ${String(v)}`).join(' ')} `;
  return out;
}

/** What `ip [-d] link` prints. */
export function writeIpLink(links: readonly Link[], o: WriteLinkOptions = {}): string {
  return links.map((l) => `${linkLines(l, o)}\n`).join('');
}

/** One entry of `ip -j [-d] link`, keys in the order of the tool. */
export function linkToJson(l: Link, o: WriteLinkOptions): [string, unknown][] {
  const e: [string, unknown][] = [['ifindex', l.ifindex]];
  if (l.link !== null) e.push(['link', l.link]);
  else if (l.linkIndex === 0) e.push(['link', null]);
  else if (l.linkIndex !== null) e.push(['link_index', l.linkIndex]);
  e.push(['ifname', l.name], ['flags', l.flags], ['mtu', l.mtu]);
  if (l.qdisc !== '') e.push(['qdisc', l.qdisc]);
  if (l.master !== null) e.push(['master', l.master]);
  e.push(['operstate', l.operstate]);
  if (o.withMode !== false && l.linkmode != null) e.push(['linkmode', l.linkmode]);
  e.push(['group', l.group]);
  if (l.txqlen !== null) e.push(['txqlen', l.txqlen]);
  e.push(['link_type', l.linkType]);
  if (addressOf(l) !== '') e.push(['address', addressOf(l)]);
  const broadcast = broadcastOf(l);
  if (broadcast !== null) {
    if (isPtp(l)) e.push(['link_pointtopoint', true]);
    e.push(['broadcast', broadcast]);
  }
  if (l.linkNetnsid !== null) e.push(['link_netnsid', l.linkNetnsid]);
  if (o.details) pushDetail(l, e);
  if (l.altnames.length > 0) e.push(['altnames', l.altnames]);
  return e;
}

function pushDetail(l: Link, e: [string, unknown][]): void {
  const detail = l.detail ?? [];
  const before = detail.filter(([k]) => ['promiscuity', 'allmulti', 'min_mtu', 'max_mtu'].includes(k));
  e.push(...before.map(([k, v]): [string, unknown] => [k, k === 'promiscuity' ? l.promiscuity : v]));
  const info: [string, unknown][] = [];
  if (l.kind !== '') info.push(['info_kind', l.kind]);
  const { ttl, ...rest } = l.data;
  const data = l.kind === 'vxlan' && ttl === 'inherit' ? rest : l.data;
  if (Object.keys(data).length > 0) info.push(['info_data', data]);
  if (l.slaveKind !== null) info.push(['info_slave_kind', l.slaveKind], ['info_slave_data', l.slaveData]);
  if (info.length > 0) e.push(['linkinfo', Object.fromEntries(info)]);
  for (const d of detail) if (!before.includes(d)) e.push([d[0], d[1]]);
}

/** What `ip -j [-d] link` prints: one line. */
export function writeIpLinkJson(links: readonly Link[], o: WriteLinkOptions = {}): string {
  return `${JSON.stringify(links.map((l) => Object.fromEntries(linkToJson(l, o))))}\n`;
}
