import { Router } from 'express';
import { formatCutoffTime } from '../core/cutoff.ts';
import { formatIdleTimeout, type LivePolicy } from '../core/session-policy.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import type { RoutePolicy } from '../http/route-policy.ts';

const SERVER_SETTINGS = '/security/settings';

export const SERVER_SETTINGS_ROUTES: readonly RoutePolicy[] = [{ path: SERVER_SETTINGS, role: 'admin' }];

export interface ServerSettingsDeps {
  /** As they were at the start, without secrets. */
  readonly shownSettings: readonly {
    readonly name: string;
    readonly value: string;
    readonly isDefault: boolean;
  }[];
  readonly policy: LivePolicy;
  /** Passkeys that were made for another host than that of BASE_URL. */
  readonly countForeignPasskeys: () => Promise<number>;
}

/** Shows the settings of .env, which are changed there. */
export function createServerSettingsRouter({
  shownSettings,
  policy,
  countForeignPasskeys,
}: ServerSettingsDeps): Router {
  /** Those that are applied while the server runs, as they are now. */
  function liveValues(): ReadonlyMap<string, string> {
    const current = policy.current();
    return new Map([
      ['SESSION_EXPIRY_TIME', formatCutoffTime(current.cutoffTime)],
      ['SESSION_IDLE_TIMEOUT', formatIdleTimeout(current)],
    ]);
  }

  const router = Router({ caseSensitive: true });
  methods(router, SERVER_SETTINGS, {
    get: async (req, res) => {
      const live = liveValues();
      renderPage(req, res, 'admin/server-settings', {
        title: 'Server settings',
        foreignPasskeys: await countForeignPasskeys(),
        settings: shownSettings.map(({ name, value, isDefault }) => ({
          name,
          value: live.get(name) ?? value,
          isDefault: isDefault && !live.has(name),
          isLive: live.has(name),
        })),
      });
    },
  });
  return router;
}
