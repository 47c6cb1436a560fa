import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { AppError, invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import { readForm, refuseForm, requireForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { createReauthentication } from '../sessions/reauthentication.ts';
import type { BotSetup, SetupResult } from './bot-setup.ts';
import type { Bots } from './bots.ts';
import { problemWords } from './delivery-problems.ts';
import { widensKinds } from './message-kinds.ts';
import type { MessageStore } from './message-store.ts';
import { botForm, chatForm, eventsForm } from './telegram-forms.ts';
import { toBotView, toKindViews, toMessageView } from './telegram-view.ts';

export interface TelegramPageDeps {
  readonly bots: Bots;
  readonly setup: BotSetup;
  readonly messageStore: Pick<MessageStore, 'listRecent'>;
  /** How often a user may have Telegram asked from the page. */
  readonly limiter: CompoundLimiter;
  readonly clock: Clock;
}

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['bot_saved', 'The bot token is saved; Telegram knows it.'],
  ['bot_unchecked', 'The bot token is saved. Telegram could not be asked whether it knows it.'],
  ['bot_needed', 'Enter a bot token first.'],
  ['bot_removed', 'The bot token is removed, with every message that was still waiting.'],
  ['chat_saved', 'The chat is saved. Send a test to see whether messages arrive.'],
  ['chat_found', 'Found you: the chat is saved. Send a test to see whether messages arrive.'],
  ['events_saved', 'Your choice is saved.'],
  ['test_sent', 'Telegram has taken the test message: look into the chat.'],
]);

const NOT_FOUND =
  'Your code was not among what the bot was sent in the last day. Send it to the bot first, then press the button again.';
const RECENT = 10;

type Page = Readonly<
  Record<
    'show' | 'saveBot' | 'removeBot' | 'saveChat' | 'findChat' | 'saveEvents' | 'sendTest',
    RequestHandler
  >
>;

/** A person's bot: its token goes in and never comes out. */
export function createTelegramPage(deps: TelegramPageDeps): Page {
  const { bots, setup, messageStore, limiter, clock } = deps;
  const reauthentication = createReauthentication(clock);

  return {
    async show(req, res) {
      await render(req, res, { notice: noticeOf(req, NOTICES) });
    },

    async saveBot(req, res) {
      const { userId } = currentSession(req);
      const form = readForm(botForm, req);
      if (!form.ok) return refuse(req, res, form.fields);
      await admit(userId);
      const result = await setup.saveToken(userId, form.values.botToken, auditOrigin(req, res));
      if (typeof result === 'string') return goOn(res, result);
      await refuse(req, res, { botToken: problemWords(result.refused) });
    },

    async removeBot(req, res) {
      await bots.remove(currentSession(req).userId, auditOrigin(req, res));
      goOn(res, 'bot_removed');
    },

    async saveChat(req, res) {
      const form = readForm(chatForm, req);
      if (!form.ok) return refuse(req, res, form.fields);
      const { userId } = currentSession(req);
      const saved = await bots.saveChat(userId, form.values.chatId, auditOrigin(req, res));
      goOn(res, saved ? 'chat_saved' : 'bot_needed');
    },

    async findChat(req, res) {
      const { userId } = currentSession(req);
      await admit(userId);
      const result = await setup.findChat(userId, auditOrigin(req, res));
      if (result === 'chat_found') return goOn(res, result);
      await tell(req, res, result === 'chat_not_found' ? NOT_FOUND : wordsOf(result));
    },

    async saveEvents(req, res) {
      const { userId } = currentSession(req);
      const { events } = requireForm(eventsForm, req);
      const before = (await bots.find(userId))?.kinds ?? [];
      if (widensKinds(before, events) && reauthentication.isDue(req))
        return reauthentication.ask(req, res, 'Choose what Telegram tells you');
      const saved = await bots.saveKinds(userId, events, auditOrigin(req, res));
      goOn(res, saved ? 'events_saved' : 'bot_needed');
    },

    async sendTest(req, res) {
      const { userId } = currentSession(req);
      await admit(userId);
      const result = await setup.test(userId);
      if (result === 'test_sent') return goOn(res, result);
      await tell(req, res, `The test did not get through. ${wordsOf(result)}`);
    },
  };

  async function admit(userId: string): Promise<void> {
    const taking = await limiter.take(userId);
    if (taking.kind === 'taken') return;
    const { retryAfterSeconds } = taking;
    const words = `Telegram was asked too often from here. Try again in ${retryAfterSeconds} seconds.`;
    throw new AppError('rate_limited', words, { retryAfterSeconds });
  }

  async function refuse(req: Request, res: Response, fields: FieldProblems): Promise<void> {
    refuseForm(req, res, invalid(fields));
    await render(req, res, { fields });
  }

  /** Shows the page with a problem that is not the user's mistake on top. */
  function tell(req: Request, res: Response, problem: string): Promise<void> {
    return render(req, res, { problem });
  }

  async function render(
    req: Request,
    res: Response,
    { notice, problem, fields = {} }: Saying,
  ): Promise<void> {
    const { userId, role } = currentSession(req);
    const bot = await bots.find(userId);
    const recent = await messageStore.listRecent(userId, RECENT);
    renderPage(req, res, 'telegram/index', {
      title: 'Telegram',
      bot: bot === undefined ? undefined : toBotView(bot),
      kinds: toKindViews(bot?.kinds ?? [], role === 'admin'),
      messages: recent.map(toMessageView),
      // The form keeps what was typed, but for the token.
      typedChat: typedText(req, 'chatId', 100),
      notice,
      problem,
      fields,
    });
  }
}

interface Saying {
  readonly notice?: string | undefined;
  readonly problem?: string;
  readonly fields?: FieldProblems;
}

type FieldProblems = Readonly<Record<string, string>>;

function goOn(res: Response, notice: string): void {
  res.redirect(303, `/telegram?notice=${notice}`);
}

function wordsOf(result: Exclude<SetupResult<never>, string>): string {
  return problemWords(result.problem);
}
