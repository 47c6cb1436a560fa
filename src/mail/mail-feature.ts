import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SendMail } from '../core/mail.ts';
import type { SmtpLocation } from '../core/smtp-location.ts';
import type { Feature } from '../http/feature.ts';
import { gauge, samplesBy } from '../http/metrics.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import { createMailQueue, type MailContent, type MailQueue } from './mail-queue.ts';
import { createMailStore } from './mail-store.ts';
import { createSmtpSender } from './smtp-sender.ts';

export interface MailFeatureDeps {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
  /** SMTP_URL and MAIL_FROM; undefined: no mail is sent. */
  readonly smtp: { readonly location: SmtpLocation; readonly from: string } | undefined;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

export interface MailFeature extends Feature {
  /** Whether mail can be sent at all. */
  readonly isOn: boolean;
  readonly send: SendMail;
  /** Undefined where no mail is sent. */
  readonly queue: MailQueue | undefined;
  /** Of all nodes together: mails that wait, and those of the last days that failed for good. */
  readonly countMessages: () => Promise<{ readonly open: number; readonly failed: number }>;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createMailFeature(deps: MailFeatureDeps): MailFeature {
  const { database, keyRing, clock, smtp, publicOrigin } = deps;
  const store = createMailStore(database);
  const cipher = keyRing.forPurpose('mail');
  const queue =
    smtp === undefined
      ? undefined
      : createMailQueue({
          ...deps,
          store,
          cipher,
          sender: createSmtpSender({ ...smtp, host: new URL(publicOrigin).hostname }),
        });

  return {
    isOn: queue !== undefined,
    queue,
    async send({ to, kind, subject, text, expiresAt }) {
      if (queue === undefined) return;
      const sealed = cipher.encrypt(JSON.stringify({ subject, text } satisfies MailContent));
      await store.add({ recipient: to, kind, sealed, expiresAt }, clock.now());
      queue.wake();
    },
    countMessages: store.countOpenAndFailed,
    jobs: queue === undefined ? [] : [queue],
    metrics: [
      gauge({
        name: 'curfew_mail_messages',
        help: 'Mails: still to be sent (open), or failed for good in the last seven days (failed).',
        labelNames: ['status'],
        read: async () => samplesBy('status', Object.entries(await store.countOpenAndFailed())),
      }),
    ],
  };
}
