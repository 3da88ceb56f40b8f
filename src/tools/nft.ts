/** nft(8): a node's listing is read, commands are not carried out. */
import { attempt, Refusal } from './refusal.js';
import { complained, type Tool } from './tool.js';

const NAMES = ['nft', 'arptables'];
const sentence = (name: string): string => `${name} commands are not supported`;
const hint = 'iptables, ip6tables, ipset and ebtables are; a node may state its nft rule set in its dumps';

const tools: readonly Tool[] = [
  {
    names: NAMES,
    change: (n, c) =>
      attempt(n, c, () => {
        throw new Refusal(sentence(c.name), { code: 'not-supported', word: c.name, hint });
      }),
    answer: (_n, c) => complained(`sim: ${sentence(c.name)} (${hint})`, 2),
  },
];

export const nftTools = (): readonly Tool[] => tools;
