import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { formatIst } from '../core/ist.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { type ApiKeys, MOST_KEYS_OF_A_PERSON, type RegisteredAddresses } from './api-keys.ts';
import { API_SCOPES, SCOPE_WORDS } from './api-scope.ts';
import { addressForm, EXPIRY_CHOICES, keyForm } from './key-form.ts';
import { toKeyView } from './key-view.ts';

export interface KeysPageDeps {
  readonly apiKeys: ApiKeys;
  /** BASE_URL, for the example beside a new key. */
  readonly publicOrigin: string;
  readonly clock: Clock;
}

interface KeysPage {
  readonly list: RequestHandler;
  readonly showForm: RequestHandler;
  readonly create: RequestHandler;
  readonly show: RequestHandler;
  readonly changeAddresses: RequestHandler;
  readonly confirmRevocation: RequestHandler;
  readonly revoke: RequestHandler;
}

type Fields = Readonly<Record<string, string>>;

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['revoked', 'The key is revoked. No program can use it from now on.'],
  ['addresses_changed', 'The addresses are changed.'],
  ['addresses_unchanged', 'These were the addresses already.'],
]);

/** A person's own keys. Another person's is as unknown as one that does not exist (ASVS 8.2.2). */
export function createKeysPage(deps: KeysPageDeps): KeysPage {
  const { apiKeys, publicOrigin, clock } = deps;

  return {
    ...createKeyPage(deps),

    async list(req, res) {
      const keys = await apiKeys.listOf(currentSession(req).userId);
      renderPage(req, res, 'api-keys/index', {
        title: 'API keys',
        keys: keys.map((key) => toKeyView(key, clock.now())),
        isFull: keys.length >= MOST_KEYS_OF_A_PERSON,
        notice: noticeOf(req, NOTICES),
      });
    },

    showForm: async (req, res) => renderForm(req, res),

    async create(req, res) {
      const { userId, username } = currentSession(req);
      const form = readForm(keyForm, req);
      if (!form.ok) return renderForm(req, res.status(400), form.fields);
      const { lifetimeMs, ...wish } = form.values;
      const expiresAt = lifetimeMs === undefined ? undefined : clock.now() + lifetimeMs;
      const created = await apiKeys.create(userId, { ...wish, expiresAt }, auditOrigin(req, res, username));
      if (created.kind === 'addresses_too_soon')
        return renderForm(req, res.status(409), tooSoon(await apiKeys.registrationOf(userId)));
      if (created.kind !== 'created') return renderForm(req, res.status(400), PROBLEMS[created.kind]);
      renderPage(req, res.status(201), 'api-keys/created', {
        title: 'Your new API key',
        name: wish.name,
        secret: created.secret,
        id: created.id,
        publicOrigin,
      });
    },
  };

  async function renderForm(req: Request, res: Response, fields: Fields = {}): Promise<void> {
    const registered = await apiKeys.registrationOf(currentSession(req).userId);
    renderPage(req, res, 'api-keys/new', {
      title: 'New API key',
      scopes: API_SCOPES.map((scope) => ({ scope, words: SCOPE_WORDS[scope], ticked: ticked(req, scope) })),
      expiryChoices: EXPIRY_CHOICES.map(({ value, text }) => ({
        value,
        text,
        chosen: typed(req, 'expiry') === value,
      })),
      typed: {
        name: typed(req, 'name'),
        primary: typed(req, 'primary'),
        secondary: typed(req, 'secondary'),
      },
      address: clientAddress(req),
      registered,
      fields,
    });
  }
}

/** The page of one key. */
function createKeyPage({
  apiKeys,
  clock,
}: KeysPageDeps): Pick<KeysPage, 'show' | 'changeAddresses' | 'confirmRevocation' | 'revoke'> {
  async function findOwn(req: Request) {
    const key = await apiKeys.find(String(req.params['id']));
    if (key === undefined || key.userId !== currentSession(req).userId) throw notFound();
    return key;
  }

  async function renderKey(
    req: Request,
    res: Response,
    { fields = {}, isTooSoon = false }: { readonly fields?: Fields; readonly isTooSoon?: boolean } = {},
  ): Promise<void> {
    const key = await findOwn(req);
    renderPage(req, res, 'api-keys/show', {
      title: key.name,
      key: toKeyView(key, clock.now()),
      typed: {
        primary: typed(req, 'primary') ?? key.addresses.primary,
        secondary: typed(req, 'secondary') ?? key.addresses.secondary,
      },
      isTooSoon,
      address: clientAddress(req),
      registered: await apiKeys.registrationOf(key.userId),
      fields,
      notice: noticeOf(req, NOTICES),
    });
  }

  return {
    show: async (req, res) => renderKey(req, res),

    async changeAddresses(req, res) {
      const key = await findOwn(req);
      const form = readForm(addressForm, req);
      if (!form.ok) return renderKey(req, res.status(400), { fields: form.fields });
      const { username } = currentSession(req);
      const outcome = await apiKeys.changeAddresses(key, form.values, auditOrigin(req, res, username));
      // The page says by itself from when on they may be changed.
      if (outcome === 'too_soon') return renderKey(req, res.status(409), { isTooSoon: true });
      res.redirect(303, `/api-keys/${key.id}?notice=addresses_${outcome}`);
    },

    async confirmRevocation(req, res) {
      const key = toKeyView(await findOwn(req), clock.now());
      renderPage(req, res, 'api-keys/revocation', { title: 'Revoke the API key', key });
    },

    async revoke(req, res) {
      const { username } = currentSession(req);
      await apiKeys.revoke(await findOwn(req), auditOrigin(req, res, username));
      res.redirect(303, '/api-keys?notice=revoked');
    },
  };
}

function tooSoon({ addresses, fixedUntil }: RegisteredAddresses): Fields {
  const when = fixedUntil === undefined ? 'now' : `from ${formatIst(fixedUntil)}`;
  const primary = `Your registered addresses, ${addresses.join(' and ')}, can be changed once in seven days: ${when}. Enter one of them, or ask an administrator.`;
  return { primary };
}

const PROBLEMS = {
  name_taken: { name: 'You have a key of this name. Choose another name, or revoke that one first.' },
  too_many: {
    form: `You have ${MOST_KEYS_OF_A_PERSON} keys, which is the most. Revoke one that is not used any more.`,
  },
} as const;

/** A form that is shown again keeps what was typed. */
function typed(req: Request, name: string): string | undefined {
  const value: unknown = req.body?.[name];
  return typeof value === 'string' && value.length <= 200 ? value : undefined;
}

function ticked(req: Request, scope: string): boolean {
  const value: unknown = req.body?.scopes;
  return [value].flat().includes(scope);
}
