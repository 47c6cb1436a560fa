import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../core/clock.ts';
import { AppError, invalid, notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { readForm, refuseForm, typedText } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { type Notices, noticeOf } from '../../http/query-text.ts';
import { currentSession } from '../../sessions/current-session.ts';
import { deviceName } from '../../sessions/device-view.ts';
import { showRecoveryCodes } from '../second-factor/enrolment-page.ts';
import type { SecondFactor } from '../second-factor/second-factor.ts';
import { newPasskeySchema, passkeyNameSchema, REGISTRATION_PROBLEMS, registerFrom } from './new-passkey.ts';
import type { StoredPasskey } from './passkey-store.ts';
import type { Passkeys } from './passkeys.ts';

export const PASSKEYS_PAGE = '/profile/passkeys';

const NOTICES: Notices = new Map([
  ['added', 'The passkey is added. You can sign in with it.'],
  ['renamed', 'The passkey has its new name.'],
  ['removed', 'The passkey is removed. Delete it in your password manager or on your device too.'],
]);

export interface PasskeyPagesDeps {
  readonly passkeys: Passkeys;
  readonly secondFactor: Pick<SecondFactor, 'stateOf' | 'isRequired'>;
  readonly clock: Clock;
}

type PasskeyPages = Readonly<
  Record<'show' | 'options' | 'add' | 'askName' | 'rename' | 'askRemoval' | 'remove', RequestHandler>
>;

/** A user's own passkeys: seen, added, renamed and removed. Each change asks for who they are first. */
export function createPasskeyPages(deps: PasskeyPagesDeps): PasskeyPages {
  const { passkeys, secondFactor, clock } = deps;

  async function render(
    req: Request,
    res: Response,
    problem?: { readonly name?: string; readonly error?: string },
  ): Promise<void> {
    const { userId } = currentSession(req);
    const [own, { recoveryCodesLeft, fewLeft }] = await Promise.all([
      passkeys.listOf(userId),
      secondFactor.stateOf(userId),
    ]);
    renderPage(req, res, 'accounts/passkeys', {
      title: 'Passkeys',
      passkeys: own.map((passkey) => toView(passkey, passkeys.relyingParty?.id)),
      isAvailable: passkeys.relyingParty !== undefined,
      recoveryCodesLeft,
      fewLeft,
      newName: typedText(req, 'name') ?? deviceName(req.get('user-agent') ?? ''),
      problem: problem ?? {},
      notice: noticeOf(req, NOTICES),
      // With another factor (ASVS 7.4.3).
      offersEnd: req.query['notice'] !== 'renamed',
    });
  }

  return {
    ...createPasskeyChanges(deps),

    show: (req, res) => render(req, res),

    async options(req, res) {
      if (passkeys.relyingParty === undefined) throw notFound();
      const { userId: id, username } = currentSession(req);
      const ceremony = await passkeys.beginRegistration(req, 'register', { id, username });
      res.set('Cache-Control', 'no-store').json(ceremony);
    },

    async add(req, res) {
      if (passkeys.relyingParty === undefined) throw notFound();
      const form = readForm(newPasskeySchema, req);
      if (!form.ok) {
        refuseForm(req, res, invalid(form.fields));
        return render(req, res, { name: form.fields['name'] ?? '' });
      }
      const outcome = await registerFrom(req, passkeys, 'register', form.values, {
        userId: currentSession(req).userId,
        origin: auditOrigin(req, res),
      });
      if (outcome.kind !== 'registered') {
        const error = new AppError('invalid', REGISTRATION_PROBLEMS[outcome.kind]);
        refuseForm(req, res, error);
        return render(req, res, { error: error.message });
      }
      // It was used just now.
      req.session.factorAt = clock.now();
      const next = `${PASSKEYS_PAGE}?notice=added`;
      if (outcome.recoveryCodes === undefined) return res.redirect(303, next);
      showRecoveryCodes(req, res, outcome.recoveryCodes, next);
    },
  };
}

/** Renaming and removing one of them. */
function createPasskeyChanges({
  passkeys,
  secondFactor,
}: PasskeyPagesDeps): Pick<PasskeyPages, 'askName' | 'rename' | 'askRemoval' | 'remove'> {
  /** Answers 404 for another user's, as for none. */
  async function own(req: Request): Promise<StoredPasskey> {
    const id: unknown = req.params['id'];
    const passkey = typeof id === 'string' ? await passkeys.find(id) : undefined;
    if (passkey?.userId !== currentSession(req).userId) throw notFound();
    return passkey;
  }

  function renderName(req: Request, res: Response, { id, name }: StoredPasskey, error?: string): void {
    renderPage(req, res, 'accounts/passkey-name', {
      title: 'Rename passkey',
      passkey: { id, name },
      newName: typedText(req, 'name') ?? name,
      error,
    });
  }

  return {
    askName: async (req, res) => renderName(req, res, await own(req)),

    async rename(req, res) {
      const passkey = await own(req);
      const form = readForm(passkeyNameSchema, req);
      if (!form.ok) {
        refuseForm(req, res, invalid(form.fields));
        return renderName(req, res, passkey, form.fields['name']);
      }
      if (!(await passkeys.rename(passkey, form.values.name, auditOrigin(req, res)))) throw notFound();
      res.redirect(303, `${PASSKEYS_PAGE}?notice=renamed`);
    },

    async askRemoval(req, res) {
      const passkey = await own(req);
      const { userId, role } = currentSession(req);
      const { enrolledAt, passkeys: count } = await secondFactor.stateOf(userId);
      const isLast = enrolledAt === undefined && count === 1;
      renderPage(req, res, 'accounts/passkey-removal', {
        title: 'Remove this passkey?',
        passkey: toView(passkey, passkeys.relyingParty?.id),
        isLast,
        isRequired: secondFactor.isRequired({ role }),
      });
    },

    async remove(req, res) {
      await passkeys.remove(await own(req), auditOrigin(req, res));
      res.redirect(303, `${PASSKEYS_PAGE}?notice=removed`);
    },
  };
}

function toView(
  { id, name, rpId, isBackedUp, createdAt, lastUsedAt }: StoredPasskey,
  here: string | undefined,
) {
  return { id, name, rpId, isBackedUp, createdAt, lastUsedAt, isOfElsewhere: rpId !== here };
}
