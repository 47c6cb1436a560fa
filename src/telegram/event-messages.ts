import { alertHeading, alertSentence } from '../core/alert.ts';
import type { AuditEvent, AuditOrigin } from '../core/audit-event.ts';
import type { BanReason } from '../core/ban-policy.ts';
import { describeDuration } from '../core/duration.ts';
import { formatIst } from '../core/ist.ts';
import { RECEIPT_HEADINGS, receiptStepWords } from '../core/receipt-labels.ts';
import type { Receipt, ReceiptLine } from '../core/revocation.ts';
import { SIGNAL_REFUSAL_WORDS } from '../core/signal-refusal.ts';
import { toHtml } from './html.ts';
import type { MessageKind } from './message-kinds.ts';

/** No text of a message looks like it. */
export const DEVICE_LINK = '\u{fdd0}';

export const ADMINISTRATORS = Symbol('administrators');

/** A message about an event. */
export interface EventMessage {
  /** A user's id, or all administrators. */
  readonly to: string | typeof ADMINISTRATORS;
  readonly kind: MessageKind;
  /** In Telegram's HTML. */
  readonly body: string;
  /** Waits for `sweepAppendix` of the sweep that it is a part of. */
  readonly awaitsSweep?: true;
  /** In place of `DEVICE_LINK` comes a link that ends the session of this device. */
  readonly device?: string;
}

export interface MessageContext {
  readonly origin: AuditOrigin;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly brokerName: (broker: string) => string;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

/** Which recorded events become messages: all in this one table. An event that is not named here makes no message. */
export function messageFor(event: AuditEvent, context: MessageContext): EventMessage | undefined {
  switch (event.type) {
    case 'login.succeeded':
      return event.known ? undefined : newDevice(event, context);
    case 'session.ended':
      return endedAtSweep(event);
    case 'revocation.carried_out':
      return ended(event.receipt);
    case 'broker.token_rejected':
      return brokerRejected(event, 'It does not take the token of today’s connection any more.', context);
    case 'broker.refresh_refused':
      return brokerRejected(event, 'It refused to renew the connection.', context);
    case 'signal.refused':
      return signalRefused(event);
    case 'ban.added':
      return event.reason === 'imported' ? undefined : banned(event);
    case 'alert.raised':
      return alertRaised(event, context);
    case 'alert.ended':
      return alertEnded(event, context);
    default:
      return undefined;
  }
}

type EventOf<Type extends AuditEvent['type']> = Extract<AuditEvent, { type: Type }>;

function newDevice(
  { userId, program, device }: EventOf<'login.succeeded'>,
  { origin, now }: MessageContext,
): EventMessage {
  const body = lines(
    '<b>Sign-in from a new device</b>',
    `${toHtml(origin.actor)} with ${toHtml(program)}, from ${toHtml(origin.address ?? 'an unknown address')}`,
    formatIst(now),
    `If that was not you, end it and change your password: ${DEVICE_LINK}`,
  );
  return { to: userId, kind: 'new_device', body, device };
}

/** For each person of a sweep. Other ends tell theirs by the receipt. */
function endedAtSweep({ userId, reason, sessions }: EventOf<'session.ended'>): EventMessage {
  const what =
    sessions === 1
      ? 'Your session has ended, and your broker connections with it.'
      : `Your ${sessions} sessions have ended, and your broker connections with them.`;
  const body = lines(`<b>${RECEIPT_HEADINGS[reason]}</b>`, what);
  return { to: userId, kind: 'session_ended', body, awaitsSweep: true };
}

function ended({ userId, reason, orderedAt, lines: steps }: Receipt): EventMessage | undefined {
  if (userId === undefined || steps.every((step) => step.count === 0)) return undefined;
  const receipt = steps.map(
    (step) => `${stepLine(step)}: ${step.count}${step.detail ? ` (${toHtml(step.detail)})` : ''}`,
  );
  const body = lines(`<b>${RECEIPT_HEADINGS[reason]}</b>`, formatIst(orderedAt), ...receipt);
  return { to: userId, kind: 'session_ended', body };
}

function brokerRejected(
  { userId, broker }: EventOf<'broker.token_rejected' | 'broker.refresh_refused'>,
  what: string,
  { brokerName, publicOrigin }: MessageContext,
): EventMessage {
  const body = lines(
    `<b>${toHtml(brokerName(broker))} rejected the connection</b>`,
    what,
    `Connect again: ${toHtml(publicOrigin)}/broker`,
  );
  return { to: userId, kind: 'broker_rejected', body };
}

function signalRefused({ userId, strategy, why }: EventOf<'signal.refused'>): EventMessage {
  const body = lines(
    `<b>Signal refused</b>: ${toHtml(strategy.name)}`,
    `Refused: ${toHtml(SIGNAL_REFUSAL_WORDS[why])}.`,
  );
  return { to: userId, kind: 'signal_refused', body };
}

function banned({ subject, reason, until }: EventOf<'ban.added'>): EventMessage {
  const body = lines(
    `<b>${toHtml(subject)} was banned</b>`,
    `${BAN_REASONS[reason]}, ${until === 'permanent' ? 'for good' : `until ${formatIst(until)}`}.`,
  );
  return { to: ADMINISTRATORS, kind: 'ban', body };
}

function alertRaised(event: EventOf<'alert.raised'>, { publicOrigin }: MessageContext): EventMessage {
  const { what, busiest } = event;
  const whole = busiest.find(({ bannable }) => bannable);
  const ban = whole === undefined ? '' : `?address=${encodeURIComponent(whole.address)}`;
  const body = lines(
    `<b>Alert: ${toHtml(alertHeading(what))}</b>`,
    toHtml(alertSentence(event)),
    ...(busiest.length === 0 ? [] : ['Most requests in the last five minutes:']),
    ...busiest.map(({ address, requests }) => toHtml(`${address}: ${requests.toLocaleString('en-IN')}`)),
    `Look at it: ${toHtml(publicOrigin)}/security/load`,
    ...(busiest.length === 0
      ? []
      : [
          `Ban ${whole === undefined ? 'an address' : toHtml(whole.address)}: ${toHtml(`${publicOrigin}/security/bans/new${ban}`)}`,
        ]),
  );
  return { to: ADMINISTRATORS, kind: 'alert', body };
}

function alertEnded(event: EventOf<'alert.ended'>, { now }: MessageContext): EventMessage {
  const body = lines(
    `<b>Over: ${toHtml(alertHeading(event.what))}</b>`,
    `It lasted ${describeDuration(now - event.raisedAt)}. At the worst: ${toHtml(alertSentence(event))}`,
  );
  return { to: ADMINISTRATORS, kind: 'alert', body };
}

const BAN_REASONS: Readonly<Record<BanReason, string>> = {
  invalid_api_keys: 'For wrong API keys',
  suspicious_paths: 'For asking after what only intruders look for',
  manual: 'By an administrator’s order',
  imported: 'From a list',
};

/** The receipt of a sweep, as added to each user's message: without its numbers, which are sums over all users. */
export function sweepAppendix(receipt: Receipt): string {
  return ['', ...receipt.lines.map(stepLine)].join('\n');
}

export function cutoffSoon(minutes: number, cutoffOfDay: string): string {
  return lines(
    `<b>The cutoff is in ${minutes === 1 ? '1 minute' : `${minutes} minutes`}</b>`,
    `At ${cutoffOfDay} IST your sessions end, and your broker connections with them.`,
  );
}

export const TEST_MESSAGE = lines(
  '<b>Curfew can write to you</b>',
  'This is the test that you asked for. There is nothing to do.',
);

function stepLine({ step, status }: ReceiptLine): string {
  return `${status === 'done' ? '✓' : '… still to be done:'} ${toHtml(receiptStepWords(step))}`;
}

function lines(...all: readonly string[]): string {
  return all.join('\n');
}
