import { createHmac } from 'node:crypto';
import { createVisitor, type Visitor } from '../support/visitor.ts';

type Fields = Readonly<Record<string, string | readonly string[]>>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A form of one symbol, always open; each test says what it wants otherwise. */
export const STRATEGY_FORM = {
  name: 'Breakout',
  platform: 'python',
  broker: 'sandbox',
  symbol: 'NSE:SBIN',
  quantity: '10',
  product: 'MIS',
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  start: '00:00',
  end: '00:00',
} as const satisfies Fields;

/** Fills in the form as a browser would, and presses the button. Returns the address that it leads to. */
export async function makeStrategy(
  visitor: Visitor,
  fields: Fields = {},
  { on = true } = {},
): Promise<{ readonly path: string; readonly id: string; readonly webhook: string }> {
  const made = await visitor.submit('/strategies', { ...STRATEGY_FORM, ...fields }, '/strategies/new');
  const path = made.location.split('?')[0] ?? '';
  if (made.status !== 303 || path === '') throw new Error(`The form answered ${made.status}: ${made.text}`);
  if (on) await visitor.submit(`${path}/activation`, {}, path);
  return { path, id: path.split('/').at(-1) ?? '', webhook: await webhookOf(visitor, path) };
}

/** The address as the strategy's page shows it. */
export async function webhookOf(visitor: Visitor, path: string): Promise<string> {
  return /id="webhook-url"[^>]*>([^<]+)</.exec((await visitor.get(path)).text)?.[1] ?? '';
}

/** What a platform does. */
export async function send(
  webhook: string,
  body: string | object = 'BUY NSE:SBIN',
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  const response = await fetch(webhook, {
    method: 'POST',
    headers: { 'Content-Type': type, ...headers },
    body: isText ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

/** The headers of a signed message. `at` in ms since the epoch. */
export function signed(secret: string, body: string, at: number): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'X-Curfew-Timestamp': timestamp, 'X-Curfew-Signature': `sha256=${signature}` };
}

/** Another person with an account of their own, made as an administrator makes it. */
export async function addPerson(
  origin: string,
  userAdmin: {
    create(person: object, origin: object): Promise<unknown>;
  },
): Promise<{ readonly visitor: Visitor; readonly person: Readonly<Record<string, string>> }> {
  const person = { username: 'ravi', password: 'plain-lantern-orbit-77', email: 'ravi@example.org' };
  await userAdmin.create({ ...person, role: 'user' }, { actor: 'cli' });
  return { visitor: createVisitor(origin), person };
}
