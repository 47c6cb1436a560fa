import type { Request, RequestHandler, Response } from 'express';
import type { FindTradedSymbol } from '../core/symbol.ts';
import { AppError, invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm, refuseForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { exampleMessage, testMessage } from './example-message.ts';
import { SHOWN_SIGNALS } from './signal-history.ts';
import type { SignalHistoryStore } from './signal-history-store.ts';
import type { WhyBrokerNotConnected } from './signal-judge.ts';
import type { SignalStore } from './signal-store.ts';
import { MOST_TESTS_IN_AN_HOUR, type TestSignal } from './signal-test.ts';
import { SIGNATURE_TOLERANCE_MS } from './signature.ts';
import type { Strategies } from './strategies.ts';
import { addressesForm, LONGEST_TEST, testSignalForm } from './strategy-form.ts';
import type { Strategy } from './strategy-store.ts';
import { toSignalView, toStrategyView, toSymbolViews } from './strategy-view.ts';
import type { HasInstruments } from './symbol-check.ts';
import { areTradingViewAddresses } from './tradingview-addresses.ts';
import { isReachableFromOutside, webhookUrl } from './webhook-id.ts';

export interface StrategyPageDeps {
  readonly strategies: Strategies;
  readonly signals: Pick<SignalStore, 'listByStrategy'>;
  readonly history: Pick<SignalHistoryStore, 'bodiesOf' | 'fetchersOf'>;
  readonly testSignal: TestSignal;
  readonly findSymbol: FindTradedSymbol;
  readonly hasInstruments: HasInstruments;
  readonly whyBrokerNotConnected: WhyBrokerNotConnected;
  readonly brokerNames: ReadonlyMap<string, string>;
  /** BASE_URL: where webhooks come in. */
  readonly publicOrigin: string;
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

type FieldProblems = Readonly<Record<string, string>>;

/** What the page says on top, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  [
    'created',
    'The strategy is there, and switched off. Give its webhook to your platform, then switch it on.',
  ],
  ['saved', 'Saved. It holds from the next signal on.'],
  ['activated', 'Switched on. Signals are taken from now on.'],
  ['deactivated', 'Switched off. Signals are refused from now on.'],
  ['webhook_replaced', 'The webhook has a new address. The old one leads nowhere any more.'],
  ['signing_secret_removed', 'Signals need no signature any more.'],
  ['addresses_saved', 'Saved. It holds from the next signal on.'],
  [
    'test_accepted',
    'Test signal: accepted. A real one like it would go to your programs; this one goes to none.',
  ],
  ['test_refused', 'Test signal: refused. The list of signals says why.'],
]);

/** One strategy: its state, its webhook and who may use it, its last signals, and its end. */
export function createStrategyPage(deps: StrategyPageDeps): StrategyPage {
  const {
    strategies,
    signals,
    history,
    testSignal,
    findSymbol,
    hasInstruments,
    whyBrokerNotConnected,
    brokerNames,
    publicOrigin,
  } = deps;

  return {
    async show(req, res) {
      await render(req, res, await findOwn(req));
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
    return render(req, res, strategy, error.fields);
  }

  async function render(
    req: Request,
    res: Response,
    strategy: Strategy,
    fields: FieldProblems = {},
  ): Promise<void> {
    const { id, userId, broker, platform, signingSecret, allowedAddresses } = strategy;
    const [records, symbols, why, canLookUp] = await Promise.all([
      signals.listByStrategy(id, SHOWN_SIGNALS),
      toSymbolViews(strategy, findSymbol),
      whyBrokerNotConnected(userId, broker),
      hasInstruments(),
    ]);
    const ids = records.map((record) => record.id);
    const [bodies, fetchers] = await Promise.all([history.bodiesOf(ids), history.fetchersOf(ids)]);
    const webhookId = strategies.revealWebhook(strategy);
    renderPage(req, res, 'strategies/show', {
      title: strategy.name,
      strategy: toStrategyView(strategy, brokerNames),
      symbols,
      unknownSymbols: symbols.filter(({ known }) => !known).map(({ name }) => name),
      canLookUp,
      signals: records.map((record) =>
        toSignalView(record, {
          body: bodies.get(record.id),
          fetchers: fetchers.filter(({ signalId }) => signalId === record.id),
        }),
      ),
      shownSignals: SHOWN_SIGNALS,
      isBrokerConnected: why === undefined,
      webhookUrl: webhookId === undefined ? undefined : webhookUrl(publicOrigin, webhookId),
      isForTradingView: platform === 'tradingview',
      isReachable: isReachableFromOutside(publicOrigin),
      publicOrigin,
      example: exampleMessage(strategy),
      testText: typedText(req, 'message', LONGEST_TEST) ?? testMessage(strategy),
      longestTest: LONGEST_TEST,
      isSigned: signingSecret !== undefined,
      toleranceMinutes: SIGNATURE_TOLERANCE_MS / 60_000,
      allowedAddresses,
      typedAddresses: typedText(req, 'addresses', 2000) ?? allowedAddresses.join('\n'),
      isTradingViewOnly: areTradingViewAddresses(allowedAddresses),
      fields,
      notice: noticeOf(req, NOTICES),
    });
  }
}

function tooManyTests(): AppError {
  const message = `You may send ${MOST_TESTS_IN_AN_HOUR} test signals an hour. Try again later.`;
  return new AppError('rate_limited', message, { fields: { message } });
}
