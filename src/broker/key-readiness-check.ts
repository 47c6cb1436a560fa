import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND_MS } from '../core/duration.ts';
import type { Bus, BusMessage } from '../storage/bus.ts';
import type { TokenCipher } from './token-cipher.ts';

/** Answers of the running servers to the question whether they read ciphertexts of the newest key. */
export interface RollCall {
  readonly able: number;
  readonly unable: number;
}

/** Asks every running server, and waits for as long as they may take. One that hangs says nothing and is not counted. */
export type CheckKeyReadiness = () => Promise<RollCall>;

export interface RollCallDeps {
  readonly bus: Pick<Bus, 'publish' | 'onMessage'>;
  readonly cipher: TokenCipher;
  readonly waitMs?: number;
}

/** Well above the half second after which a message through the database is heard, there and back. */
const WAIT_MS = 2.5 * SECOND_MS;

/** Stands for no broker: its key is derived like theirs, and protects nothing. */
const NO_BROKER = '*';

/**
 * Rotating keys beside a server that was not started with the new one would take all tokens and app keys
 * from under it: what it cannot read, it has people enter again. So the rotation asks first.
 */
export function createKeyReadinessCheck(deps: RollCallDeps): CheckKeyReadiness {
  const { bus, cipher, waitMs = WAIT_MS } = deps;
  const { encrypt, decrypt } = cipher.forBroker(NO_BROKER);
  let underWay: { readonly id: string; readonly answers: boolean[] } | undefined;

  bus.onMessage((message) => {
    if (message.kind === 'keys.answer' && message.id === underWay?.id)
      underWay.answers.push(message.readable);
    // The asking server goes by the answers that came: it does not wait for this one.
    if (message.kind === 'keys.question') answer(message).catch(() => undefined);
  });

  async function answer(question: Extract<BusMessage, { kind: 'keys.question' }>): Promise<void> {
    const readable = decrypt(question.ciphertext).kind === 'ok';
    await bus.publish({ kind: 'keys.answer', id: question.id, readable });
  }

  return async function callRoll() {
    const id = randomUUID();
    underWay = { id, answers: [] };
    const { answers } = underWay;
    await bus.publish({ kind: 'keys.question', id, ciphertext: encrypt(id) });
    await sleep(waitMs);
    underWay = undefined;
    const able = answers.filter((readable) => readable).length;
    return { able, unable: answers.length - able };
  };
}
