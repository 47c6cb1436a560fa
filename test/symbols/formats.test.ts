import { describe, expect, it } from 'vitest';
import { DHAN } from '../../src/symbols/formats/dhan.ts';
import type { MasterFormat } from '../../src/symbols/formats/master-format.ts';
import { UPSTOX } from '../../src/symbols/formats/upstox.ts';
import { ZERODHA } from '../../src/symbols/formats/zerodha.ts';
import { checkInstrument } from '../../src/symbols/instrument-check.ts';

/** An instrument as one line of a file has it, or why it is none. */
function read(format: MasterFormat, header: string, line: string) {
  const names = header.split(',');
  const cells = line.split(',');
  const check = checkInstrument(
    format.broker,
    format.read((column) => cells[names.indexOf(column)] ?? ''),
  );
  return check.kind === 'instrument' ? check.instrument : check.why;
}

describe('the master of Zerodha, as documented', () => {
  const header =
    'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange';
  const kite = (line: string) => read(ZERODHA, header, line);

  it('has shares', () => {
    expect(kite('408065,1594,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE')).toEqual({
      broker: 'zerodha',
      exchange: 'NSE',
      tradingSymbol: 'INFY',
      name: 'INFOSYS',
      displayName: '',
      isin: '',
      instrumentToken: '408065',
      exchangeToken: '1594',
      expiry: undefined,
      strike: undefined,
      tickSize: 0.05,
      lotSize: 1,
      instrumentType: 'EQ',
      segment: 'NSE',
    });
  });

  it('has futures and options', () => {
    expect(kite('5720322,22345,NIFTY15DECFUT,,78.0,2015-12-31,,0.05,75,FUT,NFO-FUT,NFO')).toMatchObject({
      expiry: '2015-12-31',
      strike: undefined,
      instrumentType: 'FUT',
      name: '',
    });
    expect(kite('5720578,22346,NIFTY159500CE,,23.0,2015-12-31,9500,0.05,75,CE,NFO-OPT,NFO')).toMatchObject({
      exchange: 'NFO',
      strike: 9500,
      lotSize: 75,
      instrumentType: 'CE',
    });
  });

  it('has days that only leap years have', () => {
    expect(kite('1,2,X,X,0,2024-02-29,0,0.05,1,FUT,NFO-FUT,NFO')).toMatchObject({ expiry: '2024-02-29' });
  });

  it('calls an index a share, which it is not', () => {
    expect(kite('256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE')).toMatchObject({
      instrumentType: 'INDEX',
      tradingSymbol: 'NIFTY 50',
    });
  });

  it.each([
    ['BAJAJ-AUTO', 'EQ'],
    ['GVPTECH-BE', 'EQ'],
    ['DRONACHRYA-SM', 'EQ'],
    ['IRFC-N2', 'BOND'],
    ['SGBMAR31IV-GB', 'BOND'],
    ['750GS2034-GS', 'BOND'],
    ['EMBASSY-RR', 'FUND'],
    ['ANURAS-W1', 'WARRANT'],
    ['INOXWI-RE', 'RIGHTS'],
  ])('says by the series at the end of a symbol what it is: %s', (symbol, instrumentType) => {
    expect(kite(`1,2,${symbol},X,0,,,0.05,1,EQ,NSE,NSE`)).toMatchObject({ instrumentType });
  });

  it.each([
    ['1,2,,NOBODY,0,,,0.05,1,EQ,NSE,NSE', 'the trading symbol is missing'],
    ['1,2,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,', 'the exchange is missing'],
    ['1,2,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,N S E', '“N S E” is no exchange'],
    ['1,2,INFY,INFOSYS,0,,,0.05,1,,NSE,NSE', '“” is no instrument type'],
    [',2,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE', 'the instrument token is missing or too long'],
    ['1,2,INFY,INFOSYS,0,,,five,1,EQ,NSE,NSE', 'the tick size is not a number'],
    ['1,2,INFY,INFOSYS,0,,,0.05,0x1f,EQ,NSE,NSE', 'the lot size is not a number'],
    ['1,2,INFY,INFOSYS,0,,,-0.05,1,EQ,NSE,NSE', 'the tick size is not a number'],
    ['1,2,X24DECFUT,X,0,,0,0.05,1,FUT,NFO-FUT,NFO', 'a derivative without an expiry'],
    ['1,2,X24DEC9CE,X,0,2024-12-26,0,0.05,1,CE,NFO-OPT,NFO', 'an option without a strike'],
    ['1,2,X24DEC9CE,X,0,2024-12-26,1e5,0.05,1,CE,NFO-OPT,NFO', 'the strike is not a number'],
    [
      '1,2,X,X,0,2024-02-30,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “2024-02-30” is not a date like 2024-12-26',
    ],
    [
      '1,2,X,X,0,2023-02-29,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “2023-02-29” is not a date like 2024-12-26',
    ],
    [
      '1,2,X,X,0,2024-13-01,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “2024-13-01” is not a date like 2024-12-26',
    ],
    [
      '1,2,X,X,0,2024-04-31,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “2024-04-31” is not a date like 2024-12-26',
    ],
    [
      '1,2,X,X,0,2024-04-00,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “2024-04-00” is not a date like 2024-12-26',
    ],
    [
      '1,2,X,X,0,26-12-2024,0,0.05,1,FUT,NFO-FUT,NFO',
      'the expiry “26-12-2024” is not a date like 2024-12-26',
    ],
    ['1,2,IN\u0000FY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE', 'it contains control characters'],
    [`1,2,INFY,${'X'.repeat(201)},0,,,0.05,1,EQ,NSE,NSE`, 'the name is too long'],
  ])('is held to what can be used: %s', (line, why) => {
    expect(kite(line)).toBe(why);
  });
});

describe('the master of Upstox, as documented', () => {
  const header =
    'instrument_key,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,option_type,exchange';
  const upstox = (line: string) => read(UPSTOX, header, line);

  it('gives its segments the names that exchanges have elsewhere, and keeps them as segments', () => {
    const line =
      'NSE_FO|164693,164693,RELIANCE24JAN1840CE,RELIANCE INDUSTRIES LTD,424.8,2024-01-25,1840.0,0.05,250,OPTSTK,CE,NSE_FO';
    expect(upstox(line)).toEqual({
      broker: 'upstox',
      exchange: 'NFO',
      tradingSymbol: 'RELIANCE24JAN1840CE',
      name: 'RELIANCE INDUSTRIES LTD',
      displayName: '',
      isin: '',
      instrumentToken: 'NSE_FO|164693',
      exchangeToken: '164693',
      expiry: '2024-01-25',
      strike: 1840,
      tickSize: 0.05,
      lotSize: 250,
      instrumentType: 'CE',
      segment: 'NSE_FO',
    });
  });

  it.each([
    ['NSE_EQ|INE002A01018,2885,RELIANCE,RELIANCE INDUSTRIES,1300,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'EQ'],
    ['NSE_INDEX|Nifty 50,26000,NIFTY 50,Nifty 50,22500,,,0,0,INDEX,,NSE_INDEX', 'NSE', 'INDEX'],
    ['NCD_FO|1,1,USDINR24DECFUT,USDINR,84,2024-12-26,0,0.25,1,FUTCUR,FF,NCD_FO', 'CDS', 'FUT'],
    ['MCX_FO|1,1,GOLD24DECFUT,GOLD,1,2024-12-05,0.0,1,100,FUTCOM,,MCX_FO', 'MCX', 'FUT'],
    ['NSE_INDEX|Sample 50,17,,Sample 50,25198.7,,,,,INDEX,,NSE_INDEX', 'NSE', 'INDEX'],
    ['NSE_EQ|INE775A01035,1,MOTHERSON,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'EQ'],
    ['NSE_EQ|IN9397D01014,1,AIRTELPP,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'EQ'],
    ['NSE_EQ|INE775A08105,1,MOTHERSON,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'BOND'],
    ['NSE_EQ|INE086A13016,1,ELECTCAST,X,1,,,0.05,33340,EQUITY,,NSE_EQ', 'NSE', 'WARRANT'],
    ['NSE_EQ|INE919I04010,1,RADIOCITY,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'PREF'],
    ['NSE_EQ|INF109K1A344,1,TOP15IETF,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'FUND'],
    ['NSE_EQ|IN2920250148,1,715RJ53,X,1,,,0.05,1,EQUITY,,NSE_EQ', 'NSE', 'BOND'],
  ])('reads %s', (line, exchange, instrumentType) => {
    expect(upstox(line)).toMatchObject({ exchange, instrumentType, strike: undefined });
  });

  it.each([
    ['MCX_FO', '100.0', 1],
    ['NSE_COM', '5.0', 0.05],
    ['NCD_FO', '0.25', 0.0025],
    ['BCD_FO', '0.25', 0.0025],
    ['NSE_FO', '0.05', 0.05],
    ['NSE_EQ', '1.0', 1],
  ])('has the tick of %s as %s, which is %d rupees', (segment, written, tickSize) => {
    const line = `${segment}|1,1,SOME,SOME,1,2024-12-26,0.0,${written},1,FUT,FF,${segment}`;
    expect(upstox(line)).toMatchObject({ tickSize });
  });
});

describe('an index of Upstox without a symbol', () => {
  it('has the one that its key ends in', () => {
    const header = 'instrument_key,exchange_token,tradingsymbol,name,instrument_type,exchange';
    const line = 'NSE_INDEX|Sample 50,17,,Sample fifty,INDEX,NSE_INDEX';
    expect(read(UPSTOX, header, line)).toMatchObject({ tradingSymbol: 'Sample 50', isin: '' });
  });
});

describe('the master of Dhan, as documented', () => {
  const header =
    'SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME';
  const dhan = (line: string) => read(DHAN, header, line);

  it('writes the tick in paise', () => {
    const line =
      'NSE,E,2885,EQUITY,0,RELIANCE,1.0,Reliance Industries,,,,10.0000,NA,ES,EQ,RELIANCE INDUSTRIES LTD';
    expect(dhan(line)).toEqual({
      broker: 'dhan',
      exchange: 'NSE',
      tradingSymbol: 'RELIANCE',
      name: 'RELIANCE INDUSTRIES LTD',
      displayName: 'Reliance Industries',
      isin: '',
      instrumentToken: '2885',
      exchangeToken: '',
      expiry: undefined,
      strike: undefined,
      tickSize: 0.1,
      lotSize: 1,
      instrumentType: 'EQ',
      segment: 'NSE_EQ',
    });
  });

  it('has the underlying of a derivative in its symbol only', () => {
    const line =
      'NSE,D,106277,OPTSTK,0,BAJAJ-AUTO-Sep2026-700-CE,500.0,BAJAJ-AUTO 29 SEP 700 CALL,2026-09-29 14:30:00,700.00000,CE,5.0,M,OP,,';
    expect(dhan(line)).toMatchObject({
      exchange: 'NFO',
      name: 'BAJAJ-AUTO',
      expiry: '2026-09-29',
      strike: 700,
      instrumentType: 'CE',
      segment: 'NSE_FNO',
      tickSize: 0.05,
    });
  });

  it('writes a small negative strike where there is none, and the year 1 where nothing expires', () => {
    const future = 'NSE,D,1,FUTIDX,0,NIFTY-Oct2026-FUT,65.0,X,2026-10-27 14:30:00,-0.01000,XX,10.0,M,FUT,,';
    expect(dhan(future)).toMatchObject({ strike: undefined, name: 'NIFTY', instrumentType: 'FUT' });
    const index = 'NSE,I,13,INDEX,0,NIFTY,1.0,Nifty 50,0001-01-01,,XX,0.0500,,INDEX,X,NIFTY';
    expect(dhan(index)).toMatchObject({ expiry: undefined, instrumentType: 'INDEX', segment: 'IDX_I' });
  });

  it.each([
    ['NSE', 'ES', 'EQ', 'EQ'],
    ['NSE', 'ES', 'BE', 'EQ'],
    ['NSE', 'Other', 'EQ', 'EQ'],
    ['BSE', 'Other', 'A', 'EQ'],
    ['NSE', 'DEB', 'D1', 'BOND'],
    ['NSE', 'CB', 'N3', 'BOND'],
    ['NSE', 'CB', 'W1', 'WARRANT'],
    ['NSE', 'PS', 'P1', 'PREF'],
    ['NSE', 'Other', 'SG', 'BOND'],
    ['BSE', 'CB', 'F', 'BOND'],
    ['BSE', 'Other', 'R', 'RIGHTS'],
    ['NSE', 'ETF', 'EQ', 'FUND'],
    ['NSE', 'InvITU', 'IV', 'FUND'],
  ])('says by type and series what a security is: %s %s %s', (exchange, kind, series, instrumentType) => {
    const line = `${exchange},E,1,EQUITY,0,X,1.0,X,,,,10.0,NA,${kind},${series},X`;
    expect(dhan(line)).toMatchObject({ instrumentType });
  });

  it('has segments that nobody has documented', () => {
    const line = 'NSE,Q,1,EQUITY,0,X,1.0,X,,,,10.0,NA,ES,EQ,X';
    expect(dhan(line)).toBe('the exchange is missing');
  });
});
