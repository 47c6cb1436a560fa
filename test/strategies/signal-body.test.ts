import { describe, expect, it } from 'vitest';
import { readSignalBody } from '../../src/strategies/signal-body.ts';

const read = (text: string) => readSignalBody(Buffer.from(text));
const NOTHING = {
  tradingSymbol: undefined,
  exchange: undefined,
  quantity: undefined,
  price: undefined,
  wantedProduct: undefined,
  clientId: undefined,
};

describe('A signal’s body', () => {
  it('may be the JSON of TradingView, with numbers between quotes', () => {
    const body = {
      action: 'BUY',
      ticker: 'sbin',
      exchange: 'nse',
      quantity: '75.0',
      price: '812.55',
      id: 'Long Entry 1',
      comment: 'what nobody asked for',
    };
    expect(read(JSON.stringify(body))).toEqual({
      kind: 'signal',
      message: {
        action: 'buy',
        tradingSymbol: 'SBIN',
        exchange: 'NSE',
        quantity: 75,
        price: 812.55,
        wantedProduct: undefined,
        clientId: 'Long Entry 1',
      },
    });
  });

  it.each([
    ['BUY NSE:SBIN 10', { action: 'buy', exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10 }],
    ['sell nse:m&m', { action: 'sell', exchange: 'NSE', tradingSymbol: 'M&M' }],
    ['  exit\n', { action: 'exit' }],
    ['buy 10', { action: 'buy', quantity: 10 }],
    ['buy 3MINDIA', { action: 'buy', tradingSymbol: '3MINDIA' }],
    ['buy 500325 10', { action: 'buy', tradingSymbol: '500325', quantity: 10 }],
  ])('may be a line of text: %s', (text, expected) => {
    expect(read(text)).toEqual({ kind: 'signal', message: { ...NOTHING, ...expected } });
  });

  it('may be the sentence that TradingView sends by default', () => {
    const text = 'MACD (12, 26, 9): order sell @ 75 filled on NIFTY1!. New strategy position is -75';
    expect(read(text)).toEqual({
      kind: 'signal',
      message: { ...NOTHING, action: 'sell', tradingSymbol: 'NIFTY1!', quantity: 75 },
    });
  });

  it.each([
    ['{"action":"buy","contracts":"5"}', { quantity: 5 }],
    ['{"action":"buy","qty":1}', { quantity: 1 }],
    ['{"action":"buy","Size":"2"}', { quantity: 2 }],
    ['{"action":"buy","quantity":2,"contracts":"2"}', { quantity: 2 }],
    ['{"transaction_type":"SELL","tradingsymbol":"SBIN"}', { action: 'sell', tradingSymbol: 'SBIN' }],
    ['{"side":"buy","ticker":"SBIN","symbol":"sbin"}', { tradingSymbol: 'SBIN' }],
    ['{"action":"buy","product":"mis"}', { wantedProduct: 'MIS' }],
    ['{"action":"buy","price":0}', NOTHING],
    ['{"action":"buy","price":"0"}', NOTHING],
    ['{"action":"buy","price":""}', NOTHING],
    ['{"action":"buy","price":null,"product":""}', NOTHING],
    ['{"action":"buy","price":"812.5","pricetype":"MARKET"}', NOTHING],
    ['{"action":"buy","price":"812.5","order_type":"LIMIT"}', { price: 812.5 }],
    ['{"action":"buy","trigger_price":"0","stoploss":"","volume":null}', NOTHING],
    ['{"action":"buy","contracts":5,"volume":812345,"market_position_size":"10"}', { quantity: 5 }],
    ['{"action":"buy","comment":"size 5","interval":"5","close":812,"strategy":{"name":"x"}}', NOTHING],
  ])('is understood in the words of other platforms: %s', (text, expected) => {
    expect(read(text)).toMatchObject({ kind: 'signal', message: expected });
  });

  it('is understood as OpenAlgo writes it, with zeros for what it does not use', () => {
    const body = {
      symbol: 'SBIN',
      exchange: 'NSE',
      action: 'BUY',
      quantity: '1',
      pricetype: 'MARKET',
      price: '0',
      trigger_price: '0',
      product: 'MIS',
    };
    expect(read(JSON.stringify(body))).toMatchObject({
      kind: 'signal',
      message: { quantity: 1, price: undefined, wantedProduct: 'MIS' },
    });
  });

  it.each([
    ['{"action":"buy","lots":2}', 'lots'],
    ['{"action":"buy","order_qty":2}', 'order_qty'],
    ['{"action":"buy","Amount":5000}', 'Amount'],
    ['{"action":"buy","volume":5}', 'volume'],
    ['{"action":"buy","position_size":"-5"}', 'position_size'],
    ['{"action":"buy","trigger_price":"99"}', 'trigger_price'],
    ['{"action":"buy","limit_price":99}', 'limit_price'],
    ['{"action":"buy","stopLoss":"99"}', 'stopLoss'],
    ['{"action":"buy","strike":25000}', 'strike'],
    ['{"action":"buy","option_type":"CE"}', 'option_type'],
    ['{"action":"buy","instrument":"INFY"}', 'instrument'],
    ['{"action":"buy","direction":"short"}', 'direction'],
    ['{"action":"buy","order":{"qty":5}}', 'order.qty'],
    ['{"action":"buy","order":{"legs":[{"lots":5}]}}', 'order.legs.0.lots'],
    ['{"action":"buy","qty":5,"contracts":6}', 'contracts'],
    ['{"action":"buy","qty":0}', 'qty'],
    ['{"action":"buy","side":"sell"}', 'side'],
    ['{"action":"buy","symbol":"SBIN","ticker":"INFY"}', 'ticker'],
    ['{"action":"buy","symbol":"NSE:SBIN","exchange":"BSE"}', 'exchange'],
    ['{"action":"buy","pricetype":"SL"}', 'pricetype'],
    ['{"action":"buy","pricetype":"LIMIT","price":"0"}', 'price'],
  ])('is refused by the name of a word that could change the trade: %s', (text, field) => {
    const reading = read(text);
    expect(reading.kind === 'malformed' && Object.keys(reading.fields)).toEqual([field]);
  });

  it('takes a byte order mark, and a number as an id', () => {
    expect(read('\ufeff{"action":"buy","id":7}')).toMatchObject({ message: { clientId: '7' } });
  });

  it.each([
    ['', 'body'],
    ['hello there', 'body'],
    ['{"action":', 'body'],
    ['[{"action":"buy"}]', 'body'],
    ['{"symbol":"NSE:SBIN"}', 'action'],
    ['{"action":"hold"}', 'action'],
    ['{"action":["buy"]}', 'action'],
    ['{"__proto__":{"kind":"buy"},"constructor":1}', 'action'],
    ['{"action":"buy","symbol":"<script>"}', 'symbol'],
    ['{"action":"buy","symbol":null}', 'symbol'],
    ['{"action":"buy","exchange":"N"}', 'exchange'],
    ['{"action":"buy","quantity":0}', 'quantity'],
    ['{"action":"buy","quantity":-1}', 'quantity'],
    ['{"action":"buy","quantity":1.5}', 'quantity'],
    ['{"action":"buy","quantity":"1e3"}', 'quantity'],
    ['{"action":"buy","quantity":"0x10"}', 'quantity'],
    ['{"action":"buy","quantity":1e300}', 'quantity'],
    ['{"action":"buy","quantity":null}', 'quantity'],
    ['{"action":"buy","price":1e999}', 'price'],
    ['{"action":"buy","price":"-5"}', 'price'],
    ['{"action":"buy","id":""}', 'id'],
    ['{"action":"buy","id":"a\\u0000b"}', 'id'],
    [`{"action":"buy","id":"${'x'.repeat(101)}"}`, 'id'],
  ])('is malformed where it is %s, and says what is wrong', (text, field) => {
    const reading = read(text);
    expect(reading.kind).toBe('malformed');
    expect(reading.kind === 'malformed' && Object.keys(reading.fields)).toEqual([field]);
    expect(JSON.stringify(reading)).not.toContain('Invalid input');
  });

  it('is malformed where it is no text in UTF-8', () => {
    expect(readSignalBody(Buffer.from([0xff, 0xfe, 0x42, 0x00]))).toMatchObject({ kind: 'malformed' });
  });
});
