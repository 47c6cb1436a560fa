import { z } from 'zod';
import { WEEKDAY_NAMES } from '../../core/ist.ts';
import { type ListStrategies, PLATFORMS, PRODUCTS } from '../../core/signal.ts';
import { defineEndpoint, type Endpoint } from '../endpoint.ts';

export interface StrategiesEndpointDeps {
  readonly listStrategies: ListStrategies;
}

const strategy = z.object({
  id: z.string(),
  name: z.string(),
  platform: z.enum(PLATFORMS),
  broker: z.string(),
  active: z.boolean().meta({ description: 'Signals of one that is not active are refused' }),
  symbols: z.array(
    z.object({
      exchange: z.string(),
      tradingSymbol: z.string(),
      quantity: z
        .number()
        .meta({ description: 'What a signal gets that names none, and the most that it may ask for' }),
      product: z.enum(PRODUCTS),
    }),
  ),
  window: z
    .object({
      days: z.array(z.enum(WEEKDAY_NAMES)),
      start: z.string().meta({ description: 'HH:MM in Indian time' }),
      end: z.string().meta({ description: 'The same; from this minute on signals are refused' }),
    })
    .meta({ description: 'When signals are taken' }),
});

export function createStrategiesEndpoint({ listStrategies }: StrategiesEndpointDeps): Endpoint {
  return defineEndpoint({
    method: 'get',
    path: '/strategies',
    operationId: 'listStrategies',
    summary: 'The owner’s strategies, by name',
    description: 'Without the addresses of their webhooks, which are secrets.',
    scope: 'strategies:read',
    params: z.strictObject({}),
    query: z.strictObject({}),
    data: z.object({ strategies: z.array(strategy) }),
    dataName: 'StrategyList',
    example: { strategies: [EXAMPLE] },
    errors: [],
    etag: false,
    waits: false,
    async answer({ caller }) {
      const strategies = await listStrategies(caller.userId);
      return {
        strategies: strategies.map(({ symbols, window, ...rest }) => ({
          ...rest,
          symbols: [...symbols],
          window: { ...window, days: [...window.days] },
        })),
      };
    },
  });
}

const EXAMPLE: z.input<typeof strategy> = {
  id: '5a0f8a1e-4f0b-4a52-9d3e-0c4f6f0f2a11',
  name: 'Opening range',
  platform: 'tradingview',
  broker: 'zerodha',
  active: true,
  symbols: [{ exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10, product: 'MIS' }],
  window: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], start: '09:15', end: '15:20' },
};
