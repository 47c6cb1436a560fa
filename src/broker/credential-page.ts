import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { invalid, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm, refuseForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import type { AppCredentials, BrokerAdapter } from './broker-adapter.ts';
import type { BrokerOverview } from './broker-overview.ts';
import { callbackUri } from './callback-uri.ts';
import type { Credentials } from './credentials.ts';

export interface CredentialPageDeps {
  readonly credentials: Credentials;
  readonly overview: BrokerOverview;
  /** BASE_URL: where brokers send people back to. */
  readonly publicOrigin: string;
  /** Throws `not_found` for a broker that is not there. */
  readonly findAdapter: (req: Request) => BrokerAdapter;
}

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['needed', 'Enter your app keys first; then you can connect.'],
  ['removed', 'The app keys are removed.'],
]);

/**
 * The page for a person's app credentials at one broker. They go in and never come out again: it shows since when they
 * are there, and the end of what is no secret. While the broker is connected they stay, because the token belongs to them.
 */
export function createCredentialPage(deps: CredentialPageDeps): {
  readonly show: RequestHandler;
  readonly save: RequestHandler;
  readonly remove: RequestHandler;
} {
  const { credentials, overview, publicOrigin } = deps;

  return {
    async show(req, res) {
      await render(req, res, findAdapter(req), { notice: noticeOf(req, NOTICES) });
    },

    async save(req, res) {
      const adapter = findAdapter(req);
      const { userId, username } = currentSession(req);
      if (await isConnected(req, adapter)) return res.redirect(303, pathOf(adapter));
      const form = readForm(credentialForm(adapter), req);
      if (!form.ok) return refuse(req, res, adapter, form.fields);
      await credentials.save(userId, adapter, form.values, auditOrigin(req, res, username));
      res.redirect(303, '/broker?notice=credentials_saved');
    },

    async remove(req, res) {
      const adapter = findAdapter(req);
      const { userId, username } = currentSession(req);
      if (await isConnected(req, adapter)) return res.redirect(303, pathOf(adapter));
      await credentials.remove(userId, adapter, auditOrigin(req, res, username));
      res.redirect(303, `${pathOf(adapter)}?notice=removed`);
    },
  };

  /** A broker that wants no app keys has no such page. */
  function findAdapter(req: Request): BrokerAdapter {
    const adapter = deps.findAdapter(req);
    if (adapter.credentialFields.length === 0) throw notFound();
    return adapter;
  }

  async function isConnected(req: Request, { id }: BrokerAdapter): Promise<boolean> {
    const { userId } = currentSession(req);
    return (await overview.of(userId, req)).some((broker) => broker.id === id && broker.connected);
  }

  async function refuse(req: Request, res: Response, adapter: BrokerAdapter, fields: FieldProblems) {
    refuseForm(req, res, invalid(fields));
    await render(req, res, adapter, { fields });
  }

  async function render(
    req: Request,
    res: Response,
    adapter: BrokerAdapter,
    { notice, fields = {} }: { readonly notice?: string | undefined; readonly fields?: FieldProblems },
  ): Promise<void> {
    const { userId } = currentSession(req);
    const { setAt, hint } = await credentials.describe(userId, adapter);
    renderPage(req, res, 'broker/credentials', {
      title: `App keys for ${adapter.name}`,
      broker: { id: adapter.id, name: adapter.name },
      inputs: adapter.credentialFields.map(({ name, label, secret, help }) => ({
        name,
        label,
        secret,
        hint: help,
        // The form keeps what was typed, but for the secrets.
        typed: secret ? undefined : typedText(req, name, 500),
      })),
      labels: Object.fromEntries(adapter.credentialFields.map(({ name, label }) => [name, label])),
      fields,
      notice,
      setAt,
      hint,
      shownField: adapter.credentialFields.find((field) => !field.secret)?.label,
      developerPage: adapter.developerPage,
      takesLogout: adapter.revoke !== undefined,
      connected: await isConnected(req, adapter),
      redirectUri: callbackUri(publicOrigin, adapter.id),
      needsStaticAddress: adapter.needsStaticAddress,
    });
  }
}

type FieldProblems = Readonly<Record<string, string>>;

const pathOf = ({ id }: BrokerAdapter): string => `/broker/${id}/credentials`;

/** Longer than any broker's keys, and short enough to be encrypted, stored and sent without a thought. */
const LONGEST = 500;

/** The credentials form of a broker: every field, in one line each. */
function credentialForm({ credentialFields }: BrokerAdapter): z.ZodType<AppCredentials> {
  const fields = credentialFields.map(({ name, label }) => [name, credentialValue(label)] as const);
  return z.object(Object.fromEntries(fields));
}

function credentialValue(label: string) {
  return (
    z
      .string({ error: `Enter the ${label}.` })
      // Copying from the broker's page likes to take a space along.
      .trim()
      .min(1, `Enter the ${label}.`)
      .max(LONGEST, `This is too long for the ${label}.`)
      .regex(/^[\x21-\x7e]+$/, `The ${label} has letters, digits and signs only, and no spaces.`)
  );
}
