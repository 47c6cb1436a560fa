import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { createTelegramPage, type TelegramPageDeps } from './telegram-page.ts';

/** More events ask for the password as well; see `widensKinds`. */
export const TELEGRAM_ROUTES: readonly RoutePolicy[] = [
  { path: '/telegram' },
  { path: '/telegram/bot', reauthenticate: { post: 'Save the Telegram bot' } },
  { path: '/telegram/bot/removal', reauthenticate: { post: 'Remove the Telegram bot' } },
  { path: '/telegram/chat', reauthenticate: { post: 'Save the Telegram chat' } },
  { path: '/telegram/chat/detection', reauthenticate: { post: 'Detect the Telegram chat' } },
  { path: '/telegram/events' },
  { path: '/telegram/test' },
];

/** `/telegram`: where a person's messages go, and which. */
export function createTelegramRouter(deps: TelegramPageDeps): Router {
  const router = Router({ caseSensitive: true });
  const page = createTelegramPage(deps);
  methods(router, '/telegram', { get: page.show });
  methods(router, '/telegram/bot', { post: page.saveBot });
  methods(router, '/telegram/bot/removal', { post: page.removeBot });
  methods(router, '/telegram/chat', { post: page.saveChat });
  methods(router, '/telegram/chat/detection', { post: page.findChat });
  methods(router, '/telegram/events', { post: page.saveEvents });
  methods(router, '/telegram/test', { post: page.sendTest });
  return router;
}
