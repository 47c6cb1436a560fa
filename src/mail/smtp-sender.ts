import type { Transporter } from 'nodemailer';
import { SECOND_MS } from '../core/duration.ts';
import type { SmtpLocation } from '../core/smtp-location.ts';

export interface OutgoingMail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export type MailOutcome =
  | { readonly kind: 'sent' }
  /** For good: the address or the message is not taken. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** Not now: the server is away, busy, or does not take our password. */
  | { readonly kind: 'unreachable'; readonly problem: string };

/** Hands mail over to a server. Neither rejects. */
export interface SmtpSender {
  send(mail: OutgoingMail): Promise<MailOutcome>;
  /** Connects and signs in, and sends nothing. */
  verify(): Promise<MailOutcome>;
}

export interface SmtpSenderDeps {
  readonly location: SmtpLocation;
  /** MAIL_FROM. */
  readonly from: string;
  /** The host of BASE_URL, for Message-IDs. */
  readonly host: string;
}

const CONNECT_WITHIN_MS = 10 * SECOND_MS;
const ANSWER_WITHIN_MS = 20 * SECOND_MS;

/** By SMTP. The library is loaded with the first mail. */
export function createSmtpSender({ location, from, host }: SmtpSenderDeps): SmtpSender {
  let transport: Promise<Transporter> | undefined;

  async function open(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    const { requireTls, ...server } = location;
    return createTransport({
      ...server,
      requireTLS: requireTls,
      connectionTimeout: CONNECT_WITHIN_MS,
      greetingTimeout: CONNECT_WITHIN_MS,
      socketTimeout: ANSWER_WITHIN_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async function attempt(work: (opened: Transporter) => Promise<unknown>): Promise<MailOutcome> {
    try {
      transport ??= open();
      await work(await transport);
      return { kind: 'sent' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  return {
    send: ({ id, to, subject, text }) =>
      attempt((opened) =>
        opened.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          messageId: `<${id}@${host}>`,
          // RFC 3834: no machine is to answer it.
          headers: { 'Auto-Submitted': 'auto-generated' },
        }),
      ),
    verify: () => attempt((opened) => opened.verify()),
  };
}

/** By codes alone: a server's own words may quote what it was sent. */
function outcomeOf(error: unknown): MailOutcome {
  const { code, responseCode } = (error ?? {}) as {
    readonly code?: unknown;
    readonly responseCode?: unknown;
  };
  const status = typeof responseCode === 'number' ? responseCode : undefined;
  const problem = [
    typeof code === 'string' ? code : 'EUNKNOWN',
    ...(status === undefined ? [] : [status]),
  ].join(' ');
  const isForGood = status !== undefined && status >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  return { kind: isForGood ? 'refused' : 'unreachable', problem };
}
