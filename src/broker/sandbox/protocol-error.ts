import type { ErrorRequestHandler, Response } from 'express';

const STATUS = {
  invalid_request: 400,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  invalid_client: 401,
} as const;

export type ProtocolErrorCode = keyof typeof STATUS;

/** An error as RFC 6749 (5.2) wants it. The code says enough: a description would tell a thief what to mend. */
export function answerProtocolError(res: Response, error: ProtocolErrorCode): void {
  res.status(STATUS[error]).json({ error });
}

/** A body that cannot be parsed. What the parser throws carries the raw body, so it goes no further than here. */
export const refuseUnreadableBody: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (!isClientError(error)) {
    next(error);
    return;
  }
  answerProtocolError(res, 'invalid_request');
};

function isClientError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'status' in error &&
    typeof error.status === 'number' &&
    error.status >= 400 &&
    error.status < 500
  );
}
