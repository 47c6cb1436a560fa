import type { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { ENDS } from '../core/close-codes.ts';
import { toIstIso } from '../core/ist.ts';
import { AppError } from '../errors.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import type { FeedSocket } from './feed-socket.ts';
import { type ClientMessage, clientMessage, PROTOCOL_VERSION } from './messages.ts';
import type { PriceDesk } from './prices/price-desk.ts';
import type { SocketStanding } from './socket-standing.ts';

export interface ConversationDeps {
  /** SOCKET_RATE_LIMIT, by user. */
  readonly limiter: CompoundLimiter;
  readonly standing: Pick<SocketStanding, 'judge'>;
  readonly prices: PriceDesk;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** So many messages of one socket may wait for their turn. */
const MOST_WAITING = 200;

/** Answers the messages of a socket, one after the other. */
export type Converse = (socket: FeedSocket) => void;

export function createConversation(deps: ConversationDeps): Converse {
  const { limiter, standing, prices, clock, onError } = deps;

  async function answer(socket: FeedSocket, text: string): Promise<void> {
    const taking = await limiter.take(socket.owner.userId);
    if (taking.kind === 'limited') return socket.end(ENDS.tooManyMessages);
    const json = parseJson(text);
    const parsed = clientMessage.safeParse(json);
    if (!parsed.success) return refuse(socket, idOf(json), problemOf(parsed.error, json));
    try {
      const { broker, afterwards } = await carryOut(socket, parsed.data);
      const ofBroker = broker === undefined ? {} : { broker };
      const time = toIstIso(clock.now());
      socket.send({ v: PROTOCOL_VERSION, type: 'ack', id: parsed.data.id, time, ...ofBroker });
      afterwards?.();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const [field] = Object.keys(error.fields ?? {});
      refuse(socket, parsed.data.id, { error: error.code, field, message: error.message });
    }
  }

  async function carryOut(socket: FeedSocket, message: ClientMessage): Promise<Outcome> {
    switch (message.type) {
      case 'subscribe': {
        // The session or key may be over, whether or not a message about it has come.
        const end = await standing.judge(socket.owner);
        if (end !== undefined) socket.end(end);
        if (socket.hasEnded) return {};
        const { broker, showLast } = await prices.subscribe(socket, message);
        return { broker, afterwards: showLast };
      }
      case 'unsubscribe':
        await prices.unsubscribe(socket, message);
        return {};
      case 'ping':
        return {};
    }
  }

  function fail(socket: FeedSocket, text: string, error: unknown): void {
    if (!(error instanceof AppError)) onError(error);
    const message = error instanceof AppError ? error.message : 'The message could not be carried out.';
    refuse(socket, idOf(parseJson(text)), { error: 'unavailable', message });
  }

  return function converse(socket) {
    let waiting = 0;
    let turn = Promise.resolve();
    socket.onText((text) => {
      waiting += 1;
      if (waiting > MOST_WAITING) return socket.end(ENDS.tooManyMessages);
      turn = turn
        .then(() => answer(socket, text))
        .catch((error: unknown) => fail(socket, text, error))
        .finally(() => {
          waiting -= 1;
        });
    });
  };
}

/** The answer, and the step after it. */
interface Outcome {
  readonly broker?: string;
  readonly afterwards?: () => void;
}

interface Problem {
  readonly error: string;
  readonly field?: string | undefined;
  readonly message: string;
}

function refuse(socket: FeedSocket, id: string | undefined, { error, field, message }: Problem): void {
  socket.send({
    v: PROTOCOL_VERSION,
    type: 'error',
    ...(id === undefined ? {} : { id }),
    error,
    ...(field === undefined ? {} : { field }),
    message,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function idOf(json: unknown): string | undefined {
  const id = typeof json === 'object' && json !== null && 'id' in json ? json.id : undefined;
  return typeof id === 'string' && id !== '' && id.length <= 64 ? id : undefined;
}

const NO_JSON: Problem = { error: 'invalid', message: 'Send one JSON object in each text frame.' };

function problemOf(error: z.ZodError, json: unknown): Problem {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return NO_JSON;
  const [issue] = error.issues;
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue?.path;
  const field = path?.map(String).join('.').slice(0, 100);
  return { error: 'invalid', field, message: `${field}: ${issue?.message ?? 'is not accepted'}` };
}
