import { CLOSE_CODES, type SocketEnd } from '../core/close-codes.ts';
import { AppError } from '../errors.ts';

/** The refusal of a handshake whose socket would have ended already. */
export function socketRefusal({ code, reason }: SocketEnd): AppError {
  if (code === CLOSE_CODES.ended && reason === 'key_ended')
    return new AppError('bad_api_key', 'The API key was revoked or has expired.');
  if (code === CLOSE_CODES.ended)
    return new AppError('session_expired', 'The session has ended. Sign in again.');
  if (code === CLOSE_CODES.restarting) return new AppError('unavailable', CLOSING, { retryAfterSeconds: 2 });
  return new AppError('forbidden', 'This API key may not be used from here, or not for this.');
}

const CLOSING = 'This server is about to stop. Nothing was lost: try again in a moment.';
