import type { PriceFeed, ReadStreamPass } from '../../core/price-feed.ts';
import { AppError } from '../../errors.ts';

export interface BrokerChoiceDeps {
  /** Brokers with prices, in the order in which pages list them. */
  readonly feeds: ReadonlyMap<string, PriceFeed>;
  readonly readStreamPass: ReadStreamPass;
  /** Throws `broker_reauth_required` where the broker is not connected, and `not_found` where there is none of that name. */
  readonly requireBroker: (userId: string, broker: string) => Promise<unknown>;
  /** Of the user's settings; undefined where the server chooses. */
  readonly defaultBroker: (userId: string) => Promise<string | undefined>;
}

/** The broker whose prices a user gets: the one asked for, else the default one where it is connected, else the first that is. */
export type ChooseBroker = (
  userId: string,
  asked: string | undefined,
) => Promise<{ readonly broker: string; readonly feed: PriceFeed }>;

export function createBrokerChoice(deps: BrokerChoiceDeps): ChooseBroker {
  const { feeds, readStreamPass, requireBroker, defaultBroker } = deps;

  async function take(userId: string, asked: string) {
    await requireBroker(userId, asked);
    const feed = feeds.get(asked);
    if (feed !== undefined) return { broker: asked, feed };
    const message = `Curfew has no prices of ${asked}. It has those of: ${[...feeds.keys()].join(', ')}.`;
    throw new AppError('not_found', message, { fields: { broker: message } });
  }

  return async function chooseBroker(userId, asked) {
    if (asked !== undefined) return take(userId, asked);
    const usual = await defaultBroker(userId);
    const inOrder = [...feeds].toSorted(([a], [b]) => Number(b === usual) - Number(a === usual));
    for (const [broker, feed] of inOrder)
      if ((await readStreamPass(userId, broker)).kind === 'pass') return { broker, feed };
    throw new AppError('broker_reauth_required', NONE_CONNECTED);
  };
}

const NONE_CONNECTED =
  'No broker with prices is connected. Sign in to Curfew, open Brokers, and connect one.';
