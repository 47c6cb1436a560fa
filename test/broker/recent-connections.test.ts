import { expect, it } from 'vitest';
import { createRecentConnections } from '../../src/broker/recent-connections.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { MORNING } from './broker-world.ts';

it('The connections of a person are read once for each request, and again for the next', async () => {
  const asked: string[] = [];
  const listRecent = async (userId: string, since: number) => {
    asked.push(`${userId} since ${new Date(since).toISOString()}`);
    return [];
  };
  const recent = createRecentConnections({ tokens: { listRecent }, clock: createSettableClock(MORNING) });
  const [request, next] = [{}, {}];
  await Promise.all([recent('asha', request), recent('asha', request)]);
  await recent('asha', request);
  expect(asked).toEqual(['asha since 2026-11-10T03:45:00.000Z']);
  await recent('asha', next);
  await recent('asha');
  await recent('asha');
  expect(asked).toHaveLength(4);
});
