/**
 * A made-up instrument master in Kite's columns that looks like the real one: the same kinds of rows in like numbers,
 * monthly and weekly spellings, symbols with `&`, `-`, blanks and decimals. The same arguments give the same lines.
 */
export function* sampleMaster(rows = 2_000): Generator<string> {
  yield KITE_HEADER;
  let made = 0;
  for (const line of allLines()) {
    if (made === rows) return;
    made += 1;
    yield `${1_000_000 + made * 256},${3_900 + made},${line}`;
  }
  for (; made < rows; made += 1) {
    const symbol = `FILLER${made}`;
    yield `${1_000_000 + made * 256},${3_900 + made},${symbol},${symbol} INDUSTRIES,0,,0,0.05,1,EQ,BSE,BSE`;
  }
}

export function sampleMasterText(rows?: number): string {
  return `${[...sampleMaster(rows)].join('\n')}\n`;
}

export const KITE_HEADER =
  'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange';

const INDICES = ['NIFTY 50', 'NIFTY BANK', 'NIFTY FIN SERVICE', 'NIFTY MID SELECT', 'INDIA VIX', 'NIFTY IT'];
const COMPANIES: readonly (readonly [symbol: string, name: string, price: number])[] = [
  ['INFY', 'INFOSYS', 1800],
  ['RELIANCE', 'RELIANCE INDUSTRIES', 1300],
  ['TCS', 'TATA CONSULTANCY SERV LT', 4200],
  ['M&M', 'MAHINDRA & MAHINDRA', 2900],
  ['BAJAJ-AUTO', 'BAJAJ AUTO', 9000],
  ['LT', 'LARSEN & TOUBRO', 3600],
  ['SBIN', 'STATE BANK OF INDIA', 840],
  ['HDFCBANK', 'HDFC BANK', 1800],
  ['ICICIBANK', 'ICICI BANK', 1300],
  ['ITC', 'ITC', 470],
  ['TATAMOTORS', 'TATA MOTORS', 790],
  ['TATASTEEL', 'TATA STEEL', 145],
  ['AXISBANK', 'AXIS BANK', 1150],
  ['MARUTI', 'MARUTI SUZUKI INDIA', 11000],
  ['NTPC', 'NTPC', 360],
  ['WIPRO', 'WIPRO', 570],
];
const SYLLABLES = 'AN BHA CHE DEV GAN HIN JAI KAL LAK MAN NAV OM PRA RA SU TRI UT VI'.split(' ');
const TRADES = 'STEEL TEXTILES FINANCE PHARMA CHEMICALS MOTORS POWER FOODS INFRA PAPER'.split(' ');

/** Index derivatives: underlying, where its options are traded, the middle strike, the step, the lot. */
const INDEX_OPTIONS = [
  ['NIFTY', 'NFO', 24_000, 50, 75],
  ['BANKNIFTY', 'NFO', 52_000, 100, 30],
  ['FINNIFTY', 'NFO', 24_000, 50, 65],
  ['MIDCPNIFTY', 'NFO', 12_500, 25, 120],
  ['SENSEX', 'BFO', 80_000, 100, 20],
  ['BANKEX', 'BFO', 60_000, 100, 30],
] as const;

const MONTHLY = ['2024-12-26', '2025-01-30', '2025-02-27'];
const WEEKLY = ['2024-12-05', '2024-12-12', '2024-12-19', '2025-01-02', '2025-01-09'];
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** In weekly symbols a month is one character. */
const WEEKLY_MONTHS = '123456789OND';

function* allLines(): Generator<string> {
  for (const name of INDICES) yield `${name},${name},0,,0,0,0,EQ,INDICES,NSE`;
  for (const exchange of ['NSE', 'BSE']) {
    for (const [symbol, name] of COMPANIES)
      yield `${symbol},"${name}",0,,0,0.05,1,EQ,${exchange},${exchange}`;
  }
  for (const [symbol, , price] of COMPANIES) yield* futures(symbol, 'NFO', Math.round(50_000 / price) * 10);
  for (const [symbol, exchange, , , lot] of INDEX_OPTIONS) yield* futures(symbol, exchange, lot);
  yield* currencies();
  // Near strikes first, so that a short master has some of everything.
  for (let distance = 0; distance < 40; distance += 1) {
    for (const index of INDEX_OPTIONS) yield* indexOptions(index, distance);
  }
  for (const [symbol, , price] of COMPANIES) yield* options(symbol, 'NFO', price, 20, 250, 12);
  yield* otherCompanies();
}

function* futures(symbol: string, exchange: string, lot: number): Generator<string> {
  for (const expiry of MONTHLY)
    yield `${monthlySymbol(symbol, expiry)}FUT,"${symbol}",0,${expiry},0,0.05,${lot},FUT,${exchange}-FUT,${exchange}`;
}

function* currencies(): Generator<string> {
  yield* futures('USDINR', 'CDS', 1);
  for (let strike = 82; strike < 87; strike += 0.25) {
    for (const side of ['CE', 'PE'])
      yield `${monthlySymbol('USDINR', '2024-12-26')}${strike}${side},"USDINR",0,2024-12-26,${strike},0.0025,1,${side},CDS-OPT,CDS`;
  }
}

function* indexOptions(index: (typeof INDEX_OPTIONS)[number], distance: number): Generator<string> {
  const [symbol, exchange, middle, step, lot] = index;
  const strikes =
    distance === 0 ? [middle, middle + 20 * step] : [middle - distance * step, middle + distance * step];
  for (const strike of new Set(strikes)) {
    if (distance === 20 && strike > middle) continue;
    for (const expiry of MONTHLY)
      yield* pair(monthlySymbol(symbol, expiry), symbol, exchange, expiry, strike, lot);
    for (const expiry of WEEKLY)
      yield* pair(weeklySymbol(symbol, expiry), symbol, exchange, expiry, strike, lot);
  }
}

function* options(symbol: string, exchange: string, price: number, step: number, lot: number, each: number) {
  const middle = Math.round(price / step) * step;
  for (const expiry of MONTHLY) {
    for (let distance = -each; distance <= each; distance += 1) {
      const strike = middle + distance * step;
      if (strike > 0) yield* pair(monthlySymbol(symbol, expiry), symbol, exchange, expiry, strike, lot);
    }
  }
}

function* pair(prefix: string, name: string, exchange: string, expiry: string, strike: number, lot: number) {
  for (const side of ['CE', 'PE'])
    yield `${prefix}${strike}${side},"${name}",0,${expiry},${strike},0.05,${lot},${side},${exchange}-OPT,${exchange}`;
}

/** Thousands of them, and every third with options of its own: they fill a master of any size. */
function* otherCompanies(): Generator<string> {
  let number = 0;
  for (const first of SYLLABLES) {
    for (const second of SYLLABLES) {
      for (const trade of TRADES) {
        number += 1;
        const symbol = `${first}${second}${trade.slice(0, 4)}`;
        const name = `${first}${second} ${trade} LIMITED`;
        for (const exchange of ['NSE', 'BSE'])
          yield `${symbol},"${name}",0,,0,0.05,1,EQ,${exchange},${exchange}`;
        if (number % 3 === 0) yield* options(symbol, 'NFO', 500 + (number % 40) * 100, 10, 500, 10);
      }
    }
  }
}

function monthlySymbol(symbol: string, expiry: string): string {
  return symbol + expiry.slice(2, 4) + MONTHS[Number(expiry.slice(5, 7)) - 1];
}

function weeklySymbol(symbol: string, expiry: string): string {
  return symbol + expiry.slice(2, 4) + WEEKLY_MONTHS[Number(expiry.slice(5, 7)) - 1] + expiry.slice(8);
}
