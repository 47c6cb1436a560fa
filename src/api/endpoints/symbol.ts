import { z } from 'zod';
import type { SymbolLookup } from '../../core/symbol.ts';
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
    path: '/symbols/:exchange/:symbol',
    operationId: 'getSymbol',
    summary: 'One instrument, by its exact name',
    description: 'Letter case does not matter. Signs are percent-encoded as in any address: M&M is M%26M.',
    scope: 'symbols:read',
    params: z.strictObject({
      exchange: instrumentParameters.exchange,
      symbol: line(100).meta({ description: 'As the broker spells it', examples: ['INFY'] }),
    }),
    query: z.strictObject({ broker: instrumentParameters.broker.optional() }),
    data: instrument,
    dataName: 'Instrument',
    example: EXAMPLE_INSTRUMENT,
    errors: ['not_found'],
    etag: true,
    waits: false,
    async answer({ params, query }) {
      const found = await findSymbol(params.exchange, params.symbol, query.broker);
      if (found === undefined) throw unknownSymbol();
      return toInstrumentData(found);
    },
  });
}

function unknownSymbol(): AppError {
  const words =
    'There is no such instrument in the instrument list. Check the spelling and the exchange with GET /api/v1/symbols?q=….';
  return new AppError('not_found', words);
}
