import type { Request, Response } from 'express';
import type { FindTradedSymbol } from '../core/symbol.ts';
import { typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { SHOWN_SIGNALS } from './signal-history.ts';
import type { SignalHistoryStore } from './signal-history-store.ts';
import type { WhyBrokerNotConnected } from './signal-judge.ts';
import type { SignalStore } from './signal-store.ts';
import { SIGNATURE_TOLERANCE_MS } from './signature.ts';
import type { Strategies } from './strategies.ts';
import { LONGEST_TEST } from './strategy-form.ts';
import type { Strategy } from './strategy-store.ts';
import { toSignalView, toStrategyView, toSymbolViews } from './strategy-view.ts';
import type { HasInstruments } from './symbol-check.ts';
import { areTradingViewAddresses } from './tradingview-addresses.ts';
import { isReachableFromOutside, webhookUrl } from './webhook-id.ts';

export interface ShowStrategyDeps {
  readonly strategies: Pick<Strategies, 'revealWebhook'>;
  readonly signals: Pick<SignalStore, 'listByStrategy'>;
  readonly history: Pick<SignalHistoryStore, 'bodiesOf' | 'fetchersOf'>;
  readonly findSymbol: FindTradedSymbol;
  readonly hasInstruments: HasInstruments;
  readonly whyBrokerNotConnected: WhyBrokerNotConnected;
  readonly brokerNames: ReadonlyMap<string, string>;
  /** BASE_URL: where webhooks come in. */
  readonly publicOrigin: string;
}

/** Renders the page of a strategy, with what is wrong in a form of it, by field. */
export type ShowStrategy = (
  req: Request,
  res: Response,
  strategy: Strategy,
  fields?: Readonly<Record<string, string>>,
) => Promise<void>;

/** Notices on top of the page, chosen by a fixed word in its address. */
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

export function createShowStrategy(deps: ShowStrategyDeps): ShowStrategy {
  const { strategies, signals, history, findSymbol, hasInstruments, whyBrokerNotConnected } = deps;
  const { brokerNames, publicOrigin } = deps;

  return async function showStrategy(req, res, strategy, fields = {}) {
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
  };
}

/** A message that says all by itself, for a test signal. */
function testMessage({ symbols }: Pick<Strategy, 'symbols'>): string {
  const [first] = symbols;
  return first === undefined
    ? ''
    : JSON.stringify({
        action: 'buy',
        symbol: `${first.exchange}:${first.tradingSymbol}`,
        quantity: first.quantity,
      });
}

/** A message to paste into the platform: JSON in lines, with TradingView's own placeholders where it is that. */
function exampleMessage({ platform, symbols }: Pick<Strategy, 'platform' | 'symbols'>): string {
  const [first] = symbols;
  const symbol = first === undefined ? 'NSE:SBIN' : `${first.exchange}:${first.tradingSymbol}`;
  const quantity = first?.quantity ?? 1;
  const message =
    platform === 'tradingview'
      ? {
          action: '{{strategy.order.action}}',
          symbol,
          quantity: '{{strategy.order.contracts}}',
          price: '{{strategy.order.price}}',
          id: '{{strategy.order.id}} {{timenow}}',
        }
      : { action: 'buy', symbol, quantity, id: 'any-name-that-is-new-for-each-signal' };
  return JSON.stringify(message, undefined, 2);
}
