import type { Request, Response } from 'express';
import { renderPage } from '../http/page.ts';
import type { CallbackRefusal } from './authorization-flow.ts';
import type { BrokerAdapter } from './broker-adapter.ts';

export type CallbackProblem =
  | CallbackRefusal
  | 'no_session'
  | 'ended_meanwhile'
  | 'credentials_missing'
  | 'refused'
  | 'unreachable';

interface ProblemPage {
  readonly status: number;
  readonly heading: string;
  readonly message: (broker: string) => string;
  readonly action: { readonly href: string; readonly text: string };
}

const CONNECT_AGAIN = { href: '/broker', text: 'Back to brokers' } as const;
const SIGN_IN_AGAIN = { href: '/auth/login?returnTo=%2Fbroker', text: 'Sign in' } as const;

const PROBLEMS = {
  no_session: {
    status: 401,
    heading: 'Sign in, then connect again',
    message: (broker) =>
      `Your session had ended by the time ${broker} sent you back, and a broker’s answer never signs anyone in. Nothing was connected.`,
    action: SIGN_IN_AGAIN,
  },
  ended_meanwhile: {
    status: 401,
    heading: 'Your session ended just now',
    message: (broker) =>
      `It ended while ${broker} was answering, so the new connection was dropped at once. Sign in, then connect again.`,
    action: SIGN_IN_AGAIN,
  },
  other_session: {
    status: 403,
    heading: 'This connection was begun elsewhere',
    message: (broker) =>
      `The answer from ${broker} belongs to another browser or session, and is of no use here. If you began it, connect again from this browser.`,
    action: CONNECT_AGAIN,
  },
  other_broker: {
    status: 400,
    heading: 'The answer came from another broker',
    message: (broker) =>
      `You were sent to a different broker, but the answer came back as if from ${broker}. It was not accepted, and nothing was connected.`,
    action: CONNECT_AGAIN,
  },
  state_unknown: {
    status: 400,
    heading: 'This link has been used',
    message: (broker) =>
      `An answer from ${broker} works once, and this one was used before or never asked for. Look whether you are connected; if not, connect again.`,
    action: CONNECT_AGAIN,
  },
  state_expired: {
    status: 400,
    heading: 'That took too long',
    message: (broker) => `The answer from ${broker} must come back within ten minutes. Connect again.`,
    action: CONNECT_AGAIN,
  },
  credentials_missing: {
    status: 400,
    heading: 'The app keys are gone',
    message: (broker) =>
      `Your app keys for ${broker} were removed while it was answering. Enter them again, then connect again.`,
    action: CONNECT_AGAIN,
  },
  refused: {
    status: 400,
    heading: 'The broker refused the connection',
    message: (broker) => `${broker} did not accept the request. Nothing was connected. Connect again.`,
    action: CONNECT_AGAIN,
  },
  unreachable: {
    status: 503,
    heading: 'The broker does not answer',
    message: (broker) =>
      `${broker} could not be reached in time. Nothing was connected. Try again in a moment.`,
    action: CONNECT_AGAIN,
  },
} as const satisfies Record<CallbackProblem, ProblemPage>;

/** Explains to a person why they are not connected, and where to go from there. */
export function renderCallbackProblem(
  req: Request,
  res: Response,
  problem: CallbackProblem,
  { name }: BrokerAdapter,
): void {
  const { status, heading, message, action } = PROBLEMS[problem];
  res.status(status);
  renderPage(req, res, 'broker/callback-problem', {
    title: heading,
    heading,
    message: message(name),
    action,
    requestId: String(res.locals['requestId'] ?? ''),
  });
}
