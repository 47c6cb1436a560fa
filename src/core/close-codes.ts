import type { RevocationReason } from './revocation.ts';

/** Why a socket is closed, as docs/websocket.md explains it to the authors of programs. */
export const CLOSE_CODES = {
  ended: 4401,
  forbidden: 4403,
  noPong: 4408,
  overLimit: 4409,
  tooLarge: 4413,
  tooManyMessages: 4429,
  restarting: 4503,
} as const;
export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES];

export const CLOSE_REASONS = [
  'cutoff',
  'idle',
  'revoked',
  'logged_out',
  'key_ended',
  'forbidden',
  'no_pong',
  'not_reading',
  'over_limit',
  'too_large',
  'too_many_messages',
  'restarting',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

export interface SocketEnd {
  readonly code: CloseCode;
  readonly reason: CloseReason;
}

/** The end of a socket whose session or account was revoked. */
export function endByRevocation(reason: RevocationReason): SocketEnd {
  if (reason === 'cutoff' || reason === 'idle' || reason === 'logged_out')
    return { code: CLOSE_CODES.ended, reason };
  return { code: CLOSE_CODES.ended, reason: 'revoked' };
}

export const ENDS = {
  cutoff: { code: CLOSE_CODES.ended, reason: 'cutoff' },
  idle: { code: CLOSE_CODES.ended, reason: 'idle' },
  revoked: { code: CLOSE_CODES.ended, reason: 'revoked' },
  keyEnded: { code: CLOSE_CODES.ended, reason: 'key_ended' },
  forbidden: { code: CLOSE_CODES.forbidden, reason: 'forbidden' },
  noPong: { code: CLOSE_CODES.noPong, reason: 'no_pong' },
  notReading: { code: CLOSE_CODES.noPong, reason: 'not_reading' },
  overLimit: { code: CLOSE_CODES.overLimit, reason: 'over_limit' },
  tooLarge: { code: CLOSE_CODES.tooLarge, reason: 'too_large' },
  tooManyMessages: { code: CLOSE_CODES.tooManyMessages, reason: 'too_many_messages' },
  restarting: { code: CLOSE_CODES.restarting, reason: 'restarting' },
} as const satisfies Readonly<Record<string, SocketEnd>>;
