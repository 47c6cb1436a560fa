import type { Request, RequestHandler, Response } from 'express';
import { AppError, invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm, refuseForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { currentSession } from '../sessions/current-session.ts';
import { createShowStrategy, type ShowStrategyDeps } from './show-strategy.ts';
import { MOST_TESTS_IN_AN_HOUR, type TestSignal } from './signal-test.ts';
import type { Strategies } from './strategies.ts';
import { addressesForm, testSignalForm } from './strategy-form.ts';
import type { Strategy } from './strategy-store.ts';

export interface StrategyPageDeps extends ShowStrategyDeps {
  readonly strategies: Strategies;
  readonly testSignal: TestSignal;
}

export interface StrategyPage {
  readonly show: RequestHandler;
  readonly activate: RequestHandler;
  readonly deactivate: RequestHandler;
  readonly replaceWebhook: RequestHandler;
  readonly createSigningSecret: RequestHandler;
  readonly removeSigningSecret: RequestHandler;
  readonly allowAddresses: RequestHandler;
  readonly sendTest: RequestHandler;
  readonly confirmReplacement: RequestHandler;
  readonly confirmDeletion: RequestHandler;
  readonly delete: RequestHandler;
}

/** One strategy: its state, its webhook and who may use it, its last signals, and its end. */
export function createStrategyPage(deps: StrategyPageDeps): StrategyPage {
  const { strategies, testSignal } = deps;
  const showStrategy = createShowStrategy(deps);

  return {
    async show(req, res) {
      await showStrategy(req, res, await findOwn(req));
    },

    activate: act('activated', (userId, id, origin) => strategies.setActive(userId, id, true, origin)),
    deactivate: act('deactivated', (userId, id, origin) => strategies.setActive(userId, id, false, origin)),
    replaceWebhook: act('webhook_replaced', strategies.replaceWebhook),
    removeSigningSecret: act('signing_secret_removed', strategies.removeSigningSecret),

    async createSigningSecret(req, res) {
      const { userId, username } = currentSession(req);
      const { id, name } = await findOwn(req);
      const secret = await strategies.replaceSigningSecret(userId, id, auditOrigin(req, res, username));
      renderPage(req, res.status(201), 'strategies/signing-secret', {
        title: 'Signing secret',
        strategy: { id, name },
        secret,
      });
    },

    async allowAddresses(req, res) {
      const { userId, username } = currentSession(req);
      const strategy = await findOwn(req);
      const form = readForm(addressesForm, req);
      if (!form.ok) return refuse(req, res, strategy, invalid(form.fields));
      const { addresses } = form.values;
      await strategies.allowAddresses(userId, strategy.id, addresses, auditOrigin(req, res, username));
      res.redirect(303, `/strategies/${strategy.id}?notice=addresses_saved`);
    },

    async sendTest(req, res) {
      const { username } = currentSession(req);
      const strategy = await findOwn(req);
      const form = readForm(testSignalForm, req);
      if (!form.ok) return refuse(req, res, strategy, invalid(form.fields));
      const outcome = await testSignal(strategy, form.values, auditOrigin(req, res, username));
      if (outcome === 'too_many') return refuse(req, res, strategy, tooManyTests());
      const notice = outcome === 'accepted' ? 'test_accepted' : 'test_refused';
      res.redirect(303, `/strategies/${strategy.id}?notice=${notice}#signals-heading`);
    },

    async confirmReplacement(req, res) {
      const { id, name } = await findOwn(req);
      renderPage(req, res, 'strategies/webhook', { title: 'New webhook address', strategy: { id, name } });
    },

    async confirmDeletion(req, res) {
      const { id, name } = await findOwn(req);
      renderPage(req, res, 'strategies/deletion', { title: 'Delete the strategy', strategy: { id, name } });
    },

    async delete(req, res) {
      const { userId, username } = currentSession(req);
      await strategies.delete(userId, String(req.params['id']), auditOrigin(req, res, username));
      res.redirect(303, '/strategies?notice=deleted');
    },
  };

  function findOwn(req: Request): Promise<Strategy> {
    return strategies.require(currentSession(req).userId, String(req.params['id']));
  }

  /** Something that is done to the strategy in the address, and leads back to its page. */
  function act(notice: string, perform: Strategies['replaceWebhook']): RequestHandler {
    return async function actOnStrategy(req, res) {
      const { userId, username } = currentSession(req);
      const id = String(req.params['id']);
      await perform(userId, id, auditOrigin(req, res, username));
      res.redirect(303, `/strategies/${encodeURIComponent(id)}?notice=${notice}`);
    };
  }

  function refuse(req: Request, res: Response, strategy: Strategy, error: AppError): Promise<void> {
    refuseForm(req, res, error);
    return showStrategy(req, res, strategy, error.fields);
  }
}

function tooManyTests(): AppError {
  const message = `You may send ${MOST_TESTS_IN_AN_HOUR} test signals an hour. Try again later.`;
  return new AppError('rate_limited', message, { fields: { message } });
}
