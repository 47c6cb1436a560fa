import { expect, it, vi } from 'vitest';
import { createSocketRegistry, type RegisteredSocket } from '../../src/sessions/socket-registry.ts';

const owner = {
  userId: 'asha',
  username: 'asha',
  sid: undefined,
  key: undefined,
  epoch: 0,
  loginTime: 0,
  endsAt: Number.POSITIVE_INFINITY,
};
const REVOKED = { code: 4401, reason: 'revoked' } as const;
const SCOPE = { kind: 'account', userId: 'asha', throughEpoch: 0 } as const;

it('A revocation of many sockets ends handshakes before the first of them, and counts sockets alone', async () => {
  const sockets = createSocketRegistry();
  const sequence: string[] = [];
  const add = (name: string, isOpen: boolean): void => {
    const socket: RegisteredSocket = {
      owner,
      end: vi.fn(() => void sequence.push(name)),
      isOpen,
      tend: () => undefined,
    };
    sockets.add(socket);
  };
  for (let count = 0; count < 250; count += 1) add('socket', true);
  add('handshake', false);

  const ending = sockets.endInScope(SCOPE, REVOKED);
  // In the same turn: what is let in afterwards was judged after the revocation was stored.
  expect(sequence[0]).toBe('handshake');
  expect(await ending).toBe(250);
  expect(sequence).toHaveLength(251);
});
