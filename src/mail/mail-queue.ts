import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { backoffMs, createLeasedQueue, type LeasedQueue } from '../core/leased-queue.ts';
import type { Log } from '../core/log.ts';
import type { Cipher } from '../storage/key-ring.ts';
import type { ClaimedMail, MailStore } from './mail-store.ts';
import type { MailOutcome, SmtpSender } from './smtp-sender.ts';

const POLL_MS = 5 * SECOND_MS;
const FIRST_RETRY_MS = 5 * SECOND_MS;
const LONGEST_RETRY_MS = 10 * MINUTE_MS;
const REMEMBERED_MS = 7 * DAY_MS;

export type MailQueue = LeasedQueue<'sent'>;

export interface MailQueueDeps {
  readonly store: MailStore;
  readonly sender: Pick<SmtpSender, 'send'>;
  readonly cipher: Cipher;
  readonly clock: Clock;
  readonly log: Log;
}

const contentSchema = z.object({ subject: z.string(), text: z.string() });

/** Content of a mail that waits. */
export type MailContent = z.infer<typeof contentSchema>;

/** Sends the mails that wait: outside of any request, also after a restart, however many nodes there are. */
export function createMailQueue({ store, sender, cipher, clock, log }: MailQueueDeps): MailQueue {
  let tidiedAt = 0;

  return createLeasedQueue({
    outcomes: ['sent'] as const,
    claimDue: store.claimDue,
    work: async (mail) => ({ sent: await work(mail) }),
    afterwards: tidy,
    clock,
    intervalMs: POLL_MS,
    onError: (error) => log.error({ err: error }, 'Could not process pending mails; retrying'),
  });

  async function tidy(): Promise<void> {
    const now = clock.now();
    if (now - tidiedAt < HOUR_MS) return;
    tidiedAt = now;
    await store.forgetEnded(now - REMEMBERED_MS);
  }

  async function work(mail: ClaimedMail): Promise<number> {
    if (mail.expiresAt <= clock.now()) return giveUp(mail, 'too_late');
    const opened = cipher.decrypt(mail.sealed);
    if (opened.kind !== 'ok') return giveUp(mail, 'unreadable');
    const content = contentSchema.parse(JSON.parse(opened.text));
    return settle(mail, await sender.send({ id: mail.id, to: mail.recipient, ...content }));
  }

  async function settle(mail: ClaimedMail, outcome: MailOutcome): Promise<number> {
    if (outcome.kind === 'refused') return giveUp(mail, outcome.problem);
    if (outcome.kind === 'sent') {
      await store.end(mail, 'sent', undefined, clock.now());
      return 1;
    }
    const delay = { failures: mail.failures + 1, firstMs: FIRST_RETRY_MS, longestMs: LONGEST_RETRY_MS };
    const { kind } = mail;
    log.warn({ kind, problem: outcome.problem }, 'A mail could not be handed over; it is tried again');
    await store.postpone(mail, outcome.problem, clock.now() + backoffMs({ ...delay, random: Math.random() }));
    return 0;
  }

  async function giveUp(mail: ClaimedMail, problem: string): Promise<number> {
    log.warn({ kind: mail.kind, problem }, 'A mail was not sent and is not tried again');
    await store.end(mail, 'failed', problem, clock.now());
    return 0;
  }
}
