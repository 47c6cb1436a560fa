import { counter, gauge, type Metric } from '../../http/metrics.ts';
import type { PriceDesk } from './price-desk.ts';
import type { Upstreams } from './upstreams.ts';

export function createPriceMetrics(upstreams: Upstreams, prices: PriceDesk): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_price_streams',
      help: 'Price streams that this node reads, from a broker or from the node that does, by state; waiting: for a new token, or for the next try.',
      labelNames: ['state'],
      read: () =>
        (['opening', 'open', 'waiting'] as const).map((state) => ({
          labels: { state },
          value: upstreams.countBy(state),
        })),
    }),
    gauge({
      name: 'curfew_price_subscriptions',
      help: 'Symbols that sockets of this node are subscribed to.',
      read: () => prices.size,
    }),
    counter({
      name: 'curfew_price_ticks_total',
      help: 'Prices that brokers have sent to this node, or to the node that it reads them from.',
      read: () => upstreams.ticks,
    }),
  ];
}
