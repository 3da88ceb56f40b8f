/** Rows about sysctls: the model and the node decide alike, from other settings. */
import { nfCall } from '../../../render/because.js';
import type { Cause } from '../../../trace/cause.js';
import { byCommands, type Case, type CauseRow, type Finding } from './case.js';

/** As a fact: what the dump says of a sysctl, or that it does not. */
function stated(c: Case, name: string): string {
  const path = name.replaceAll('.', '/');
  const s = c.node.sysctls.find((x) => x.name === path);
  return s ? `the dump says ${name} = ${s.value}` : `${name} is not in the dump, so the model takes the kernel’s default`;
}

const sysctl = (c: Case, text: string, names: readonly string[], value: number, fact: string): Finding => ({
  text,
  facts: [fact, ...names.map((n) => stated(c, n))],
  decide: `sysctl ${names.join(' ')}`,
  ...byCommands(...names.map((n) => `sysctl -w ${n}=${value}`)),
});

const input = (c: Case): string => c.r.walk.lines[0].packet.in;
const conf = (c: Case, dev: string, name: string): string => `net.${c.family}.conf.${dev}.${name}`;

export const bridgeCalls: CauseRow = {
  id: 'bridge-nf-call',
  about: 'Bridged packets pass iptables on the node and not in the model, or the other way round.',
  find(c) {
    const p = c.log?.packet ?? c.r.walk.lines[0].packet;
    const model = c.model?.packet;
    const name = nfCall(c.family === 'ipv6');
    if (p.physin !== '' && (!model || model.physin === ''))
      return [sysctl(c, `bridged packets passed iptables on the node: ${name} was 1`, [name], 1, `the log shows PHYSIN=${p.physin}, the model does not`)];
    if (p.physin === '' && model !== undefined && model.physin !== '')
      return [
        sysctl(c, `bridged packets did not pass iptables on the node: ${name} was 0`, [name], 0, `the model shows PHYSIN=${model.physin}, the log does not`),
      ];
    return [];
  },
};

/** Drops of the model that a sysctl would have prevented. */
const prevents: ReadonlyMap<Cause, (c: Case) => Finding[]> = new Map<Cause, (c: Case) => Finding[]>([
  ['rp-filter', (c) => looserRpFilter(c)],
  ['source-unroutable', (c) => looserRpFilter(c)],
  ['forwarding-off', (c) => [sysctl(c, 'forwarding was on', [c.family === 'ipv4' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding'], 1, goesOn(c))]],
  ['localnet', (c) => [sysctl(c, 'route_localnet was on', [conf(c, input(c), 'route_localnet')], 1, goesOn(c))]],
  ['source-is-ours', (c) => [sysctl(c, 'accept_local was on', [conf(c, input(c), 'accept_local')], 1, goesOn(c))]],
  ['icmp-ignored', (c) => [sysctl(c, 'echo requests were answered', ['net.ipv4.icmp_echo_ignore_all'], 0, goesOn(c))]],
]);
const goesOn = (c: Case): string => `the model drops the packet (${c.drop()?.reason ?? ''}), the log goes on`;

function looserRpFilter(c: Case): Finding[] {
  const names = [conf(c, 'all', 'rp_filter'), conf(c, input(c), 'rp_filter')];
  const mark = conf(c, 'all', 'src_valid_mark');
  return [
    sysctl(c, `source validation was off on ${input(c)} (rp_filter 0)`, names, 0, goesOn(c)),
    sysctl(c, `source validation was loose on ${input(c)} (rp_filter 2)`, names, 2, goesOn(c)),
    sysctl(c, 'source validation looked at the mark (src_valid_mark 1)', [mark], 1, goesOn(c)),
  ];
}

export const sysctlOff: CauseRow = {
  id: 'sysctl',
  about: 'The model drops a packet by a sysctl, and the log goes on.',
  find(c) {
    const d = c.drop();
    return c.model === null && c.log !== null && d ? (prevents.get(d.cause)?.(c) ?? []) : [];
  },
};

/** The log ends behind PREROUTING, where routing and source validation stand. */
export const sysctlOn: CauseRow = {
  id: 'sysctl-drop',
  about: 'The log ends at the routing decision and the model goes on: source validation or forwarding.',
  find(c) {
    const { before, model } = c;
    if (c.log !== null || !before || !model || c.modelBefore?.hook !== 'PREROUTING' || model.hook === 'PREROUTING') return [];
    const fact = `the log ends in PREROUTING, before the routing decision; the model goes on to ${model.hook}`;
    const out: Finding[] = [];
    if (c.family === 'ipv4')
      out.push(sysctl(c, `source validation was strict on ${input(c)} (rp_filter 1) and dropped it`, [conf(c, input(c), 'rp_filter')], 1, fact));
    if (model.hook === 'FORWARD')
      out.push(sysctl(c, 'forwarding was off', [c.family === 'ipv4' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding'], 0, fact));
    return out;
  },
};
