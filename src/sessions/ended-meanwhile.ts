import { AppError } from '../errors.ts';
import { SessionEndedError } from './session-storage.ts';

/** A request whose session ended while it ran: what it wanted to remember is dropped, and the person signs in again. */
export function endedMeanwhile(error: unknown): AppError | undefined {
  if (!(error instanceof SessionEndedError)) return undefined;
  return new AppError('session_expired', 'The session ended while this was in progress. Sign in again.', {
    cause: error,
  });
}
