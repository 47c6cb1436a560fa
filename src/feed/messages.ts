import { z } from 'zod';
import { CLOSE_REASONS } from '../core/close-codes.ts';
import { FEED_EVENTS } from '../core/feed-event.ts';
import { PRICE_MODES } from '../core/price-feed.ts';

/** The version that each message names. Another one is refused with an error, and the socket stays. */
export const PROTOCOL_VERSION = 1;

const version = z.literal(PROTOCOL_VERSION);
const id = z.string().min(1).max(64).meta({ description: 'Chosen by the client; the answer carries it.' });
const time = z.string().meta({ description: 'ISO 8601 with +05:30.' });

const symbol = z
  .string()
  .max(121)
  .regex(/^[A-Za-z0-9_]{1,20}:[^:]{1,100}$/, 'is no EXCHANGE:SYMBOL')
  .meta({
    description: 'EXCHANGE:SYMBOL as in the imported lists, e.g. NSE:INFY. Letter case does not matter.',
  });
const symbols = z.array(symbol).min(1).max(1_000);
const broker = z.string().min(1).max(40).meta({ description: 'The id of the broker.' });
const mode = z.enum(PRICE_MODES).meta({
  description: 'ltp: the last price; quote: with the figures of the day; depth: with the order book.',
});

/** Messages from clients. */
export const clientMessages = {
  subscribe: z
    .strictObject({
      v: version,
      type: z.literal('subscribe'),
      id,
      symbols,
      mode: mode.optional(),
      broker: broker.optional(),
    })
    .meta({
      description:
        'Asks for prices; again in another mode, for those. Without a mode it is ltp; without a broker, the default one where it is connected, else the first that is.',
    }),
  unsubscribe: z
    .strictObject({ v: version, type: z.literal('unsubscribe'), id, symbols, broker: broker.optional() })
    .meta({ description: 'Ends subscriptions. Symbols without one are passed over.' }),
  ping: z.strictObject({ v: version, type: z.literal('ping'), id }).meta({
    description: 'Asks for a sign of life; answered with ack. It does not count as activity.',
  }),
} as const;

export const clientMessage = z.discriminatedUnion('type', [
  clientMessages.subscribe,
  clientMessages.unsubscribe,
  clientMessages.ping,
]);
export type ClientMessage = z.infer<typeof clientMessage>;

const rupees = z.number().meta({ description: 'In rupees.' });
const level = z.object({ price: rupees, quantity: z.number(), orders: z.number().optional() });

/** Messages from the server. */
export const serverMessages = {
  ack: z
    .object({
      v: version,
      type: z.literal('ack'),
      id,
      time,
      broker: broker.optional().meta({ description: 'Of subscribe: whose prices they are.' }),
    })
    .meta({ description: 'The message with this id was carried out.' }),
  price: z
    .object({
      v: version,
      type: z.literal('price'),
      broker,
      symbol: z.string().meta({ description: 'As it was subscribed to, in capital letters.' }),
      mode,
      time: z.string().meta({ description: 'Of the price, ISO 8601 with +05:30.' }),
      stale: z.boolean().meta({ description: 'The stream is silent or away: the price may be old.' }),
      price: rupees,
      close: rupees.optional().meta({ description: 'Of the trading day before, in rupees.' }),
      open: rupees.optional(),
      high: rupees.optional(),
      low: rupees.optional(),
      averagePrice: rupees.optional(),
      lastQuantity: z.number().optional(),
      volume: z.number().optional(),
      buyQuantity: z.number().optional(),
      sellQuantity: z.number().optional(),
      openInterest: z.number().optional(),
      depth: z
        .object({ buy: z.array(level).readonly(), sell: z.array(level).readonly() })
        .optional()
        .meta({ description: 'The order book, best first.' }),
    })
    .meta({
      description:
        'The last price of a symbol. Where the client reads slowly, prices between two messages are left out.',
    }),
  event: z
    .object({
      v: version,
      type: z.literal('event'),
      event: z.enum(FEED_EVENTS),
      time,
      minutes: z.int().optional().meta({ description: 'Of cutoff_soon: how many are left.' }),
      reason: z.string().optional().meta({ description: 'Of session_ended: why.' }),
      device: z.string().optional().meta({ description: 'Of new_device: what it says of itself.' }),
      broker: z.string().optional().meta({ description: 'Of broker_…: the id of the broker.' }),
      subject: z.string().optional().meta({ description: 'Of ban_added, which administrators hear of.' }),
    })
    .meta({ description: 'Something has happened to the account. Sent without being asked for.' }),
  error: z
    .object({
      v: version,
      type: z.literal('error'),
      id: id.optional(),
      error: z.string(),
      field: z.string().optional(),
      message: z.string(),
    })
    .meta({ description: 'A message was not carried out, and why. The socket stays open.' }),
  bye: z
    .object({ v: version, type: z.literal('bye'), code: z.int(), reason: z.enum(CLOSE_REASONS) })
    .meta({ description: 'The last message before the server closes the socket with this code.' }),
} as const;

export const serverMessage = z.discriminatedUnion('type', [
  serverMessages.ack,
  serverMessages.price,
  serverMessages.event,
  serverMessages.error,
  serverMessages.bye,
]);
export type ServerMessage = z.infer<typeof serverMessage>;
export type PriceMessage = z.infer<typeof serverMessages.price>;
