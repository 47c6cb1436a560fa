import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { backoffMs, createLeasedQueue, type LeasedQueue } from '../core/leased-queue.ts';
import type { Log } from '../core/log.ts';
import type { BotApi, SendOutcome } from './bot-api.ts';
import type { BotStore, ClaimedBot } from './bot-store.ts';
import type { Bots } from './bots.ts';
import { type Bundle, bundle } from './bundle.ts';
import type { LinkSeal } from './link-seal.ts';
import { pauseAfter } from './message-pace.ts';
import type { MessageStore } from './message-store.ts';

const POLL_MS = 2 * SECOND_MS;
const FIRST_RETRY_MS = 5 * SECOND_MS;
const LONGEST_RETRY_MS = 10 * MINUTE_MS;
/** More than one message holds, so that what says the same is found. */
const LOOKED_AT = 500;
const REMEMBERED_MS = 7 * DAY_MS;
const MOST_REMEMBERED = 100_000;

/** Sends what waits for people's bots: outside of any request, each message once, however many nodes do it. */
export type MessageQueue = LeasedQueue<'sent'>;

export interface MessageQueueDeps {
  readonly botStore: BotStore;
  readonly messageStore: MessageStore;
  readonly bots: Pick<Bots, 'tokenOf'>;
  readonly botApi: Pick<BotApi, 'send'>;
  readonly linkSeal: Pick<LinkSeal, 'open'>;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random?: () => number;
}

export function createMessageQueue(deps: MessageQueueDeps): MessageQueue {
  const { botStore, messageStore, bots, botApi, linkSeal, clock, log, random = Math.random } = deps;
  let tidiedAt = 0;

  return createLeasedQueue({
    outcomes: ['sent'] as const,
    claimDue: botStore.claimDue,
    work: async (bot) => ({ sent: await work(bot) }),
    afterwards: tidy,
    clock,
    intervalMs: POLL_MS,
    onError: (error) => log.error({ err: error }, 'Could not process Telegram messages; retrying'),
  });

  async function tidy(): Promise<void> {
    const now = clock.now();
    if (now - tidiedAt < HOUR_MS) return;
    tidiedAt = now;
    await messageStore.forgetEnded(now - REMEMBERED_MS, MOST_REMEMBERED);
  }

  /** Sends one message, made of what is due; returns how many Telegram took. */
  async function work(bot: ClaimedBot): Promise<number> {
    const due = await messageStore.listDue(bot.userId, clock.now(), LOOKED_AT);
    const isOver = (message: { expiresAt: number }): boolean => message.expiresAt <= clock.now();
    const late = due.filter(isOver).map((message) => message.id);
    await messageStore.markFailed(late, 'too_late', clock.now());
    const next = bundle(due.filter((message) => !isOver(message)));
    if (next === undefined) {
      await botStore.settle(bot, { nextSendAt: clock.now(), problem: bot.problem, failures: bot.failures });
      return 0;
    }
    const botToken = await bots.tokenOf(bot);
    const outcome: SendOutcome =
      botToken === undefined
        ? { kind: 'refused', why: 'unreadable' }
        : await botApi.send({ botToken, chatId: bot.chatId, html: linkSeal.open(next.html) });
    await settle(bot, next, outcome);
    return outcome.kind === 'sent' ? next.ids.length : 0;
  }

  async function settle(bot: ClaimedBot, { ids, merged }: Bundle, outcome: SendOutcome): Promise<void> {
    const now = clock.now();
    switch (outcome.kind) {
      case 'sent': {
        await messageStore.markSent(ids, merged, now);
        return botStore.settle(bot, { ...answeredNow(bot), problem: undefined });
      }
      case 'wait': {
        const nextSendAt = now + outcome.waitMs;
        return botStore.settle(bot, { nextSendAt, problem: 'asked_to_wait', failures: bot.failures });
      }
      case 'moved': {
        await botStore.moveChat(bot, outcome.chatId);
        return botStore.settle(bot, { nextSendAt: now, problem: undefined, failures: bot.failures });
      }
      case 'unreachable': {
        const failures = bot.failures + 1;
        const delay = { failures, firstMs: FIRST_RETRY_MS, longestMs: LONGEST_RETRY_MS, random: random() };
        const nextSendAt = now + backoffMs(delay);
        return botStore.settle(bot, { nextSendAt, problem: 'unreachable', failures });
      }
      case 'refused': {
        // Until the person has done something, there is no use in this one. The next one is tried all the same.
        await messageStore.markFailed([...ids, ...merged], outcome.why, now);
        log.warn({ why: outcome.why }, 'Telegram refused a message: it is not tried again');
        return botStore.settle(bot, { ...answeredNow(bot), problem: outcome.why });
      }
    }
  }

  function answeredNow(bot: ClaimedBot) {
    const now = clock.now();
    const paceMs = pauseAfter({ ...bot, now });
    return { nextSendAt: now + paceMs, failures: 0, answered: { at: now, paceMs } };
  }
}
