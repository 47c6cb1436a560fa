import type { Api, ApiClientOptions } from 'grammy';
import { SECOND_MS } from '../core/duration.ts';
import { refusalOf } from './delivery-problems.ts';

/** Why Telegram did not do what it was asked: a word of `delivery-problems.ts`, or Telegram's own. */
type Refused = { readonly kind: 'refused'; readonly why: string };
/** Whether it was sent is unknown. */
type Unreachable = { readonly kind: 'unreachable' };
/** Too many at once. */
type Wait = { readonly kind: 'wait'; readonly waitMs: number };

export type SendOutcome =
  | { readonly kind: 'sent' }
  /** The group has become a supergroup, under this id. */
  | { readonly kind: 'moved'; readonly chatId: string }
  | Refused
  | Unreachable
  | Wait;

export type BotDescription = { readonly kind: 'ok'; readonly name: string } | Refused | Unreachable | Wait;

export type ChatSearch =
  | { readonly kind: 'found'; readonly chatId: string }
  | { readonly kind: 'not_found' }
  | Refused
  | Unreachable
  | Wait;

/** Telegram's Bot API (https://core.telegram.org/bots/api), as far as it is used here. Nothing of it rejects. */
export interface BotApi {
  /** `html`: at most 4096 characters. */
  send(message: {
    readonly botToken: string;
    readonly chatId: string;
    readonly html: string;
  }): Promise<SendOutcome>;
  /** The bot that the token belongs to. */
  describeBot(botToken: string): Promise<BotDescription>;
  /** The chat that sent `/start CODE` to the bot within the last day. */
  findChat(botToken: string, code: string): Promise<ChatSearch>;
}

export interface BotApiDeps {
  /** TELEGRAM_API_URL, without a slash at the end. */
  readonly apiRoot: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 8 * SECOND_MS;
const LARGEST_ANSWER_BYTES = 2_000_000;
/** Where Telegram says "too many" and not until when. */
const USUAL_WAIT_MS = 5 * SECOND_MS;
const UPDATES_LOOKED_AT = 100;

/** Over grammY. What it throws is looked at here and goes no further: an address with the token in it may be inside. */
export function createBotApi({ apiRoot, timeoutMs = TIMEOUT_MS }: BotApiDeps): BotApi {
  const options: ApiClientOptions = {
    apiRoot,
    timeoutSeconds: timeoutMs / SECOND_MS,
    // A redirect would take the token along to somewhere else.
    baseFetchConfig: { redirect: 'error', size: LARGEST_ANSWER_BYTES },
  };

  async function call<T>(
    botToken: string,
    work: (api: Api) => Promise<T>,
  ): Promise<T | Exclude<SendOutcome, { kind: 'sent' }>> {
    // Loaded with the first message: most of grammY is for bots that answer, and few people have a bot at all.
    const { Api, GrammyError } = await import('grammy');
    try {
      return await work(new Api(botToken, options));
    } catch (error) {
      return error instanceof GrammyError ? toOutcome(error) : { kind: 'unreachable' };
    }
  }

  return {
    send: ({ botToken, chatId, html }) =>
      call(botToken, async (api) => {
        await api.sendMessage(chatId, html, {
          parse_mode: 'HTML',
          link_preview_options: { is_disabled: true },
        });
        return { kind: 'sent' } as const;
      }),

    async describeBot(botToken) {
      const outcome = await call(botToken, async (api) => {
        const { username } = await api.getMe();
        return { kind: 'ok', name: username } as const;
      });
      return outcome.kind === 'moved' ? { kind: 'unreachable' } : outcome;
    },

    async findChat(botToken, code) {
      const outcome = await call(botToken, async (api) => {
        const updates = await api.getUpdates({ offset: -UPDATES_LOOKED_AT, allowed_updates: ['message'] });
        const found = updates.findLast(({ message }) => isStart(message?.text, code));
        const chat = found?.message?.chat.id;
        return chat === undefined
          ? ({ kind: 'not_found' } as const)
          : ({ kind: 'found', chatId: String(chat) } as const);
      });
      return outcome.kind === 'moved' ? { kind: 'unreachable' } : outcome;
    },
  };
}

interface ApiError {
  readonly error_code: number;
  readonly description: string;
  readonly parameters: {
    readonly retry_after?: number | undefined;
    readonly migrate_to_chat_id?: number | undefined;
  };
}

function toOutcome({
  error_code,
  description,
  parameters,
}: ApiError): Exclude<SendOutcome, { kind: 'sent' }> {
  const { retry_after, migrate_to_chat_id } = parameters;
  if (error_code === 429)
    return { kind: 'wait', waitMs: retry_after === undefined ? USUAL_WAIT_MS : retry_after * SECOND_MS };
  if (migrate_to_chat_id !== undefined) return { kind: 'moved', chatId: String(migrate_to_chat_id) };
  if (error_code >= 500) return { kind: 'unreachable' };
  return { kind: 'refused', why: refusalOf(error_code, description) };
}

/** In a group the bot's name stands behind the command: `/start@name CODE`. */
function isStart(text: string | undefined, code: string): boolean {
  const [command = '', given] = (text ?? '').trim().split(/\s+/);
  return /^\/start(@\w+)?$/.test(command) && given === code;
}
