/** Flags of a link as `ip` prints them, and whether frames pass (dev_get_flags()). */
import { expect, it } from 'vitest';
import { readIpLink } from '../../src/formats/ip-link.js';
import { deviceOf } from '../../src/link/device.js';

it.each([
  ['BROADCAST,MULTICAST,UP,LOWER_UP', true],
  ['NO-CARRIER,BROADCAST,MULTICAST,UP', false],
  // Right after it came up: the operational state is still to follow.
  ['NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP', true],
  ['BROADCAST,MULTICAST', true],
])('%s: carrier %s', (flags, carrier) => {
  const text = `2: eth0: <${flags}> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff\n`;
  expect(deviceOf(readIpLink(text, { file: 'ip-link' }).value[0]).carrier).toBe(carrier);
});
