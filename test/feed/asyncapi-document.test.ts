import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { createAsyncApiDocument } from '../../src/feed/asyncapi-document.ts';
import { clientMessages, serverMessages } from '../../src/feed/messages.ts';

const document = createAsyncApiDocument({
  publicOrigin: 'https://desk.example',
  cookieName: '__Host-curfew',
});

const EXAMPLES: Readonly<Record<string, object>> = {
  subscribe: { v: 1, type: 'subscribe', id: '1', symbols: ['NSE:INFY', 'NFO:NIFTY 03 DEC 25000 CALL'] },
  unsubscribe: { v: 1, type: 'unsubscribe', id: '1', symbols: ['NSE:INFY'], broker: 'zerodha' },
  ping: { v: 1, type: 'ping', id: '1' },
  ack: { v: 1, type: 'ack', id: '1', time: '2026-11-23T10:00:00.000+05:30' },
  price: {
    v: 1,
    type: 'price',
    broker: 'zerodha',
    symbol: 'NSE:INFY',
    mode: 'depth',
    time: '2026-11-23T10:00:00.000+05:30',
    stale: false,
    price: 1573.15,
    depth: { buy: [{ price: 1573.1, quantity: 5, orders: 1 }], sell: [{ price: 1573.2, quantity: 7 }] },
  },
  event: { v: 1, type: 'event', event: 'cutoff_soon', time: '2026-11-24T02:50:00.000+05:30', minutes: 10 },
  error: { v: 1, type: 'error', error: 'invalid', field: 'type', message: 'type: is not accepted' },
  bye: { v: 1, type: 'bye', code: 4401, reason: 'cutoff' },
};

describe('The AsyncAPI document', () => {
  it('describes each message that there is, and no other', () => {
    const names = Object.keys({ ...clientMessages, ...serverMessages });
    expect(Object.keys(document.components.messages)).toEqual(names);
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(names.toSorted());
  });

  it.each(Object.entries(EXAMPLES))('accepts a %s, and not one of another version', (name, example) => {
    const validate = new Ajv2020().compile(document.components.messages[name]?.payload ?? false);
    expect(validate(example)).toBe(true);
    expect(validate({ ...example, v: 2 })).toBe(false);
  });

  it('leads with each reference to something that is there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path = '']) => path,
    );
    expect(references.length).toBeGreaterThan(10);
    for (const path of references) {
      const target = path
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
      expect(target, path).toBeDefined();
    }
  });

  it('names the server as clients reach it', () => {
    expect(document.asyncapi).toBe('3.0.0');
    expect(document.servers.curfew).toMatchObject({ host: 'desk.example', protocol: 'wss' });
  });
});
