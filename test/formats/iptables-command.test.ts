/** iptables' commands on a ruleset, with libiptc's answers (recorded from iptables-legacy 1.8.9). */
import { expect, test } from 'vitest';
import { splitShellWords } from '../../src/base/shell-words.js';
import { applyIptablesCommand } from '../../src/formats/iptables-command.js';
import { writeIptablesSave } from '../../src/formats/iptables-save.js';
import type { XtRuleset } from '../../src/netfilter/xtables/model.js';

const EMPTY: XtRuleset = { family: 'ipv4', tables: [] };

/** Runs commands in turn; the rules and user chains at the end, or the first error. */
function run(...commands: string[]): string[] | string {
  let ruleset = EMPTY;
  for (const c of commands) {
    const { value, diagnostics } = applyIptablesCommand(splitShellWords(c) ?? [], ruleset);
    const error = diagnostics.find((d) => d.severity === 'error');
    if (error) {
      expect(value.ruleset).toBe(ruleset);
      return error.message;
    }
    ruleset = value.ruleset;
  }
  return writeIptablesSave(ruleset)
    .split('\n')
    .filter((l) => /^(-A|:\S+ -|:\S+ DROP)/.test(l));
}

test.each([
  [
    ['-A INPUT -j ACCEPT', '-I INPUT -j DROP'],
    ['-A INPUT -j DROP', '-A INPUT -j ACCEPT'],
  ],
  [['-A INPUT -j ACCEPT', '-A INPUT -j DROP', '-D INPUT 1'], ['-A INPUT -j DROP']],
  [['-A INPUT -p tcp --dport 80 -j ACCEPT', '-D INPUT -j ACCEPT -m tcp --dport 80 -p tcp'], []],
  [['-A INPUT -p 6 -j ACCEPT', '-D INPUT -p tcp -j ACCEPT'], []],
  [['-A INPUT -j ACCEPT', '-R INPUT 1 -s 10.0.0.0/8 -j DROP'], ['-A INPUT -s 10.0.0.0/8 -j DROP']],
  [['-A INPUT -j ACCEPT', '-R INPUT 2 -j DROP'], 'iptables: Index of replacement too big.'],
  [['-D INPUT 1'], 'iptables: Index of deletion too big.'],
  [['-I INPUT 3 -j DROP'], 'iptables: Index of insertion too big.'],
  [['-D INPUT -j DROP'], 'iptables: Bad rule (does a matching rule exist in that chain?).'],
  [['-C INPUT -j DROP'], 'iptables: Bad rule (does a matching rule exist in that chain?).'],
  [['-A INPUT -j DROP', '-C INPUT -j DROP'], ['-A INPUT -j DROP']],
  [['-A NOPE -j DROP'], 'iptables: No chain/target/match by that name.'],
  [['-N U', '-N U'], 'iptables: Chain already exists.'],
  [['-N U', '-A U -j DROP', '-X U'], 'iptables: Directory not empty.'],
  [['-N U', '-A INPUT -j U', '-X U'], 'iptables: Too many links.'],
  [['-N U', '-A INPUT -j U', '-F', '-X'], []],
  [
    ['-N U', '-A INPUT -j U', '-E U V'],
    [':V - [0:0]', '-A INPUT -j V'],
  ],
  [['-P INPUT DROP'], [':INPUT DROP [0:0]']],
  [['-P INPUT REJECT'], "iptables: Bad policy name. Run `dmesg' for more information."],
  [['-P FOO DROP'], 'iptables: Bad built-in chain name.'],
  [['-P INPUT'], '-P requires a chain and a policy'],
  [['-E a b'], 'iptables: No chain/target/match by that name.'],
  [['-E INPUT b'], 'iptables: No chain/target/match by that name.'],
  [['-X INPUT'], "iptables: Invalid argument. Run `dmesg' for more information."],
  [['-I INPUT 0 -j DROP'], "Invalid rule number `0'"],
  [['-I INPUT x -j DROP'], "Invalid rule number `x'"],
  [['-R INPUT -j DROP'], '-R requires a rule number'],
  [['-Z INPUT 5'], 'iptables: Index of counter too big.'],
  [['-F FOO'], 'iptables: No chain/target/match by that name.'],
  [['-C FOO -j DROP'], 'iptables: Bad rule (does a matching rule exist in that chain?).'],
  [['-N "a b"'], "Invalid chain name `a b'"],
  [['-N abcdefghijklmnopqrstuvwxyz0123456789'], "chain name `abcdefghijklmnopqrstuvwxyz0123456789' too long (must be under 29 chars)"],
  [['-N'], 'option "-N" requires an argument'],
  [['-N U', '-A U -j U', '-A INPUT -j U'], 'iptables: Too many levels of symbolic links.'],
  [['-t nat -A PREROUTING -j REJECT'], "iptables: Invalid argument. Run `dmesg' for more information."],
  [['-t nope -A PREROUTING -j ACCEPT'], "can't initialize iptables table `nope': Table does not exist (do you need to insmod?)"],
  [['-A INPUT -j DROP -A OUTPUT'], 'Cannot use -A with -A'],
  [['-P INPUT DROP -j ACCEPT'], "Illegal option `-j' with this command"],
  [['-N ACCEPT'], 'chain name may not clash with target name'],
  [['-N -x'], "chain name not allowed to start with `-'"],
  [[''], 'no command specified'],
])('%j', (commands, want) => {
  expect(run(...commands)).toEqual(want);
});
