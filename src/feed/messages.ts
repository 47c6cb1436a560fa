import { z } from 'zod';
import { FEED_EVENTS } from '../core/feed-event.ts';
import { CLOSE_REASONS } from './close-codes.ts';

/** The version that each message names. Another one is refused with an error, and the socket stays. */
export const PROTOCOL_VERSION = 1;

const version = z.literal(PROTOCOL_VERSION);
const id = z.string().min(1).max(64).meta({ description: 'Chosen by the client; the answer carries it.' });
const time = z.string().meta({ description: 'ISO 8601 with +05:30.' });

/** What a client may send. */
export const clientMessages = {
  ping: z.strictObject({ v: version, type: z.literal('ping'), id }).meta({
    description: 'Asks for a sign of life; answered with ack. It does not count as activity.',
  }),
} as const;

export const clientMessage = z.discriminatedUnion('type', [clientMessages.ping]);
export type ClientMessage = z.infer<typeof clientMessage>;

/** What the server sends. */
export const serverMessages = {
  ack: z
    .object({ v: version, type: z.literal('ack'), id, time })
    .meta({ description: 'The message with this id was carried out.' }),
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
  serverMessages.event,
  serverMessages.error,
  serverMessages.bye,
]);
export type ServerMessage = z.infer<typeof serverMessage>;
