import { describe, expect, it } from 'vitest';
import type { KeyUse } from '../../src/api/api-key-store.ts';
import { createKeyUsage } from '../../src/api/key-usage.ts';
import { createRecordingLog } from '../http/recording-log.ts';

describe('when keys were last used', () => {
  function create({ failing = false } = {}) {
    const written: (readonly KeyUse[])[] = [];
    const state = { failing, written };
    const store = {
      async noteUses(uses: readonly KeyUse[]) {
        if (state.failing) throw new Error('The database is away');
        written.push(uses);
      },
    };
    return { state, usage: createKeyUsage({ store, log: createRecordingLog() }) };
  }

  it('is written for all keys at once, the latest use of each', async () => {
    const { state, usage } = create();
    usage.note({ id: 'one', at: 1, address: '10.0.0.1' });
    usage.note({ id: 'two', at: 2, address: '10.0.0.1' });
    usage.note({ id: 'one', at: 3, address: '10.0.0.2' });
    expect(state.written).toEqual([]);
    await usage.flush();
    expect(state.written).toEqual([
      [
        { id: 'one', at: 3, address: '10.0.0.2' },
        { id: 'two', at: 2, address: '10.0.0.1' },
      ],
    ]);
    await usage.flush();
    expect(state.written).toHaveLength(1);
  });

  it('is not forgotten when it could not be written, and gives way to what came since', async () => {
    const { state, usage } = create({ failing: true });
    usage.note({ id: 'one', at: 1, address: '10.0.0.1' });
    usage.note({ id: 'two', at: 1, address: '10.0.0.1' });
    await expect(usage.flush()).rejects.toThrow('away');
    usage.note({ id: 'one', at: 2, address: '10.0.0.1' });
    state.failing = false;
    await usage.flush();
    expect(state.written.flat().map(({ id, at }) => `${id} ${at}`)).toEqual(['one 2', 'two 1']);
  });

  it('is written when the server closes', async () => {
    const { state, usage } = create();
    usage.start();
    usage.note({ id: 'one', at: 1, address: '10.0.0.1' });
    await usage.stop();
    expect(state.written.flat()).toHaveLength(1);
  });
});
