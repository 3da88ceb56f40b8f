/** The loopback device that every namespace has, its address, and an Ethernet device of which only a name is known. */
import type { Mac } from '../base/addr.js';
import type { IfAddr, Link } from './model.js';

/** `lo` as `ip link` shows it when it is up. */
export const LOOPBACK: Link = {
  name: 'lo',
  ifindex: 1,
  kind: '',
  linkType: 'loopback',
  mac: 0,
  broadcast: 0,
  mtu: 65536,
  flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
  operstate: 'UNKNOWN',
  master: null,
  link: null,
  linkIndex: null,
  linkNetnsid: null,
  group: 'default',
  qdisc: 'noqueue',
  txqlen: 1000,
  data: {},
  slaveKind: null,
  slaveData: {},
  promiscuity: 0,
  altnames: [],
  addressText: null,
  broadcastText: null,
  linkmode: 'DEFAULT',
};

/** A device of ether_setup() that is up and has a carrier. */
export const etherLink = (name: string, ifindex: number, mac: Mac): Link => ({
  ...LOOPBACK,
  name,
  ifindex,
  linkType: 'ether',
  mac,
  broadcast: 0xffffffffffff,
  mtu: 1500,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  operstate: 'UP',
});

/** 127.0.0.1/8. */
export const LOOPBACK_ADDR: IfAddr = {
  dev: 'lo',
  family: 'ipv4',
  local: 0x7f000001,
  peer: null,
  prefixlen: 8,
  broadcast: null,
  scope: 'host',
  label: 'lo',
  secondary: false,
  flags: [],
  validLft: null,
  preferredLft: null,
  metric: null,
};
