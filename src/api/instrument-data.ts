import { z } from 'zod';
import type { Instrument } from '../core/symbol.ts';
import { line } from './endpoint.ts';

/** Inputs that both endpoints of instruments take. */
export const instrumentParameters = {
  exchange: line(20).meta({ description: 'In Kite’s spelling', examples: ['NSE'] }),
  broker: line(40).meta({ description: 'Whose list, where there are several', examples: ['zerodha'] }),
} as const;

export const instrument = z.object({
  broker: z
    .string()
    .meta({ description: 'Whose list it is from: tokens and spellings are the broker’s own' }),
  exchange: z.string(),
  tradingSymbol: z.string(),
  name: z.string().meta({ description: 'Of the company, or the underlying; may be empty' }),
  displayName: z
    .string()
    .meta({ description: 'What the broker shows people, like NIFTY 03 DEC 25000 CALL; may be empty' }),
  isin: z.string().meta({ description: 'May be empty: of derivatives and indices always' }),
  instrumentToken: z.string().meta({ description: 'What the broker’s API calls it by' }),
  exchangeToken: z.string().meta({ description: 'What the exchange calls it by; may be empty' }),
  expiry: z.iso.date().nullable().meta({ description: 'The day on which a derivative ends' }),
  strike: z.number().nullable().meta({ description: 'Of an option, in rupees' }),
  tickSize: z.number().meta({ description: 'The smallest step of the price, in rupees' }),
  lotSize: z.number(),
  instrumentType: z.string().meta({
    description:
      'EQ (a share), FUND, BOND, PREF, WARRANT, RIGHTS, FUT, CE, PE, INDEX, or what the broker says',
  }),
  segment: z.string(),
});

export function toInstrumentData({ expiry, strike, ...rest }: Instrument): z.input<typeof instrument> {
  return { ...rest, expiry: expiry ?? null, strike: strike ?? null };
}

export const EXAMPLE_INSTRUMENT: z.input<typeof instrument> = {
  broker: 'zerodha',
  exchange: 'NSE',
  tradingSymbol: 'INFY',
  name: 'INFOSYS',
  displayName: '',
  isin: '',
  instrumentToken: '408065',
  exchangeToken: '1594',
  expiry: null,
  strike: null,
  tickSize: 0.05,
  lotSize: 1,
  instrumentType: 'EQ',
  segment: 'NSE',
};
