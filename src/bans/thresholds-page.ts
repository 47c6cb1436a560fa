import type { Request, RequestHandler, Response } from 'express';
import { formatMs } from '../core/alert.ts';
import type { BanRules, BanThreshold } from '../core/ban-policy.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import type { BanRuleStore } from './ban-rule-store.ts';
import { lengthOptions } from './ban-view.ts';
import type { Bans } from './bans.ts';
import { DEFAULT_BAN_RULES } from './default-ban-rules.ts';
import { alertForm, LADDER_STEPS, SLOW_MS, thresholdForm, WINDOWS } from './threshold-form.ts';

export interface ThresholdsPageDeps {
  readonly bans: Pick<Bans, 'changeRules'>;
  readonly ruleStore: Pick<BanRuleStore, 'read'>;
}

type Fields = Readonly<Record<string, string>>;

export const THRESHOLDS = '/security/thresholds';
export const ALERT_THRESHOLDS = `${THRESHOLDS}/alerts`;

/** A browser does not send a box that is not ticked. */
const UNTICKED: Fields = { keysAutomatic: '', pathsAutomatic: '' };

const NOTICES: Notices = new Map([
  ['saved', 'Saved. The thresholds apply at once, on every node.'],
  ['unchanged', 'Nothing was changed: these thresholds apply already.'],
]);

/** A form each for the offences and lengths of bans, the suspicious paths, and the thresholds of alerts. */
export function createThresholdsPage({ bans, ruleStore }: ThresholdsPageDeps): {
  readonly show: RequestHandler;
  readonly save: RequestHandler;
  readonly saveAlerts: RequestHandler;
} {
  /** The form as it was typed, with what is wrong in it, and the other one as it is stored. */
  async function showAgain(req: Request, res: Response, fields: Fields, unsent: Fields = {}): Promise<void> {
    res.status(400);
    render(req, res, { ...toFields(await ruleStore.read()), ...unsent, ...typed(req) }, { fields });
  }

  return {
    async show(req, res) {
      const wantsDefaults = req.query['defaults'] === 'yes';
      const rules = wantsDefaults ? DEFAULT_BAN_RULES : await ruleStore.read();
      render(req, res, toFields(rules), { wantsDefaults });
    },

    async save(req, res) {
      const form = readForm(thresholdForm, req);
      if (!form.ok) return showAgain(req, res, form.fields, UNTICKED);
      const outcome = await bans.changeRules(form.values, auditOrigin(req, res));
      res.redirect(303, `${THRESHOLDS}?notice=${outcome}`);
    },

    async saveAlerts(req, res) {
      const form = readForm(alertForm, req);
      if (!form.ok) return showAgain(req, res, form.fields);
      const outcome = await bans.changeRules({ alerts: form.values }, auditOrigin(req, res));
      res.redirect(303, `${THRESHOLDS}?notice=${outcome}`);
    },
  };
}

function render(
  req: Request,
  res: Response,
  values: Fields,
  { fields = {}, wantsDefaults = false }: { readonly fields?: Fields; readonly wantsDefaults?: boolean },
): void {
  renderPage(req, res, 'bans/thresholds', {
    title: 'Thresholds',
    values,
    windows: { keys: windowOptions(values['keysWindow']), paths: windowOptions(values['pathsWindow']) },
    ladder: steps().map((step) => ({
      name: `length${step}`,
      label: STEP_WORDS[step - 1] ?? '',
      options: lengthOptions(values[`length${step}`]),
    })),
    slowOptions: SLOW_MS.map((ms) => ({
      value: String(ms),
      label: formatMs(ms),
      chosen: String(ms) === values['slowMs'],
    })),
    wantsDefaults,
    notice: noticeOf(req, NOTICES),
    fields,
  });
}

const STEP_WORDS = ['First ban', 'Second', 'Third', 'Fourth and later'] as const;
const steps = (): readonly number[] => Array.from({ length: LADDER_STEPS }, (_, index) => index + 1);

const windowOptions = (chosen: string | undefined) =>
  WINDOWS.map(({ value, label }) => ({ value, label, chosen: value === chosen }));

function toFields({ thresholds, ladder, suspiciousPaths, alerts }: BanRules): Fields {
  return {
    ...Object.fromEntries(Object.entries(alerts).map(([name, threshold]) => [name, String(threshold)])),
    ...thresholdFields('keys', thresholds.invalid_api_keys),
    ...thresholdFields('paths', thresholds.suspicious_paths),
    ...Object.fromEntries(steps().map((step) => [`length${step}`, ladder[step - 1] ?? ladder.at(-1) ?? ''])),
    patterns: suspiciousPaths.join('\n'),
  };
}

function thresholdFields(prefix: string, { automatic, count, windowMs }: BanThreshold): Fields {
  return {
    [`${prefix}Automatic`]: automatic ? 'yes' : '',
    [`${prefix}Count`]: String(count),
    [`${prefix}Window`]: WINDOWS.find(({ ms }) => ms === windowMs)?.value ?? '',
  };
}

/** A form that is shown again keeps what was typed. */
function typed(req: Request): Fields {
  const body = Object.entries((req.body ?? {}) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    body.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
