import { describe, expect, it } from 'vitest';
import type { Instrument } from '../../src/core/symbol.ts';
import { type Condition, planSearch } from '../../src/symbols/search-query.ts';
import { literalText, wordsOf } from '../../src/symbols/search-words.ts';

const BASE: Instrument = {
  broker: 'zerodha',
  exchange: 'NFO',
  tradingSymbol: '',
  name: '',
  displayName: '',
  isin: '',
  instrumentToken: '1',
  exchangeToken: '1',
  expiry: undefined,
  strike: undefined,
  tickSize: 0.05,
  lotSize: 75,
  instrumentType: 'CE',
  segment: 'NFO-OPT',
};
const MONTHLY = {
  ...BASE,
  tradingSymbol: 'NIFTY24DEC25000CE',
  name: 'NIFTY',
  expiry: '2024-12-26',
  strike: 25000,
};
const WEEKLY = { ...MONTHLY, tradingSymbol: 'NIFTY24D0525000CE', expiry: '2024-12-05' };
const CURRENCY = {
  ...BASE,
  exchange: 'CDS',
  tradingSymbol: 'USDINR24DEC84.25PE',
  name: 'USDINR',
  expiry: '2024-12-27',
  strike: 84.25,
  instrumentType: 'PE',
};
const share = (tradingSymbol: string, name: string): Instrument => ({
  ...BASE,
  exchange: 'NSE',
  tradingSymbol,
  name,
  instrumentType: 'EQ',
  segment: 'NSE',
});
const MAHINDRA = share('M&M', 'MAHINDRA & MAHINDRA');
const BAJAJ = share('BAJAJ-AUTO', 'BAJAJ AUTO LTD');
const LARSEN = share('LT', 'LARSEN & TOUBRO LTD');
const MICRONS = share('20MICRONS', '20 MICRONS');
const BANK_FUTURE = {
  ...BASE,
  tradingSymbol: 'M&M24DECFUT',
  name: 'M&M',
  expiry: '2024-12-26',
  instrumentType: 'FUT',
};

/** What both indexes do, in a few lines. */
function finds(
  q: string,
  instrument: Instrument,
  filters: { exchange?: string; type?: string } = {},
): boolean {
  const plan = planSearch({ q, ...filters });
  if (plan === undefined) return false;
  const words = wordsOf(instrument);
  const holds = (condition: Condition) =>
    condition.some((terms) =>
      terms.every(({ text, prefix }) =>
        words.some((word) => (prefix ? word.startsWith(text) : word === text)),
      ),
    );
  return (
    plan.conditions.every(holds) && plan.literals.every((text) => literalText(instrument).includes(text))
  );
}

describe('instruments', () => {
  it.each([
    ['nifty 24 dec 25000 ce', MONTHLY],
    ['CE 25000 Nifty', MONTHLY],
    ['nifty 26 december 2024', MONTHLY],
    ['nifty 25000 call', MONTHLY],
    ['NIFTY24DEC25000CE', MONTHLY],
    ['nifty24dec', MONTHLY],
    ['nifty 24dec 25000ce', MONTHLY],
    ['nif 250', MONTHLY],
    ['nfo nifty 26 dec', MONTHLY],
    ['NFO:NIFTY24DEC25000CE', MONTHLY],
    ['nifty 5 dec 25000 ce', WEEKLY],
    ['nifty 05 dec', WEEKLY],
    ['nifty 24 dec 25000 ce', WEEKLY],
    ['NIFTY24D0525000CE', WEEKLY],
    ['nifty24d05', WEEKLY],
    ['usdinr 84.25 put', CURRENCY],
    ['usdinr24dec84.25pe', CURRENCY],
    ['usdinr 84.', CURRENCY],
    ['m&m', MAHINDRA],
    ['mm', MAHINDRA],
    ['mahi', MAHINDRA],
    ['mahindra & mahindra', MAHINDRA],
    ['m&m 24 dec fut', BANK_FUTURE],
    ['bajaj-auto', BAJAJ],
    ['bajaj-au', BAJAJ],
    ['bajaj auto', BAJAJ],
    ['bajajauto', BAJAJ],
    ['BAJAJ AUTO LTD', BAJAJ],
    ['lt', LARSEN],
    ['toub', LARSEN],
    ['20mic', MICRONS],
    ['microns', MICRONS],
    ['', MONTHLY],
    ['   ', MONTHLY],
  ])('are found by “%s”', (q, instrument) => {
    expect(finds(q, instrument)).toBe(true);
  });

  it.each<readonly [string, Instrument, string]>([
    ['nifty 24 dec 2500 ce', MONTHLY, 'a number in front of another word is whole'],
    ['nifty 27 dec', MONTHLY, 'another day'],
    ['ifty', MONTHLY, 'the end of a word'],
    ['nifty%', MONTHLY, 'a per cent sign is a per cent sign'],
    ['nift_', MONTHLY, 'an underscore is an underscore'],
    ['%', MONTHLY, 'nothing but a sign'],
    ['"nifty"', MONTHLY, 'quotation marks are quotation marks'],
    ["nifty'", MONTHLY, 'an apostrophe is an apostrophe'],
    ['nifty*', MONTHLY, 'a star is a star'],
    ['nifty OR infy', MONTHLY, 'an operator is a word'],
    ['nifty NOT zzz', MONTHLY, 'an operator is a word'],
    ['NEAR(nifty ce)', MONTHLY, 'an operator is a word'],
    ['words:nifty', MONTHLY, 'a column filter is no filter'],
    ['nifty & ce', MONTHLY, 'an operator of Postgres is a sign'],
    ['nifty:*', MONTHLY, 'an operator of Postgres is a sign'],
    ['!nifty', MONTHLY, 'an operator of Postgres is a sign'],
    ['nse:m&m24decfut', BANK_FUTURE, 'another exchange'],
    ['m-m', MAHINDRA, 'another sign'],
    ['lt', BAJAJ, 'Ltd is in every name'],
    ['84 put', CURRENCY, 'half of a number'],
  ])('are not found by “%s”', (q, instrument, why) => {
    expect(finds(q, instrument), why).toBe(false);
  });

  it('are filtered by exchange and type, whatever their letter case', () => {
    expect(finds('nifty', MONTHLY, { exchange: 'nfo', type: 'ce' })).toBe(true);
    expect(finds('nifty', MONTHLY, { exchange: 'NSE' })).toBe(false);
    expect(finds('nifty', MONTHLY, { type: 'PE' })).toBe(false);
  });

  it('are letters, digits and dots, so that no index can take them for anything else', () => {
    for (const q of ['"\'();:*%_-+\\/~^<>[]{}|&!?#@$=,. é ₹ 🙂', 'a"b\'c', 'x.y.z', '1.2.3.', 'İ']) {
      const plan = planSearch({ q, exchange: 'N"F\'O', type: '*' });
      const texts = plan?.conditions.flat(2).map(({ text }) => text) ?? [];
      expect(texts.length).toBeGreaterThan(2);
      for (const text of texts) expect(text).toMatch(/^[a-z0-9.]+$/);
    }
  });
});

describe('what a search costs', () => {
  const planOf = (q: string) => {
    const plan = planSearch({ q });
    if (plan === undefined) throw new Error(`Nothing can be found by “${q}”`);
    return plan;
  };
  const termsOf = (q: string) => planOf(q).conditions.flat(2);

  it('is that of one word where the same word comes fifty times', () => {
    const many = planOf(Array.from({ length: 50 }, () => '&').join(' '));
    expect(many).toMatchObject({ conditions: planOf('&').conditions, literals: ['&'], ignoredWords: [] });
    expect(planOf('ce ce ce CE').conditions).toEqual(planOf('ce').conditions);
    expect(planOf('m&m&m&m&m').conditions).toEqual(planOf('m&m').conditions);
  });

  it('is that of eight words, and the others are named', () => {
    const plan = planOf('nifty bank fin jan feb mar apr may june july');
    expect(plan.conditions).toHaveLength(8);
    expect(plan.ignoredWords).toEqual(['june', 'july']);
    expect(planOf('nifty24dec25000ce steel zinc gold silver').ignoredWords).toEqual(['silver']);
    expect(planOf('nifty 24 dec 25000 ce').ignoredWords).toEqual([]);
  });

  it('does not grow with letters that stand alone, nor with beginnings of other words', () => {
    expect(planOf('a b c d e').ignoredWords).toEqual(['c', 'd', 'e']);
    expect(termsOf('n ni nif nifty')).toEqual([{ text: 'nifty', prefix: true }]);
    expect(termsOf('24 dec 24')).toEqual(
      termsOf('24 dec').map((term) => ({ ...term, prefix: term.text === 'dec' })),
    );
  });

  it.each([
    'a1b2c3d4e5f6g7h8i9j0'.repeat(5),
    'c2e2'.repeat(25),
    Array.from({ length: 33 }, (_, index) => `a${index}`).join('&'),
    '!@#$%^&*()-_=+[]{}|;:,<>/?'.repeat(3),
    [...'abcdefghijklmnopqrstuvwxyz0123456789'].join(' '),
    'n2e2c2 o2b2f2 d2p2a2 nse:x1y1z1',
    'nse:a1 bse:b1 nfo:c1 bfo:d1 cds:e1 mcx:f1 bcd:g1 nco:h1',
  ])('is bounded for “%s”', (q) => {
    expect(termsOf(q).length).toBeLessThanOrEqual(20);
    expect(planOf(q).literals.length).toBeLessThanOrEqual(8);
  });
});
