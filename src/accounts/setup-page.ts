import type { Request, RequestHandler, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { invalid, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { renderPage } from '../http/page.ts';
import { wantsJson } from '../http/wants-json.ts';
import { readNewAccount } from './new-account.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordRules } from './password-rules.ts';
import type { UserStore } from './user-store.ts';

export interface SetupPageDeps {
  readonly users: Pick<UserStore, 'anyUserExists' | 'createFirstAdmin'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly audit: AuditLog;
}

/** Makes the first admin, and is not there any more as soon as there is one. */
export function createSetupPage({ users, rules, hasher, audit }: SetupPageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  return {
    async get(req, res) {
      await requireNeedsSetup(users);
      renderSetup(req, res, {});
    },

    async post(req, res) {
      await requireNeedsSetup(users);
      const account = await readNewAccount(req.body, rules);
      if (!account.ok) {
        if (wantsJson(req)) throw invalid(account.fields);
        res.status(400);
        return renderSetup(req, res, account.fields);
      }
      const { username, email, password } = account.values;
      const made = await users.createFirstAdmin({
        username,
        email,
        passwordHash: await hasher.hash(password),
      });
      if (made.kind === 'already_set_up') throw notFound();
      const { id: userId, role } = made.user;
      await audit.record(
        { type: 'account.created', userId, username, role },
        auditOrigin(req, res, username),
      );
      res.redirect(303, '/auth/login?reason=setup_done');
    },
  };
}

/**
 * For `/setup`, in front of whatever reads and checks bodies: what cannot be read, or has no token of a form that nobody
 * can open any more, is nowhere as well.
 */
export function createSetupGate(users: SetupPageDeps['users']): RequestHandler {
  return async function hideSetup(_req, _res, next) {
    await requireNeedsSetup(users);
    next();
  };
}

async function requireNeedsSetup(users: Pick<UserStore, 'anyUserExists'>): Promise<void> {
  if (await users.anyUserExists()) throw notFound();
}

/** Keeps what was typed, but never the password. */
function renderSetup(req: Request, res: Response, fields: Readonly<Record<string, string>>): void {
  const values = { username: typed(req.body?.username), email: typed(req.body?.email) };
  renderPage(req, res, 'accounts/setup', { title: 'Set up Curfew', values, fields });
}

function typed(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 256) : '';
}
