import { AppError, unavailable } from '../errors.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import { isDatabaseFailure, isUnstorableText } from '../storage/database-failure.ts';

/** Errors that the features below throw as they come, in the words of the contract; undefined for a surprise. */
export function toKnownFailure(error: unknown): AppError | undefined {
  if (error instanceof SessionEndedError) {
    const words = 'The session ended while this was in progress. Sign in again.';
    return new AppError('session_expired', words, { cause: error });
  }
  if (isUnstorableText(error)) {
    const words = 'The request could not be read: it has a character in it that no text has.';
    return new AppError('invalid', words, { fields: {}, cause: error });
  }
  return isDatabaseFailure(error) ? unavailable('The database', error) : undefined;
}
