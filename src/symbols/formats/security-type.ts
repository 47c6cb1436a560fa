/** Kind of a security: only `EQ` is a share. */
export type SecurityType = 'EQ' | 'FUND' | 'BOND' | 'PREF' | 'WARRANT' | 'RIGHTS';

/** Characters 8 and 9 of an ISIN of a company (SEBI's numbering): 01 and 02 are shares, 07 and 08 debt. */
const TYPES_IN_ISIN: ReadonlyMap<string, SecurityType> = new Map([
  ['01', 'EQ'],
  ['02', 'EQ'],
  ['03', 'PREF'],
  ['04', 'PREF'],
  ['13', 'WARRANT'],
  ['20', 'RIGHTS'],
  ['23', 'FUND'],
  ['25', 'FUND'],
]);

/** INE and IN9 (partly paid) are companies, INF funds; all others of India governments, whose papers are debt. */
export function typeOfIsin(isin: string): SecurityType {
  if (!isin.startsWith('IN')) return 'EQ';
  if (isin.startsWith('INF')) return 'FUND';
  if (!/^IN[E9]/.test(isin)) return 'BOND';
  return TYPES_IN_ISIN.get(isin.slice(7, 9)) ?? 'BOND';
}

/** Series of NSE in which shares are traded: main board, trade for trade, SME, partly paid. */
const SHARE_SERIES = new Set(['EQ', 'BE', 'BZ', 'BL', 'SM', 'ST', 'SZ', 'IT', 'E1', 'E2', 'X1', 'T0']);
const FUND_SERIES = new Set(['MF', 'ME', 'SF', 'IV', 'RR']);

export function typeOfNseSeries(series: string): SecurityType {
  if (SHARE_SERIES.has(series)) return 'EQ';
  if (FUND_SERIES.has(series)) return 'FUND';
  if (series === 'RE') return 'RIGHTS';
  if (series.startsWith('W')) return 'WARRANT';
  return series.startsWith('P') ? 'PREF' : 'BOND';
}
