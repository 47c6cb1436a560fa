import { expect, it, vi } from 'vitest';
import { unavailable } from '../../src/errors.ts';
import { createConversation } from '../../src/feed/conversation.ts';
import type { FeedSocket } from '../../src/feed/feed-socket.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const PING = JSON.stringify({ v: 1, type: 'ping', id: 'p' });
const SUBSCRIBE = JSON.stringify({ v: 1, type: 'subscribe', id: 's', symbols: ['NSE:INFY'] });

it('answers with the id of the message where a store is away, and says of a surprise what was lost', async () => {
  const surprise = new Error('No such table');
  const take = vi.fn().mockRejectedValueOnce(unavailable('The feed')).mockResolvedValue({ kind: 'taken' });
  const onError = vi.fn();
  const converse = createConversation({
    limiter: { take } as never,
    standing: { judge: vi.fn().mockRejectedValue(surprise) },
    prices: {} as never,
    clock: createSettableClock('2026-11-23T10:00:00+05:30'),
    onError,
  });
  const said: unknown[] = [];
  let hear = (_text: string): void => undefined;
  converse({
    owner: { userId: 'asha' },
    hasEnded: false,
    send: (message: unknown) => said.push(message),
    onText: (listener: (text: string) => void) => {
      hear = listener;
    },
  } as unknown as FeedSocket);
  hear(PING);
  hear(SUBSCRIBE);
  hear(PING);
  await eventually(() => expect(said).toHaveLength(3));
  expect(said).toEqual([
    expect.objectContaining({ type: 'error', id: 'p', error: 'unavailable' }),
    expect.objectContaining({ type: 'error', id: 's', error: 'unavailable' }),
    expect.objectContaining({ type: 'ack', id: 'p' }),
  ]);
  expect(onError).toHaveBeenCalledExactlyOnceWith(surprise);
});
