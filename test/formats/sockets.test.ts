/** Sockets as nodes list them: ss of a real node, and /proc/net where there is no ss. */
import { describe, expect, it } from 'vitest';
import { readSockets, writeSockets } from '../../src/formats/sockets.js';

const read = (text: string): string => {
  const { value, diagnostics } = readSockets(text, { file: 'x' });
  expect(diagnostics).toEqual([]);
  expect(new Set(value.map((s) => s.id)).size).toBe(value.length);
  return writeSockets(value);
};

describe('ss -lntue', () => {
  const text = `Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
udp   UNCONN 0      0          0.0.0.0:5353       0.0.0.0:*    uid:102 ino:1 sk:1 cgroup:/a <->
udp   UNCONN 0      0          0.0.0.0:5353       0.0.0.0:*    uid:103 ino:2 sk:2 cgroup:/b <->
udp   UNCONN 0      0      127.0.0.53%lo:53       0.0.0.0:*    uid:101 ino:3 sk:3 cgroup:/c <->
tcp   LISTEN 0      128              *:22               *:*    ino:4 sk:4 cgroup:/d v6only:0 <->
tcp   LISTEN 0      511           [::]:80            [::]:*    ino:5 sk:5 cgroup:/e v6only:1 <->
`;
  it('shows a socket of both families as *, and one per worker of a shared port', () => {
    expect(read(text)).toBe('udp 0.0.0.0:5353 uid 102\nudp 127.0.0.53:53 dev lo uid 101\ntcp 0.0.0.0:22\ntcp [::]:22\ntcp [::]:80\n');
  });
});

describe('/proc/net/tcp, tcp6, udp, udp6', () => {
  // As Linux 6.18 on x86 prints them.
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     5        0 2056 1 00000000c5fe1fe1 100 0 0 10 0
   1: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1061 1 0000000012b9fd58 100 0 0 10 0
   2: 0100007F:07E8 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 1062 1 0000000012b9fd58 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2058 1 0000000033e1eee3 100 0 0 10 0
   1: 00000000000000000000000000000000:07E8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2059 1 0000000033e1eee3 100 0 0 10 0
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  107: 0A00020A:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000    65        0 2060 2 00000000b3b6ab20 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  108: B80D0120000000000000000001000000:0036 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2061 2 00000000b3b6ab20 0
`;
  it('are read as the machine stores them', () => {
    expect(read(text)).toBe(
      'tcp 127.0.0.1:8080 uid 5\ntcp 0.0.0.0:2024\ntcp [::]:80\ntcp 0.0.0.0:80\ntcp [::]:2024\nudp 10.2.0.10:53 uid 65\nudp [2001:db8::1]:54\n',
    );
  });
});
