import type { Instrument } from '../core/symbol.ts';

/**
 * A text by which instruments are put in the order of search results: what somebody most likely means comes first. Indices
 * and shares by symbol; then futures by underlying and expiry; then options, by strike as well.
 */
export function displayOrderKey(instrument: Instrument): string {
  const { tradingSymbol, name, exchange, expiry = '', strike, instrumentType } = instrument;
  const rank = rankOf(instrument);
  const parts =
    rank === RANKS.share || rank === RANKS.index
      ? [tradingSymbol.toUpperCase(), placeOf(exchange)]
      : [
          name === '' ? tradingSymbol : name,
          placeOf(exchange),
          expiry,
          padded(strike),
          instrumentType,
          tradingSymbol,
        ];
  return [rank, ...parts].join('\u0000');
}

/** Options stand behind everything else. */
export const isOption = ({ instrumentType }: Instrument): boolean =>
  instrumentType === 'CE' || instrumentType === 'PE';

const RANKS = { index: '0', share: '1', future: '2', option: '3' } as const;

function rankOf(instrument: Instrument): string {
  if (isOption(instrument)) return RANKS.option;
  if (instrument.instrumentType === 'INDEX') return RANKS.index;
  return instrument.expiry === undefined ? RANKS.share : RANKS.future;
}

/** The National Stock Exchange before the others. */
const placeOf = (exchange: string): string => (exchange.startsWith('N') ? `0${exchange}` : `1${exchange}`);

const padded = (strike = 0): string => strike.toFixed(4).padStart(16, '0');
