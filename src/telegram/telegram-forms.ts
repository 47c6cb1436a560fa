import { z } from 'zod';
import { MESSAGE_KINDS, type MessageKind } from './message-kinds.ts';

/** As @BotFather writes it: the bot's id, a colon, and some thirty-five letters, digits, dashes and underscores. */
export const botForm = z.object({
  botToken: z
    .string({ error: 'Enter the bot token.' })
    .trim()
    .min(1, 'Enter the bot token.')
    .regex(
      /^\d{3,20}:[\w-]{25,100}$/,
      'This is no bot token. It looks like 123456789:AAE… with no spaces in it.',
    ),
});

/** A person's or group's number, or the name of a public channel. */
export const chatForm = z.object({
  chatId: z
    .string({ error: 'Enter the chat id.' })
    .trim()
    .min(1, 'Enter the chat id.')
    .regex(
      /^(-?[1-9]\d{0,19}|@[A-Za-z]\w{3,31})$/,
      'This is no chat id. It is a number such as 123456789, or -1001234567890 for a group.',
    ),
});

/** One box for each kind; none ticked is sent as nothing, one as a text, several as a list. */
export const eventsForm: z.ZodType<{ readonly events: readonly MessageKind[] }> = z.object({
  events: z
    .union([z.array(z.enum(MESSAGE_KINDS)), z.enum(MESSAGE_KINDS).transform((kind) => [kind])], {
      error: 'Choose among the events of the page.',
    })
    .default([]),
});
