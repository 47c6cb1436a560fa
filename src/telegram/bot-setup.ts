import { type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { BotApi } from './bot-api.ts';
import type { BotStore } from './bot-store.ts';
import type { Bots } from './bots.ts';
import { TEST_MESSAGE } from './event-messages.ts';
import { SHORTEST_PAUSE_MS } from './message-pace.ts';

/** A user's acts on their bot on the page: each asks Telegram, and returns its answer. */
export interface BotSetup {
  /** Nothing is saved when Telegram does not know the token; where it cannot be asked, it is. */
  saveToken(userId: string, botToken: string, origin: AuditOrigin): Promise<TokenResult>;
  /** Takes the chat from which the person has sent their code to the bot. */
  findChat(userId: string, origin: AuditOrigin): Promise<SetupResult<'chat_found' | 'chat_not_found'>>;
  /** Sends a message now, past the queue. */
  test(userId: string): Promise<SetupResult<'test_sent'>>;
}

export type TokenResult = 'bot_saved' | 'bot_unchecked' | { readonly refused: string };

/** `problem`: a word of `delivery-problems.ts`. */
export type SetupResult<Good extends string> = Good | { readonly problem: string };

export interface BotSetupDeps {
  readonly bots: Bots;
  readonly botStore: Pick<BotStore, 'saveTest'>;
  readonly botApi: BotApi;
  readonly clock: Clock;
}

export function createBotSetup({ bots, botStore, botApi, clock }: BotSetupDeps): BotSetup {
  return {
    async saveToken(userId, botToken, origin) {
      const bot = await botApi.describeBot(botToken);
      if (bot.kind === 'refused') return { refused: bot.why };
      await bots.saveToken(userId, { botToken, name: bot.kind === 'ok' ? bot.name : undefined }, origin);
      return bot.kind === 'ok' ? 'bot_saved' : 'bot_unchecked';
    },

    async findChat(userId, origin) {
      const bot = await bots.find(userId);
      if (bot === undefined) return 'chat_not_found';
      const botToken = await bots.tokenOf(bot);
      if (botToken === undefined) return { problem: 'unreadable' };
      const search = await botApi.findChat(botToken, bot.linkCode);
      switch (search.kind) {
        case 'found':
          await bots.saveChat(userId, search.chatId, origin);
          return 'chat_found';
        case 'not_found':
          return 'chat_not_found';
        default:
          return { problem: wordOf(search) };
      }
    },

    async test(userId) {
      const bot = await bots.find(userId);
      if (bot?.chatId === undefined) return { problem: 'chat_not_found' };
      const botToken = await bots.tokenOf(bot);
      const outcome =
        botToken === undefined
          ? ({ kind: 'refused', why: 'unreadable' } as const)
          : await botApi.send({ botToken, chatId: bot.chatId, html: TEST_MESSAGE });
      if (outcome.kind === 'moved') {
        await bots.saveChat(userId, outcome.chatId, SYSTEM_ORIGIN);
        return { problem: 'group_moved' };
      }
      const problem = outcome.kind === 'sent' ? undefined : wordOf(outcome);
      await botStore.saveTest(userId, problem, clock.now() + SHORTEST_PAUSE_MS);
      return problem === undefined ? 'test_sent' : { problem };
    },
  };
}

type NotDone =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'wait' };

function wordOf(outcome: NotDone): string {
  if (outcome.kind === 'refused') return outcome.why;
  return outcome.kind === 'wait' ? 'asked_to_wait' : 'unreachable';
}
