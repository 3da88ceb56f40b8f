/** A cluster as nodes and wires: the edges' network behind the connector, Calico's IPIP tunnels between cloud nodes, and what flannel and kube-proxy wrote before us. */
import type { NetworkInput, PacketInput } from '../../src/index.js';
import type { Cluster, Generator, Host } from './fabedge.js';

/** First addresses of a network A.B.C.0/L: 1 is the node's, 2 the pod's. */
const at = (net: string, n: number): string => {
  const [a, b, c, d] = net.split('/')[0].split('.').map(Number);
  return [a, b, c, d + n].join('.');
};
export const podOf = (h: Host): string => `pod-${h.name}`;
export const podIp = (h: Host): string => at(h.pods, 2);
const lengthOf = (net: string): string => net.split('/')[1];
/** The tunnel's own address, as Calico takes it from the node's block. */
const tunnelIp = (h: Host): string => at(h.pods, 3);

/** Address of a service on all nodes; behind it the pod of the first cloud node. */
export const SERVICE = '10.96.0.10';

const wan = (e: Host): string => `${e.ip.split('.').slice(0, 3).join('.')}.1`;
const lanGateway = (h: Host): string => `${h.ip.split('.').slice(0, 3).join('.')}.254`;
const net24 = (ip: string): string => `${ip.split('.').slice(0, 3).join('.')}.0/24`;

function pod(h: Host): NetworkInput['nodes'][string] {
  return { address: `${podIp(h)}/${lengthOf(h.pods)}`, gateway: at(h.pods, 1), listen: ['tcp/80'] };
}

const strict = { 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.rp_filter': 1, 'net.ipv4.conf.all.send_redirects': 0 };

function edgeNode(c: Cluster, e: Host): NetworkInput['nodes'][string] {
  const gateway = wan(e);
  return {
    addresses: { eth0: `${e.ip}/24`, pods: `${at(e.pods, 1)}/${lengthOf(e.pods)}` },
    routes: [
      `default via ${gateway} dev eth0`,
      `${net24(e.ip)} dev eth0 proto kernel scope link src ${e.ip}`,
      `${e.pods} dev pods proto kernel scope link src ${at(e.pods, 1)}`,
      ...[c.connector, ...c.clouds].map((h) => `${h.pods} via ${gateway} dev eth0 src ${e.ip}`),
      '',
    ].join('\n'),
    sysctl: strict,
    iptables:
      '*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:KUBE-POSTROUTING - [0:0]\n-A POSTROUTING -j KUBE-POSTROUTING\nCOMMIT\n',
  };
}

/** nat of a cloud node before the generator ran. */
function flannelAndKubeProxy(c: Cluster, h: Host): string {
  return [
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    ':KUBE-SERVICES - [0:0]',
    ':KUBE-POSTROUTING - [0:0]',
    '-A PREROUTING -j KUBE-SERVICES',
    '-A OUTPUT -j KUBE-SERVICES',
    `-A KUBE-SERVICES -d ${SERVICE}/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x4000/0x4000`,
    `-A KUBE-SERVICES -d ${SERVICE}/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination ${podIp(c.clouds[0])}:80`,
    '-A POSTROUTING -j KUBE-POSTROUTING',
    `-A POSTROUTING -s ${c.cloudPods} -d ${c.cloudPods} -j RETURN`,
    `-A POSTROUTING -s ${c.cloudPods} ! -d 224.0.0.0/4 -j MASQUERADE`,
    `-A POSTROUTING ! -s ${c.cloudPods} -d ${h.pods} -j RETURN`,
    `-A POSTROUTING ! -s ${c.cloudPods} -d ${c.cloudPods} -j MASQUERADE`,
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    '-A KUBE-POSTROUTING -j MASQUERADE',
    'COMMIT',
    '',
  ].join('\n');
}

function cloudNode(c: Cluster, h: Host): NetworkInput['nodes'][string] {
  const others = [c.connector, ...c.clouds].filter((x) => x !== h);
  const isConnector = h === c.connector;
  const edgeNet = c.edges[0];
  return {
    links: { tunl0: { kind: 'ipip' } },
    addresses: {
      eth0: `${h.ip}/24`,
      pods: `${at(h.pods, 1)}/${lengthOf(h.pods)}`,
      tunl0: `${tunnelIp(h)}/32`,
      ...(isConnector ? { wan: `${wan(edgeNet)}/24` } : {}),
    },
    routes: [
      `default via ${lanGateway(h)} dev eth0`,
      `${net24(h.ip)} dev eth0 proto kernel scope link src ${h.ip}`,
      `${h.pods} dev pods proto kernel scope link src ${at(h.pods, 1)}`,
      ...others.map((x) => `${x.pods} via ${x.ip} dev tunl0 onlink`),
      ...(isConnector ? [`${net24(edgeNet.ip)} dev wan proto kernel scope link src ${wan(edgeNet)}`] : []),
      ...c.edges.map((e) => (isConnector ? `${e.pods} via ${e.ip} dev wan` : `${e.pods} via ${c.connector.ip} dev tunl0 onlink`)),
      '',
    ].join('\n'),
    sysctl: strict,
    iptables: flannelAndKubeProxy(c, h),
  };
}

/** The whole cluster, with what the generator wrote on every node. */
export function clusterNetwork(c: Cluster, generate: Generator): NetworkInput {
  const hosts = [...c.edges, c.connector, ...c.clouds];
  const node = (h: Host) => (c.edges.includes(h) ? edgeNode(c, h) : cloudNode(c, h));
  return {
    nodes: Object.fromEntries(
      hosts.flatMap((h) => [
        [h.name, node(h)],
        [podOf(h), pod(h)],
      ]),
    ),
    wires: [
      { switch: 'edges', ends: [...c.edges.map((e) => `${e.name}:eth0`), `${c.connector.name}:wan`] },
      { switch: 'cloud', ends: [c.connector, ...c.clouds].map((h) => `${h.name}:eth0`) },
      ...hosts.map((h) => [`${podOf(h)}:eth0`, `${h.name}:pods`]),
    ],
    apply: hosts.flatMap((h) => {
      const o = generate(c, h);
      return [
        { node: h.name, ipset_restore: o.sets },
        { node: h.name, iptables_restore: o.rules, noflush: true },
      ];
    }),
  };
}

/** The regression suite: who talks to whom, and what must become of it. */
export function suite(c: Cluster): PacketInput[] {
  const edge = c.edges[0];
  const cloud = c.clouds[0];
  const plain = { fate: 'answered', masqueraded: false } as const;
  return [
    { name: 'edge pod to cloud pod', from: podOf(edge), ping: podIp(cloud), expect: { ...plain, source: { [podOf(cloud)]: podIp(edge) } } },
    { name: 'cloud pod to edge pod', from: podOf(cloud), ping: podIp(edge), expect: { ...plain, source: { [podOf(edge)]: podIp(cloud) } } },
    { name: 'edge pod to the connector’s pod', from: podOf(edge), ping: podIp(c.connector), expect: plain },
    { name: 'the connector’s pod to edge pod', from: podOf(c.connector), ping: podIp(edge), expect: plain },
    { name: 'edge pod to cloud node', from: podOf(edge), ping: cloud.ip, expect: { fate: 'answered', snat_to: c.connector.ip } },
    { name: 'edge node to cloud pod', from: edge.name, ping: podIp(cloud), expect: { fate: 'answered', snat_to: tunnelIp(c.connector) } },
    { name: 'cloud pod to the world', from: podOf(cloud), ping: '198.51.100.1', expect: { fate: 'held', masqueraded: true } },
    { name: 'a cloud pod to its own service', from: podOf(cloud), tcp: `${SERVICE}:80`, expect: { fate: 'answered', masqueraded: true } },
  ];
}
