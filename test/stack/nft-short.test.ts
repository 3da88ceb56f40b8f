/** Packets that are too short for their headers, through both backends: what the rule counters showed on Linux 6.18 (iptables 1.8.9). */
import { describe, expect, it } from 'vitest';
import { parseAddr } from '../../src/base/addr.js';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import type { NodeState } from '../../src/scenario/model.js';
import { bridgeNode, link, mac, send } from './bridge-lab.js';

const rules4 = `*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80
-A PREROUTING -p tcp -m tcp --syn
-A PREROUTING -p udp -m udp --sport 1000
-A PREROUTING -p udp -m udp ! --dport 9
-A PREROUTING -p tcp
-A PREROUTING -p tcp -m tcp
-A PREROUTING -s 10.1.0.2
COMMIT
`;
const rules6 = `*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp
-A PREROUTING -p ah
-A PREROUTING ! -p udp
-A PREROUTING ! -p ah
-A PREROUTING
COMMIT
`;

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (b) => Number.parseInt(b, 16));
const ETH = '02000000000102000000000a';
const frames4 = [
  '08004500002000010000400666d30a0100020a01000104d200501122334455667788',
  '08004500001700010000400666dc0a0100020a01000104d200',
  '08004500001700010000401166d10a0100020a01000103e800',
  '08004500002c00010001400666c60a0100020a010001616263646566676861626364656667686162636465666768',
  '08004500002c00010002400666c50a0100020a010001616263646566676861626364656667686162636465666768',
];
const frames6 = ['86dd60000000001a3340fd010000000000000000000000000002fd0100000000000000000000000000011102000000000001000000010000000003e80035000a11116162'];

function node(backend: 'legacy' | 'nft'): NodeState {
  const four = readIptablesSave(rules4, { file: 'rules', family: 'ipv4' }).value;
  const six = readIptablesSave(rules6, { file: 'rules', family: 'ipv6' }).value;
  const lo = link('lo', 1, { kind: '', linkType: 'loopback', mac: 0, mtu: 65536, flags: ['LOOPBACK', 'UP', 'LOWER_UP'] });
  const base = bridgeNode();
  const address = (text: string, prefixlen: number, family: 'ipv4' | 'ipv6') => ({
    ...base.addrs[0],
    dev: 'r0',
    label: 'r0',
    family,
    local: parseAddr(text)!,
    prefixlen,
  });
  return {
    ...base,
    links: [lo, link('r0', 2, { mac: mac('02:00:00:00:00:01') })],
    addrs: [base.addrs[0], address('10.1.0.1', 24, 'ipv4'), address('fd01::1', 64, 'ipv6')],
    routes: null,
    fdb: [],
    ...(backend === 'nft' ? { iptablesNft: four, ip6tablesNft: six } : { iptables: four, ip6tables: six }),
  };
}

/** How often each rule matched. */
function counts(backend: 'legacy' | 'nft', frames: readonly string[], rules: number): number[] {
  const out = new Array<number>(rules).fill(0);
  for (const f of frames) for (const e of send(node(backend), ['r0', bytes(ETH + f)]).events) if (e.t === 'match') out[e.rule.num - 1]++;
  return out;
}

describe('short packets and later fragments', () => {
  it('legacy drops what is too short as soon as a match needs it', () => {
    expect(counts('legacy', frames4, 7)).toEqual([0, 0, 0, 0, 1, 0, 1]);
  });
  it('nft loads what is there, and drops only in the match that it leaves to xtables', () => {
    expect(counts('nft', frames4, 7)).toEqual([1, 0, 1, 0, 4, 0, 2]);
  });
});

describe('IPv6 behind AH', () => {
  it('legacy looks behind it', () => {
    expect(counts('legacy', frames6, 5)).toEqual([1, 0, 0, 1, 1]);
  });
  it('to nft it is the protocol', () => {
    expect(counts('nft', frames6, 5)).toEqual([0, 1, 1, 0, 1]);
  });
});
