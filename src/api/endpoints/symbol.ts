import { z } from 'zod';
import type { Instrument, SymbolLookup } from '../../core/symbol.ts';
import { AppError } from '../../errors.ts';
import { defineEndpoint, type Endpoint, line } from '../endpoint.ts';
import {
  EXAMPLE_INSTRUMENT,
  instrument,
  instrumentParameters,
  toInstrumentData,
} from '../instrument-data.ts';

export interface SymbolEndpointDeps {
  readonly findSymbol: SymbolLookup['find'];
}

export function createSymbolEndpoint({ findSymbol }: SymbolEndpointDeps): Endpoint {
  return defineEndpoint({
    method: 'get',
    path: '/symbols/:exchange/:symbol',
    operationId: 'getSymbol',
    summary: 'One instrument, by its exact name',
    description:
      'By its trading symbol, or its display name or token. Letter case does not matter. Signs are percent-encoded as in any address: M&M is M%26M. A name that a share has in common with a bond or warrant means the share; one that means several instruments is refused with the choices.',
    scope: 'symbols:read',
    params: z.strictObject({
      exchange: instrumentParameters.exchange,
      symbol: line(100).meta({ description: 'As the broker spells it', examples: ['INFY'] }),
    }),
    query: z.strictObject({ broker: instrumentParameters.broker.optional() }),
    data: instrument,
    dataName: 'Instrument',
    example: EXAMPLE_INSTRUMENT,
    errors: ['not_found', 'ambiguous'],
    etag: true,
    waits: false,
    async answer({ params, query }) {
      const [found, ...others] = await findSymbol(params.exchange, params.symbol, query.broker);
      if (found === undefined) throw unknownSymbol();
      if (others.length > 0) throw ambiguousSymbol([found, ...others]);
      return toInstrumentData(found);
    },
  });
}

function unknownSymbol(): AppError {
  const words =
    'There is no such instrument in the instrument list. Check the spelling and the exchange with GET /api/v1/symbols?q=….';
  return new AppError('not_found', words);
}

function ambiguousSymbol(choices: readonly Instrument[]): AppError {
  const brokers = new Set(choices.map(({ broker }) => broker));
  const how =
    brokers.size === choices.length
      ? 'Several brokers have it, each with a token of its own: say which with broker.'
      : 'Ask again with the instrumentToken or the displayName of the one you mean.';
  return new AppError('ambiguous', `The name means ${choices.length} instruments. ${how}`, {
    details: { choices: choices.map(toInstrumentData) },
  });
}
