/** Packet marks: `0x63`, `99`. */
import type { Skb } from '../../../packet/skb.js';
import { parseNumber } from '../ext.js';

export const parseMarkPart = (text: string): number => parseNumber(text, 0, 0xffffffff);
export const printMark = (mark: number): string => `0x${mark.toString(16).padStart(8, '0')}`;
export const markOfPacket = (skb: Skb): number => skb.mark >>> 0;
