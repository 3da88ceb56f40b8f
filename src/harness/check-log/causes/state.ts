/** Rows about what else a decision rests on: routes, addresses, connection tracking, marks. */
import { addrBits, formatAddr } from '../../../base/addr.js';
import type { FlowBefore } from '../flows.js';
import { isNat } from '../places.js';
import { byCommands, type Case, type CauseRow, type Finding, untried } from './case.js';

const ipOf = (c: Case): string => (c.family === 'ipv6' ? 'ip -6' : 'ip');

export const routeDiffers: CauseRow = {
  id: 'route',
  about: 'The packet leaves by another device than in the model, or is for this node in the one and not in the other.',
  find(c) {
    const p = c.log?.packet;
    const m = c.model;
    if (!p) return routeBack(c);
    const dst = formatAddr(p.dst);
    const full = `${dst}/${addrBits(c.family)}`;
    const get = `${ipOf(c)} route get ${dst}${p.in === '' ? '' : ` from ${formatAddr(p.src)} iif ${p.in}`}${p.mark ? ` mark 0x${p.mark.toString(16)}` : ''}; ip rule; ${ipOf(c)} route show table all`;
    const out: Finding[] = [];
    const drop = c.drop();
    const forwarded = p.out !== '' && (m === null || m.packet.out !== p.out);
    if (forwarded) {
      const fact =
        m === null
          ? `the model’s packet ends: ${drop?.reason ?? 'nothing more is traced'}`
          : m.packet.out === ''
            ? 'the model delivers it to this node'
            : `the model sends it out of ${m.packet.out}`;
      out.push({
        text: `the node’s route to ${dst} led out of ${p.out}`,
        facts: [fact],
        decide: get,
        ...byCommands(`${ipOf(c)} route replace ${full} dev ${p.out}`),
      });
      if (m?.hook === 'INPUT')
        out.push({
          text: `${dst} was no address of the node when the log was made`,
          facts: [fact],
          decide: `${ipOf(c)} addr show`,
          ...byCommands(...c.node.addrs.filter((a) => a.local === p.dst).map((a) => `${ipOf(c)} addr del ${dst}/${a.prefixlen} dev ${a.dev}`)),
        });
    } else if (p.out === '' && m?.hook === 'FORWARD')
      out.push({
        text: `${dst} was an address of the node when the log was made`,
        facts: [`the model forwards it to ${m.packet.out}`],
        decide: `${ipOf(c)} addr show`,
        ...byCommands(`${ipOf(c)} addr add ${full} dev ${p.in}`),
      });
    return [...out, ...routeBack(c)];
  },
};

/** Source validation drops it in the model: a route back would let it pass. */
function routeBack(c: Case): Finding[] {
  const d = c.drop();
  const p = c.log?.packet;
  if (!p || c.model !== null || (d?.cause !== 'rp-filter' && d?.cause !== 'source-unroutable')) return [];
  const src = formatAddr(p.src);
  return [
    {
      text: `the node had a route back to ${src} over ${p.in}`,
      facts: [
        `the model’s route to ${src} ${d.facts.reverse_dev === null ? 'does not exist' : `leads out of ${d.facts.reverse_dev}`}, and source validation drops the packet`,
      ],
      decide: `ip route get ${src}; ip rule`,
      ...byCommands(`${ipOf(c)} route replace ${src}/${addrBits(c.family)} dev ${p.in}`),
    },
  ];
}

const flowText: Readonly<Record<FlowBefore, string>> = {
  original: 'the flow was known to connection tracking before the log began (this packet is of its original direction)',
  reply: 'the flow was known to connection tracking before the log began (this packet answers it)',
  answered: 'the flow had been answered by a packet that the log does not show',
  gone: 'the flow was new again: its entry of before had timed out or was deleted',
};
const STATE = /--(ct)?state|\bct (state|status|direction|expiration|mark|zone|original|reply)\b/;

export const conntrackState: CauseRow = {
  id: 'conntrack',
  about: 'The flow’s state was another: known before, answered, or new.',
  find(c) {
    const byState = c.deciding().some((d) => STATE.test(c.rule(d.at, d.num) ?? ''));
    const natModel = isNat(c.node, c.model);
    const nat = natModel !== isNat(c.node, c.log);
    if ((!byState && !nat) || c.a.walks.get(c.r.walk.n)?.flow) return [];
    const facts = nat
      ? [`only the ${natModel ? 'model' : 'log'} shows a nat chain here, which only the first packet of a flow passes`]
      : ['a rule that asks for the flow’s state decides here'];
    return (['original', 'reply', 'answered', 'gone'] as const).map((flow) => ({
      text: flowText[flow],
      facts,
      decide: 'conntrack -L (take it with the dump), and start the log before the flow',
      commands: [],
      change: (a) => ({ ...a, walks: new Map(a.walks).set(c.r.walk.n, { ...a.walks.get(c.r.walk.n), flow }) }),
    }));
  },
};

/** Fields that only rules change. */
const CHANGED = new Set(['MARK', 'DST', 'SRC', 'SPT', 'DPT', 'TTL', 'TOS', 'LEN']);

export const fieldDiffers: CauseRow = {
  id: 'field',
  about: 'The same point with another mark, address or port: a rule before it changed the packet otherwise.',
  find(c) {
    const fields = c.fields.filter((f) => CHANGED.has(f.field));
    if (fields.length === 0 || !c.before) return [];
    const shown = fields.map((f) => `${f.field} is ${f.log || 'absent'} in the log, ${f.model || 'absent'} in the model`);
    const b = c.before;
    const num = c.modelBefore?.num ?? b.num;
    return [
      {
        text: `a rule since ${c.place(b)} or there changes the packet otherwise than on the node`,
        facts: [...shown, ...(num === null ? [] : [c.ruleFact(b, num)])],
        decide: c.isNative(b)
          ? 'nft -a list ruleset'
          : `${c.iptables}-save -t ${b.table}${fields.some((f) => /SRC|DST|PT/.test(f.field)) ? `; ${c.iptables}-save -t nat` : ''}`,
        ...untried,
      },
    ];
  },
};
