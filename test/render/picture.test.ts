import { describe, expect, it } from 'vitest';
import { drawPacketFlow } from '../../src/render/picture.js';
import { packetFlow } from '../../src/stack/packet-flow.js';

describe('the picture draws itself', () => {
  const lines = drawPacketFlow().split('\n');

  it('has every box once, with its hook', () => {
    for (const [name, b] of Object.entries(packetFlow)) {
      const drawn = lines.filter((l) => l.trim().startsWith(`${name}[`));
      expect(drawn, name).toHaveLength(1);
      if (b.hook) expect(drawn[0]).toContain(b.hook);
    }
  });

  it('has an arrow for every outcome that leads on, and no other', () => {
    const arrows = lines.filter((l) => l.includes('-->')).map((l) => l.trim());
    const wanted = Object.entries(packetFlow).flatMap(([from, b]) =>
      Object.entries(b.next).flatMap(([o, to]) => (to === null ? [] : [o === to ? `${from} --> ${to}` : `${from} -->|${o}| ${to}`])),
    );
    expect(arrows).toEqual(wanted);
  });

  it('is deterministic and small', () => {
    expect(drawPacketFlow()).toBe(drawPacketFlow());
    expect(lines.length).toBeLessThan(300);
  });
});
