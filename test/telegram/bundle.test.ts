import { describe, expect, it } from 'vitest';
import { bundle } from '../../src/telegram/bundle.ts';

const message = (id: number, body: string) => ({ id, kind: 'k', body, expiresAt: 0 });

describe('Messages that travel together', () => {
  it('are one text, in their order', () => {
    expect(bundle([message(1, 'a'), message(2, 'b')])).toEqual({ html: 'a\n\nb', ids: [1, 2], merged: [] });
  });

  it('are none where there are none', () => {
    expect(bundle([])).toBeUndefined();
  });

  it('say once what says the same, and how often it was', () => {
    const all = [message(1, 'a'), message(2, 'b'), message(3, 'a'), message(4, 'a')];
    expect(bundle(all)).toEqual({ html: 'a\n3 times.\n\nb', ids: [1, 2], merged: [3, 4] });
  });

  it('are no more than Telegram takes at once; the rest waits', () => {
    const all = Array.from({ length: 30 }, (_, index) => message(index, `${index} ${'x'.repeat(400)}`));
    const first = bundle(all);
    expect(first?.html.length).toBeLessThanOrEqual(4096);
    expect(first?.ids.length).toBeGreaterThan(5);
    const rest = all.filter(({ id }) => !first?.ids.includes(id));
    expect(bundle(rest)?.ids[0]).toBe(first?.ids.length);
  });

  it('are one at least, however long it is', () => {
    expect(bundle([message(1, 'x'.repeat(5000)), message(2, 'b')])?.ids).toEqual([1]);
  });
});
