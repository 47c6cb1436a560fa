import { z } from 'zod';
import { PRICE_MODES } from '../../core/price-feed.ts';

const figure = z.number().exactOptional();
const levels = z.array(z.object({ price: z.number(), quantity: z.number(), orders: figure })).readonly();

const tick = z.object({
  key: z.string(),
  price: figure,
  at: figure,
  open: figure,
  high: figure,
  low: figure,
  close: figure,
  lastQuantity: figure,
  averagePrice: figure,
  volume: figure,
  buyQuantity: figure,
  sellQuantity: figure,
  openInterest: figure,
  depth: z.object({ buy: levels, sell: levels }).exactOptional(),
});

const body = z.discriminatedUnion('kind', [
  /** From a reader, of all that its node wants; again every few seconds. */
  z.object({
    kind: z.literal('want'),
    wants: z.array(z.tuple([z.string(), z.enum(PRICE_MODES)])).readonly(),
  }),
  /** From the holder, when its stream opens, to new readers, and again every few seconds. */
  z.object({ kind: z.literal('open') }),
  z.object({ kind: z.literal('ticks'), ticks: z.array(tick).readonly() }),
  z.object({
    kind: z.literal('end'),
    end: z.object({
      kind: z.enum(['rejected', 'refused', 'lost']),
      // It is logged.
      why: z.string().regex(/^[\w-]{1,60}$/),
    }),
  }),
]);
export type SharedStreamBody = z.infer<typeof body>;

const message = z.object({
  /** Names the sender's end of the stream. */
  from: z.string(),
  /** How many messages it has sent, this one included. */
  number: z.int(),
  body,
});
export type SharedStreamMessage = z.infer<typeof message>;

/** Undefined for what no node wrote. */
export function readSharedStreamMessage(text: string): SharedStreamMessage | undefined {
  try {
    return message.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
