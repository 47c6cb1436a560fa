import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { describeDuration } from '../core/duration.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import type { UserSettings } from '../core/user-settings.ts';
import { invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm, refuseForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import type { ChangeSettings, SettingsChange } from './change-settings.ts';
import { idleChoices, type SettingsChoices, settingsForm } from './settings-form.ts';
import type { ReadSettings } from './settings-reader.ts';
import { toQuestions } from './settings-view.ts';

export interface SettingsPageDeps {
  readonly readSettings: ReadSettings;
  readonly changeSettings: ChangeSettings;
  readonly policy: LivePolicy;
  readonly clock: Clock;
  /** Names by id, in the server's order. */
  readonly brokerNames: ReadonlyMap<string, string>;
}

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map<SettingsChange, string>([
  ['saved', 'Saved. It holds on all your devices.'],
  [
    'idle_pending',
    'Saved. The session store does not answer right now: your idle limit reaches the sessions that are open as soon as it does, without your doing anything.',
  ],
]);

export function createSettingsPage(deps: SettingsPageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  const { readSettings, changeSettings, policy, clock, brokerNames } = deps;

  const choicesOf = (settings: UserSettings): SettingsChoices => ({
    idleMs: idleChoices(policy.current().idleTimeoutMs, settings.idleTimeoutMs),
    brokers: [...brokerNames.keys()],
  });

  return {
    async get(req, res) {
      const settings = await readSettings(currentSession(req).userId);
      render(req, res, settings, { notice: noticeOf(req, NOTICES) });
    },

    async post(req, res) {
      const { userId } = currentSession(req);
      const before = await readSettings(userId);
      const form = readForm(settingsForm(choicesOf(before)), req);
      if (!form.ok) {
        refuseForm(req, res, invalid(form.fields));
        return render(req, res, before, { fields: form.fields });
      }
      const change = await changeSettings(userId, { before, after: form.values }, auditOrigin(req, res));
      res.redirect(303, `/settings?notice=${change}`);
    },
  };

  function render(
    req: Request,
    res: Response,
    settings: UserSettings,
    { notice, fields = {} }: { readonly notice?: string | undefined; readonly fields?: FieldProblems },
  ): void {
    const { idleTimeoutMs: serverIdleMs } = policy.current();
    const { idleTimeoutMs } = settings;
    const overruled =
      idleTimeoutMs !== undefined && serverIdleMs !== 'off' && serverIdleMs <= idleTimeoutMs
        ? describeDuration(serverIdleMs)
        : undefined;
    const choices = choicesOf(settings);
    renderPage(req, res, 'settings/index', {
      title: 'Settings',
      questions: toQuestions(settings, { choices, brokerNames, serverIdleMs, now: clock.now() }),
      overruled,
      notice,
      fields,
    });
  }
}

type FieldProblems = Readonly<Record<string, string>>;
