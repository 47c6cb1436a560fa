/** The wire codes of the contract, with the HTTP status each one answers with. */
const STATUS = {
  login_required: 401,
  session_expired: 401,
  bad_api_key: 401,
  broker_reauth_required: 409,
  signal_refused: 409,
  ambiguous: 409,
  forbidden: 403,
  csrf: 403,
  banned: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  invalid: 400,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  bad_gateway: 502,
  unavailable: 503,
  gateway_timeout: 504,
  internal: 500,
} as const;

export type ErrorCode = keyof typeof STATUS;

export interface AppErrorOptions {
  /** For the log; no user sees it. */
  readonly cause?: unknown;
  /** Which inputs are wrong, by field name: for `invalid`. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
  /** Further facts for programs, by name. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Action on the page, where it does not follow from the code. */
  readonly action?: ErrorAction | undefined;
}

export interface ErrorAction {
  readonly href: string;
  readonly text: string;
}

/** An outcome that a person or program must be told about: a wire code, a status, and words that leak nothing. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly action: ErrorAction | undefined;

  constructor(code: ErrorCode, publicMessage: string, options: AppErrorOptions = {}) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = STATUS[code];
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.details = options.details;
    this.headers = options.headers ?? {};
    this.action = options.action;
  }
}

/** A part that Curfew needs (the session store, the database, the password hasher) cannot answer now. */
export function unavailable(what: string, cause?: unknown, retryAfterSeconds = 5): AppError {
  return new AppError(
    'unavailable',
    `${what} is not available right now. Nothing was lost: try again in a moment.`,
    {
      cause,
      retryAfterSeconds,
    },
  );
}

export function notFound(): AppError {
  return new AppError('not_found', 'There is nothing at this address.');
}

export function invalid(fields: Readonly<Record<string, string>>): AppError {
  return new AppError('invalid', Object.values(fields)[0] ?? 'The request could not be read.', { fields });
}
