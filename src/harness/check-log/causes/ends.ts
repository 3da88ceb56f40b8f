/** Rows about logs that end early or leave lines out. */
import { samePoint } from '../compare.js';
import { type Case, type CauseRow, certain, type Finding, untried } from './case.js';

export const linesLost: CauseRow = {
  id: 'lines-lost',
  about: 'The log leaves lines out and agrees otherwise: the kernel, the journal or an editor dropped them.',
  find(c) {
    if (c.log === null || c.model === null) return [];
    const d = { kind: c.q.log.kind, returns: true };
    let i = c.r.comparison.from + c.at;
    let left = 0;
    for (const l of c.r.walk.lines.slice(c.at)) {
      const from = i;
      while (i < c.lines.length && !samePoint(l, c.lines[i], c.node, d)) i++;
      if (i >= c.lines.length) return [];
      left += i - from;
      i++;
    }
    if (left === 0) return [];
    const said = c.q.log.losses;
    return [
      {
        text: `${left} ${left === 1 ? 'line is' : 'lines are'} missing in the log; all that it has of this packet is in the model’s walk, in order`,
        facts: [said.length > 0 ? `line ${said[0]} of the log says that messages were lost` : 'nothing in the log says that messages were lost'],
        decide: 'dmesg | grep -E "suppressed|dropped"; sysctl kernel.printk_ratelimit; repeat the trace with less traffic, or read /dev/kmsg',
        ...(said.length > 0 ? certain : untried),
      },
    ];
  },
};

export const droppedThere: CauseRow = {
  id: 'dropped-there',
  about: 'The log ends and the model goes on: dropped there, or the log is cut. TRACE of the legacy backend prints no verdict.',
  find(c) {
    const b = c.before;
    if (c.log !== null || !b || !c.model) return [];
    const out: Finding[] = [];
    const last = c.q.log.lines[c.q.log.lines.length - 1];
    if (c.q.log.stopped || b.n === last.n)
      out.push({
        text: 'the log ends here, perhaps in the middle of this packet',
        facts: [`line ${b.n} is its last trace line`],
        decide: 'make the log again, and wait a second before stopping it',
        ...untried,
      });
    if (b.kind !== 'policy' && b.num !== null) {
      const replaced = b.kind === 'rule' || c.rule(b, b.num) !== null;
      out.push({
        text: `on the node ${c.place(b)} dropped the packet (or handed it elsewhere): another rule than the dump’s stood there`,
        facts: [c.ruleFact(b, b.num)],
        decide: c.tool(b).show(b, b.num),
        ...(replaced ? c.tool(b).replace(b, b.num, c.tool(b).words('drop', 'another rule')) : untried),
      });
    }
    out.push({
      text: `the packet was lost on the node behind ${c.place(b)}, where no rule is asked (routing, IPsec policy, a full queue), or the lines that follow were lost`,
      facts: [`the model goes on with ${c.place(c.model)}`],
      decide: 'perf trace -e skb:kfree_skb, or dropwatch -l kas; nstat -az',
      ...untried,
    });
    return out;
  },
};

export const modelEnds: CauseRow = {
  id: 'model-ends',
  about: 'The model’s packet ends where the log goes on.',
  find(c: Case) {
    const d = c.drop();
    if (c.log === null || c.model !== null) return [];
    if (c.r.problem !== null) return [{ text: c.r.problem, facts: [], decide: 'ip route; ip addr; ip -d link', ...untried }];
    if (!d) return [];
    const by = c.dropSpot();
    const rule = by && c.rule(by.at, by.num);
    const out: Finding[] = [
      {
        text: `the model drops the packet there: ${d.reason} (${d.cause})`,
        facts: by && rule ? [`by ${c.rulePlace(by.at, by.num)} ${rule}`] : [],
        decide: `sim explain ${d.cause}`,
        ...untried,
      },
    ];
    if (by && rule)
      out.unshift({
        text: `the dump’s rule ${c.rulePlace(by.at, by.num)}, which drops the packet in the model, was another one when the log was made`,
        facts: [rule],
        decide: c.tool(by.at).show(by.at, by.num),
        ...c.tool(by.at).replace(by.at, by.num, c.tool(by.at).words('accept', 'another rule')),
      });
    return out;
  },
};
