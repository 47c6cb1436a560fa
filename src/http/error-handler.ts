import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Log } from '../core/log.ts';
import { AppError, type ErrorAction, notFound } from '../errors.ts';
import { sendErrorJson, setErrorHeaders } from './error-answer.ts';
import { loggedPathOf } from './logged-path.ts';
import { renderPage } from './page.ts';
import { safeReturnTo } from './return-to.ts';
import { policyOf } from './route-policy.ts';
import { wantsJson } from './wants-json.ts';

/** Refuses requests that no router answered. */
export const refuseUnknownPath: RequestHandler = (_req, _res, next) => next(notFound());

/** Answers a request that no page of this server is for; false where it is for one. */
export type AnswerElsewhere = (req: Request, res: Response, error: AppError) => boolean;

/**
 * Renders every error once: JSON for programs, a page for people, words that say nothing of the inside. A 5xx is logged
 * here and nowhere else, without the request's body (a parser's error carries it) or headers.
 */
export function createErrorHandler(
  log: Log,
  toKnown: (error: unknown) => AppError | undefined,
  answerElsewhere: AnswerElsewhere = () => false,
): ErrorRequestHandler {
  return function renderError(error: unknown, req, res, _next) {
    const known = toKnown(error) ?? fromHttpLibrary(error);
    const appError = known ?? internal(error);
    if (res.writableEnded) {
      log.debug(
        { requestId: res.locals['requestId'], code: appError.code },
        'An error after the answer was sent',
      );
      return;
    }
    if (appError.status >= 500) {
      log.error(
        {
          requestId: res.locals['requestId'],
          method: req.method,
          path: loggedPathOf(req),
          code: appError.code,
          cause: describeCause(appError),
        },
        'A request failed',
      );
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (!answerElsewhere(req, res, appError)) answer(req, res, appError);
  };
}

function answer(req: Request, res: Response, error: AppError): void {
  forgetVisitor(req);
  setErrorHeaders(res, error);
  if (wantsJson(req) || isApi(req)) {
    sendErrorJson(res, error);
    return;
  }
  renderPage(req, res.status(error.status), 'error', {
    title: HEADINGS[error.code],
    status: error.status,
    heading: HEADINGS[error.code],
    message: error.message,
    requestId: String(res.locals['requestId'] ?? ''),
    action: error.action ?? actionFor(error, req),
    isFormKept: error.code === 'rate_limited' && req.method === 'POST',
  });
}

const isApi = (req: Request): boolean => req.path.startsWith('/api/');

/** An error shows no form, so it must not set a cookie for one: csrf.ts has put a secret into the session all the same. */
function forgetVisitor(req: Request): void {
  if (req.session?.userId !== undefined) return;
  Reflect.deleteProperty(req, 'csrfToken');
  Reflect.deleteProperty(req, 'session');
}

const HEADINGS: Readonly<Record<AppError['code'], string>> = {
  login_required: 'Sign in first',
  session_expired: 'The session has ended',
  bad_api_key: 'The API key is not valid',
  broker_reauth_required: 'Connect your broker again',
  signal_refused: 'The signal was not taken',
  ambiguous: 'The name means several things',
  forbidden: 'Not allowed',
  csrf: 'The form could not be accepted',
  banned: 'Not allowed',
  not_found: 'Nothing here',
  method_not_allowed: 'Not possible here',
  timeout: 'The request took too long',
  invalid: 'The request could not be read',
  too_large: 'Too large',
  unsupported_media_type: 'The request could not be read',
  rate_limited: 'Too many requests',
  bad_gateway: 'The tool does not answer',
  unavailable: 'Not available right now',
  gateway_timeout: 'The tool does not answer',
  internal: 'Something went wrong',
};

function actionFor(error: AppError, req: Request): ErrorAction {
  if (error.code === 'csrf' && req.session?.userId === undefined) {
    const { class: routeClass, path } = policyOf(req);
    // The address of a one-time link is its own; of other forms, that of their row.
    const form = path.includes('/:') ? req.path : path;
    return { href: routeClass === 'form' ? form : '/auth/login', text: 'Open the form again' };
  }
  if (error.code === 'rate_limited' && req.method === 'GET')
    return { href: placeOf(req.originalUrl), text: 'Try again' };
  if (error.code === 'rate_limited') return { href: placeOf(pathOfReferrer(req)), text: 'Back' };
  return { href: '/dashboard', text: 'To the dashboard' };
}

/** A page of ours, or the first one. */
function placeOf(address: string): string {
  return address.startsWith('/auth/login') ? '/auth/login' : (safeReturnTo(address) ?? '/');
}

/** Of the page that a form stood on, where it is one of ours. */
function pathOfReferrer(req: Request): string {
  const referrer = URL.parse(req.get('referer') ?? '');
  return referrer?.host === req.get('host') ? `${referrer?.pathname}${referrer?.search}` : '/';
}

function internal(cause: unknown): AppError {
  return new AppError(
    'internal',
    'Something went wrong on the server. The request id below finds it in the log.',
    { cause },
  );
}

/** Errors of express and body-parser, by the properties that http-errors gives them. */
function fromHttpLibrary(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (!(error instanceof Error)) return undefined;
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large' || type === 'parameters.too.many') {
    return new AppError('too_large', 'The request is larger than this address takes.');
  }
  if (type === 'charset.unsupported') {
    const words =
      'The request could not be read: its charset is not one that this address takes. Send UTF-8.';
    return new AppError('unsupported_media_type', words);
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new AppError('invalid', 'The request could not be read: it is malformed.', { fields: {} });
  }
  return undefined;
}

/** An error for the log: names, messages and stacks along the chain of causes, never the objects themselves. */
function describeCause(error: Error): readonly string[] {
  const chain: string[] = [];
  for (let cause: unknown = error.cause; cause instanceof Error && chain.length < 5; cause = cause.cause) {
    chain.push(cause.stack ?? `${cause.name}: ${cause.message}`);
  }
  return chain;
}
