import type { Receipt } from '../core/revocation.ts';
import { AppError } from '../errors.ts';
import { isDatabaseFailure } from '../storage/database-failure.ts';

/** The request, as the sentence on the page says that it failed. */
export type Asked = 'You are not signed out yet.' | 'The device is not signed out yet.';

const RETRY_AFTER_SECONDS = 5;

/** Never say that it is done while a session could still be used: throws `unavailable` unless all are ended. */
export function requireEnded(receipt: Receipt, asked: Asked): void {
  const sessions = receipt.lines.find((line) => line.step === 'sessions');
  if (sessions?.status !== 'done') throw storedForLater(asked);
}

/** The revocation is in the database; what it ends does not answer. */
export function storedForLater(asked: Asked, cause?: unknown): AppError {
  return new AppError(
    'unavailable',
    `${asked} The session store does not answer. The revocation is stored and is carried out as soon as it does: there is nothing more to do.`,
    { cause, retryAfterSeconds: RETRY_AFTER_SECONDS },
  );
}

/** Runs a revocation; where it could not be stored, or the server cannot tell whether it was, the answer says so. */
export async function revokeOrExplain<T>(asked: Asked, revocation: () => Promise<T>): Promise<T> {
  try {
    return await revocation();
  } catch (error) {
    const away = isDatabaseFailure(error) || (error instanceof AppError && error.code === 'unavailable');
    throw away ? notEndedYet(asked, error) : error;
  }
}

/** Nothing was stored that could be relied on. */
export function notEndedYet(asked: Asked, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    `${asked} The server cannot reach its database or its session store right now: try again in a moment.`,
    { cause, retryAfterSeconds: RETRY_AFTER_SECONDS },
  );
}
