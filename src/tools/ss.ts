/** ss(8): `ss -l[n][t][u]`, the sockets that listen. */
import { formatAddr } from '../base/addr.js';
import type { SocketState } from '../scenario/model.js';
import { type Answer, complained, said, type Tool } from './tool.js';

/** The columns grow with what stands in them; the last one, which is empty, takes what a heading needs. */
function rows(list: readonly SocketState[], withNetid: boolean): string {
  const cells = list.map((s) => {
    const host =
      s.addr === 0 ? '0.0.0.0' : typeof s.addr === 'string' ? (s.addr === '\0\0\0\0\0\0\0\0' ? '[::]' : `[${formatAddr(s.addr)}]`) : formatAddr(s.addr);
    const local = `${host}${s.dev === null ? '' : `%${s.dev}`}:`;
    return {
      netid: s.proto,
      state: s.proto === 'tcp' ? 'LISTEN' : 'UNCONN',
      local,
      port: String(s.port),
      peer: typeof s.addr === 'number' ? '0.0.0.0:' : '[::]:',
    };
  });
  const width = (heading: string, of: (c: (typeof cells)[number]) => string): number => Math.max(heading.length, ...cells.map((c) => of(c).length));
  const [localWidth, portWidth, peerWidth] = [width('Local Address:', (c) => c.local), width('Port', (c) => c.port), width('Peer Address:', (c) => c.peer)];
  let out = `${withNetid ? 'Netid ' : ''}State  Recv-Q Send-Q ${'Local Address:'.padStart(localWidth)}${'Port'.padEnd(portWidth)} ${'Peer Address:'.padStart(peerWidth)}PortProcess\n`;
  for (const c of cells) {
    const queue = c.netid === 'tcp' ? '128' : '0';
    out += `${withNetid ? c.netid.padEnd(6) : ''}${c.state.padEnd(7)}${'0'.padEnd(7)}${queue.padEnd(7)}${c.local.padStart(localWidth)}${c.port.padEnd(portWidth)} ${c.peer.padStart(peerWidth)}${'*'.padEnd(4)}       \n`;
  }
  return out;
}

function answer(sockets: readonly SocketState[], words: readonly string[]): Answer {
  const letters = words.filter((w) => /^-[a-zA-Z46]+$/.test(w)).join('');
  const odd = words.find((w) => !/^-[lntuaHp46]+$/.test(w));
  if (odd !== undefined) return complained(`ss ${odd} is not supported`, 2);
  if (!/[la]/.test(letters)) return complained('ss without -l or -a: only sockets that listen are known', 2);
  const [t, u] = [letters.includes('t'), letters.includes('u')];
  const tcp = t || !u;
  const udp = u || !t;
  const chosen = [...sockets.filter((s) => udp && s.proto === 'udp'), ...sockets.filter((s) => tcp && s.proto === 'tcp')];
  return said(rows(chosen, tcp && udp));
}

const tool: Tool = { names: ['ss'], answer: (n, c) => answer(n.given.sockets, c.words) };

export const ssTool = (): readonly Tool[] => [tool];
