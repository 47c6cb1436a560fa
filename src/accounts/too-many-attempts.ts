import { AppError } from '../errors.ts';
import { waitInWords } from '../http/wait-in-words.ts';

/** For a visitor who has to wait before they try again. */
export function tooManyAttempts(retryAfterSeconds: number): AppError {
  const message = `Too many attempts. Try again in ${waitInWords(retryAfterSeconds)}.`;
  return new AppError('rate_limited', message, { retryAfterSeconds });
}
