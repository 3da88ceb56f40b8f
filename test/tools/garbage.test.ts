/** No command line makes a tool throw, and an error never leaves half a change behind. */
import { expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { loadScenario } from '../../src/scenario/load.js';
import { Network } from '../../src/stack/network.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { seededChooser } from '../../src/stack/world.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';
import { toolNames } from '../../src/tools/index.js';
import { ListRecorder } from '../../src/trace/event.js';

const WORDS =
  'ip -4 -6 -j -d -br route rule addr link neigh xfrm netconf policy state add del show get list flush replace change set up down dev eth0 eth9 lo via from to iif oif table main 7 all default 10.0.0.0/8 10.0.0.1 10.0.0.1/24 fd00::1 fd00::/64 src metric 5 nexthop weight blackhole lladdr 02:00:00:00:00:01 nud permanent dir in out fwd tmpl proto esp mode tunnel reqid type bridge master br0 nomaster mtu hairpin on off fdb vlan vid 2 -A -I -D -L -S -N -X -F -P -R -Z -E -t nat filter raw INPUT U 1 2 -j ACCEPT DROP U -p tcp udp icmp --dport 80 ! -s -m set --match-set S dst conntrack --ctstate NEW -v -n -x --line-numbers create destroy test swap rename save restore hash:ip hash:net S T -exist -s -w net.ipv4.ip_forward=1 net.ipv4.conf.eth0.rp_filter net.ipv4.conf.default.rp_filter=2 =1 -az -U -I --sport -C -lnt brd + - label scope host peer sel deleteall __proto__ constructor -c'.split(
    ' ',
  );

it('random command lines', () => {
  const text =
    'version: 1\nname: t\nnodes:\n  a:\n    address: 10.0.0.1/24\n    ipset: |\n      create S hash:ip family inet hashsize 1024 maxelem 65536\n    iptables: |\n      *filter\n      :INPUT ACCEPT [0:0]\n      :FORWARD ACCEPT [0:0]\n      :OUTPUT ACCEPT [0:0]\n      :U - [0:0]\n      -A INPUT -j U\n      COMMIT\npackets:\n  - { name: p, from: a, ping: { to: 10.0.0.1 } }\n';
  const { value } = loadScenario('t.yaml', { read: (p) => (p === 't.yaml' ? text : null), list: () => null });
  if (!value) throw new Error('does not load');
  const r = seededChooser(7);
  const pick = (list: readonly string[]): string => list[r.below(list.length, 'ecmp')];
  const tools = toolNames();
  let net = new Network(value, { recorder: new ListRecorder(false), makeSockets: scenarioSockets });
  for (let i = 0; i < 6000; i++) {
    if (i % 200 === 0) net = new Network(value, { recorder: new ListRecorder(false), makeSockets: scenarioSockets });
    const words = [pick(r.below(3, 'ecmp') === 0 ? ['ip'] : tools), ...Array.from({ length: r.below(9, 'ecmp') }, () => pick(WORDS))];
    const command = words.join(' ');
    const before = net.nodes[0].given;
    const ds = execute(net, { node: 'a', command, span: null });
    for (const d of ds) expect(`${command}: ${d.message} ${d.hint ?? ''}`).not.toMatch(/undefined|\[object|NaN/);
    if (hasErrors(ds)) expect(net.nodes[0].given, command).toBe(before);
    const a = ask(net.nodes[0], words);
    expect(`${command}: ${a.stdout}${a.stderr}`).not.toMatch(/undefined|\[object|NaN/);
  }
});
