import { z } from 'zod';
import {
  LAST_SYMBOL_PAGE,
  LONGEST_SYMBOL_SEARCH,
  MOST_SYMBOL_WORDS,
  MOST_SYMBOLS_ON_A_PAGE,
  type SymbolFinder,
} from '../../core/symbol.ts';
import { defineEndpoint, type Endpoint, line } from '../endpoint.ts';
import {
  EXAMPLE_INSTRUMENT,
  instrument,
  instrumentParameters,
  toInstrumentData,
} from '../instrument-data.ts';

export interface SymbolsEndpointDeps {
  readonly searchSymbols: SymbolFinder['search'];
}

const DEFAULT_LIMIT = 50;

const data = z.object({
  items: z.array(instrument),
  nextPage: z.int().nullable().meta({ description: 'null on the last page' }),
  ignoredWords: z.array(z.string()).meta({
    description: `Words of q that were not looked for: ${MOST_SYMBOL_WORDS} are, and a word of letters and digits counts as its parts`,
  }),
});

export function createSymbolsEndpoint({ searchSymbols }: SymbolsEndpointDeps): Endpoint {
  return defineEndpoint({
    method: 'get',
    path: '/symbols',
    operationId: 'searchSymbols',
    summary: 'Search the instruments',
    description:
      'Words and beginnings of words, in any order, taken literally: q=nifty dec 25000 ce. A name, an ISIN or a token that is an instrument’s own comes first. Without a broker, the lists of all brokers are searched, one after the other.',
    scope: 'symbols:read',
    params: z.strictObject({}),
    query: z.strictObject({
      q: line(LONGEST_SYMBOL_SEARCH)
        .default('')
        .meta({ description: 'Empty for everything that the filters leave' }),
      exchange: instrumentParameters.exchange.optional(),
      type: line(20)
        .optional()
        .meta({ description: 'An instrument type', examples: ['CE'] }),
      broker: instrumentParameters.broker.optional(),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(MOST_SYMBOLS_ON_A_PAGE)
        .default(DEFAULT_LIMIT)
        .meta({ description: 'How many on a page' }),
      page: z.coerce.number().int().min(1).max(LAST_SYMBOL_PAGE).default(1),
    }),
    data,
    dataName: 'SymbolPage',
    example: { items: [EXAMPLE_INSTRUMENT], nextPage: null, ignoredWords: [] },
    errors: [],
    etag: true,
    waits: false,
    async answer({ query }) {
      const { items, nextPage = null, ignoredWords } = await searchSymbols(query);
      return { items: items.map(toInstrumentData), nextPage, ignoredWords: [...ignoredWords] };
    },
  });
}
