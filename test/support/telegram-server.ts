import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/core/clock.ts';

export interface SentMessage {
  readonly token: string;
  readonly chatId: string;
  /** As it was sent, markup and all. */
  readonly html: string;
  /** As people read it. */
  readonly text: string;
  readonly at: number;
}

/** How Telegram answers a call; the fields of its protocol. */
export interface Refusal {
  readonly error_code: number;
  readonly description: string;
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number };
}

export interface TelegramServer {
  /** For TELEGRAM_API_URL. */
  readonly url: string;
  /** What was delivered, in order. */
  readonly sent: readonly SentMessage[];
  /** Methods that were called, refused ones too. */
  readonly calls: readonly string[];
  /** Calls for a chat that came less than a second after the one before. */
  readonly hurries: number;
  addBot(token: string, name: string): void;
  /** A chat that has pressed Start. */
  addChat(id: string): void;
  /** Every message to this chat is refused with this; undefined: taken again. */
  refuseChat(id: string, refusal: Refusal | undefined): void;
  /** What the next call of this method gets instead of an answer. */
  answerNext(method: string, answer: Refusal | 'hang up' | 'garbage' | 'never'): void;
  /** Somebody writes to the bot. */
  say(token: string, chatId: number, text: string): void;
  close(): Promise<void>;
}

export const BLOCKED: Refusal = { error_code: 403, description: 'Forbidden: bot was blocked by the user' };

/**
 * Telegram's Bot API as documented (https://core.telegram.org/bots/api), as far as it is used: unknown tokens, chats that
 * never pressed Start, markup that does not parse, more than a message a second in one chat are refused as there.
 */
export async function startTelegramServer(clock: Clock): Promise<TelegramServer> {
  const bots = new Map<string, string>();
  const chats = new Map<string, Refusal | undefined>();
  const updates = new Map<string, object[]>();
  const prepared: { method: string; answer: Refusal | 'hang up' | 'garbage' | 'never' }[] = [];
  const lastAt = new Map<string, number>();
  const sent: SentMessage[] = [];
  const calls: string[] = [];
  let hurries = 0;
  let nextUpdate = 1;

  const server = createServer(async (req, res) => {
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(req.url ?? '') ?? [];
    const body = await readJson(req);
    calls.push(method);
    const index = prepared.findIndex((each) => each.method === method);
    const answer = index < 0 ? undefined : prepared.splice(index, 1)[0]?.answer;
    if (answer === 'never') return;
    if (answer === 'hang up') return void req.socket.destroy();
    if (answer === 'garbage') return void res.writeHead(502).end('<html>Bad gateway</html>');
    const result = answer ?? respond(token, method, body);
    const refused = isRefusal(result);
    res.writeHead(refused ? result.error_code : 200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(refused ? { ok: false, ...result } : { ok: true, result }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function respond(token: string, method: string, body: Readonly<Record<string, unknown>>): unknown {
    if (!/^\d+:[\w-]+$/.test(token)) return { error_code: 404, description: 'Not Found' };
    const username = bots.get(token);
    if (username === undefined) return { error_code: 401, description: 'Unauthorized' };
    switch (method) {
      case 'getMe':
        return { id: Number(token.split(':')[0]), is_bot: true, first_name: username, username };
      case 'getUpdates':
        return updates.get(token) ?? [];
      case 'sendMessage':
        return sendMessage(token, body);
      default:
        return { error_code: 404, description: 'Not Found: method not found' };
    }
  }

  function sendMessage(token: string, body: Readonly<Record<string, unknown>>): unknown {
    const chatId = String(body['chat_id']);
    const html = String(body['text'] ?? '');
    if (!chats.has(chatId)) return { error_code: 400, description: 'Bad Request: chat not found' };
    const refusal = chats.get(chatId);
    if (refusal !== undefined) return refusal;
    const text = body['parse_mode'] === 'HTML' ? plainText(html) : html;
    if (text === undefined)
      return { error_code: 400, description: "Bad Request: can't parse entities: unsupported start tag" };
    if (text === '') return { error_code: 400, description: 'Bad Request: message text is empty' };
    if (text.length > 4096) return { error_code: 400, description: 'Bad Request: message is too long' };
    const at = clock.now();
    if (at - (lastAt.get(chatId) ?? Number.NEGATIVE_INFINITY) < 1000) {
      hurries += 1;
      return {
        error_code: 429,
        description: 'Too Many Requests: retry after 1',
        parameters: { retry_after: 1 },
      };
    }
    lastAt.set(chatId, at);
    sent.push({ token, chatId, html, text, at });
    return { message_id: sent.length, date: Math.floor(at / 1000), chat: { id: chatId }, text };
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    calls,
    get hurries() {
      return hurries;
    },
    addBot: (token, name) => void bots.set(token, name),
    addChat: (id) => void chats.set(id, undefined),
    refuseChat: (id, refusal) => void chats.set(id, refusal),
    answerNext: (method, answer) => void prepared.push({ method, answer }),
    say(token, chatId, text) {
      const update = {
        update_id: nextUpdate,
        message: { message_id: nextUpdate, date: 0, chat: { id: chatId, type: 'private' }, text },
      };
      nextUpdate += 1;
      updates.set(token, [...(updates.get(token) ?? []), update]);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isRefusal(result: unknown): result is Refusal {
  return typeof result === 'object' && result !== null && 'error_code' in result;
}

async function readJson(req: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** What Telegram shows of its HTML; undefined where it would not parse: a sign or tag that is none of its own. */
function plainText(html: string): string | undefined {
  const open: string[] = [];
  let text = '';
  for (const [, tag, end, entity, other] of html.matchAll(
    /<(b|i|u|s|code|pre)>|<\/(\w+)>|&(lt|gt|amp|quot);|([\s\S])/g,
  )) {
    if (tag !== undefined) open.push(tag);
    else if (end !== undefined) {
      if (open.pop() !== end) return undefined;
    } else if (entity !== undefined) text += ENTITIES[entity];
    else if (other === '<' || other === '>' || other === '&') return undefined;
    else text += other;
  }
  return open.length === 0 ? text : undefined;
}
