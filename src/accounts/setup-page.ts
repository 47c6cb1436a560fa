import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { invalid, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { isFromThisMachine, isLoopbackHost } from '../http/client-address.ts';
import { refuseForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { readNewAccount } from './new-account.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordRules } from './password-rules.ts';
import type { UserStore } from './user-store.ts';

/** The field of the form, asked for from elsewhere than this machine. */
const TOKEN_FIELD = 'setupToken';
const TOKEN_DIGITS = 16;

/** The same on all nodes: it stands in the log of each while there is no account. */
export function createSetupToken([newest = '']: readonly string[]): string {
  return createHmac('sha256', newest).update('curfew setup token v1').digest('hex').slice(0, TOKEN_DIGITS);
}

export interface SetupPageDeps {
  /** Without it a stranger could make the first account of a server that was just put on a network. */
  readonly setupToken: string;
  /** BASE_URL. */
  readonly publicOrigin: string;
  readonly users: Pick<UserStore, 'anyUserExists' | 'createFirstAdmin'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly audit: AuditLog;
}

type Fields = Readonly<Record<string, string>>;

/** Makes the first admin, and is not there any more as soon as there is one. */
export function createSetupPage(deps: SetupPageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  const { users, rules, hasher, audit, setupToken, publicOrigin } = deps;
  const isForThisMachine = isLoopbackHost(new URL(publicOrigin).hostname);

  return {
    async get(req, res) {
      await requireNeedsSetup(users);
      renderSetup(req, res, {});
    },

    async post(req, res) {
      await requireNeedsSetup(users);
      const refused = asksForToken(req) ? refuseToken(req, setupToken) : undefined;
      if (refused !== undefined) return refuse(req, res, refused);
      const account = await readNewAccount(req.body, rules);
      if (!account.ok) return refuse(req, res, account.fields);
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

  /** A proxy on this machine that adds no header looks like this machine; only with it BASE_URL is another name. */
  function asksForToken(req: Request): boolean {
    return !isForThisMachine || !isFromThisMachine(req);
  }

  function refuse(req: Request, res: Response, fields: Fields): void {
    refuseForm(req, res, invalid(fields));
    renderSetup(req, res, fields);
  }

  /** Keeps what was typed, but never the password. */
  function renderSetup(req: Request, res: Response, fields: Fields): void {
    const values = {
      username: typedText(req, 'username') ?? '',
      email: typedText(req, 'email') ?? '',
    };
    renderPage(req, res, 'accounts/setup', {
      title: 'Set up Curfew',
      values,
      fields,
      asksForToken: asksForToken(req),
    });
  }
}

/**
 * For `/setup`, in front of all that reads and checks bodies: once there is an account, the address is gone for any request.
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

function refuseToken(req: Request, token: string): Fields | undefined {
  const typed = typedText(req, TOKEN_FIELD) ?? '';
  const given = createHash('sha256').update(typed.trim()).digest();
  if (timingSafeEqual(given, createHash('sha256').update(token).digest())) return undefined;
  return { [TOKEN_FIELD]: 'Enter the setup token that the server printed in its log when it started.' };
}
