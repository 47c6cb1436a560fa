/** Why a message could not be delivered, and what to do about it. */
const WORDS = {
  bad_token: 'Telegram does not know this bot token. Copy it from @BotFather once more, and save it.',
  blocked: 'You have blocked the bot in Telegram. Unblock it there, then send a test.',
  not_started: 'A bot may not write first. Open it in Telegram and press Start, then send a test.',
  not_in_group: 'The bot is not in that group. Add it there, or choose another chat.',
  chat_not_found: 'Telegram does not find this chat. Check its id, and that you have pressed Start in it.',
  account_gone: 'The Telegram account that the bot wrote to is deleted.',
  unreachable:
    'Telegram could not be reached. Messages are kept for up to a day and sent as soon as it can be.',
  asked_to_wait: 'Telegram asked to wait. Messages are kept and sent afterwards.',
  used_elsewhere:
    'Another program listens to this bot, so that Curfew cannot see what you send to it. Enter the chat id by hand.',
  unreadable: 'The stored bot token cannot be read any more. Enter it once more.',
  group_moved:
    'The group has become a supergroup and got a new id, which is saved now. Send the test once more.',
  too_late: 'It could not be delivered while it was of use.',
} as const;

type DeliveryProblem = keyof typeof WORDS;

/** By what Telegram's descriptions say; they are for people, and the only thing that tells these apart. */
const DESCRIPTIONS: readonly (readonly [RegExp, DeliveryProblem])[] = [
  [/blocked by the user/i, 'blocked'],
  [/can't initiate conversation/i, 'not_started'],
  [/kicked|not a member|have no rights|not enough rights/i, 'not_in_group'],
  [/deactivated/i, 'account_gone'],
  [/chat not found|chat_id is empty|peer_id_invalid/i, 'chat_not_found'],
];

const LONGEST = 120;

/** A word for a refusal; Telegram's own description where there is none, clipped and without control characters. */
export function refusalOf(errorCode: number, description: string): string {
  if (errorCode === 401 || errorCode === 404) return 'bad_token';
  if (errorCode === 409) return 'used_elsewhere';
  const known = DESCRIPTIONS.find(([pattern]) => pattern.test(description));
  return known?.[1] ?? description.replace(/\p{Cc}/gu, ' ').slice(0, LONGEST);
}

/** The sentence for a person. */
export function problemWords(why: string): string {
  return isKnown(why) ? WORDS[why] : `Telegram’s answer: ${why}`;
}

function isKnown(why: string): why is DeliveryProblem {
  return Object.hasOwn(WORDS, why);
}
