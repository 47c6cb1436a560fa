import type { StoredBot } from './bot-store.ts';
import { problemWords } from './delivery-problems.ts';
import { KIND_WORDS, MESSAGE_KINDS, type MessageKind } from './message-kinds.ts';
import type { MessageRecord } from './message-store.ts';

export interface BotView {
  /** Without the @. */
  readonly name: string | undefined;
  readonly setAt: number;
  readonly chatId: string | undefined;
  /** Text to send to the bot so that the chat is found. */
  readonly startText: string;
  /** Where Telegram sends it with one press; undefined without a name. */
  readonly startLink: string | undefined;
  readonly problem: string | undefined;
}

export interface MessageView {
  readonly label: string;
  readonly createdAt: number;
  readonly state: string;
  readonly why: string | undefined;
}

export interface KindView {
  readonly kind: MessageKind;
  readonly label: string;
  readonly hint: string;
  readonly chosen: boolean;
}

export function toBotView({ name, setAt, chatId, linkCode, problem }: StoredBot): BotView {
  const startLink =
    name === undefined ? undefined : `https://t.me/${encodeURIComponent(name)}?start=${linkCode}`;
  return {
    name,
    setAt,
    chatId,
    startText: `/start ${linkCode}`,
    startLink,
    problem: problem === undefined ? undefined : problemWords(problem),
  };
}

/** Bans are told administrators only. */
export function toKindViews(chosen: readonly MessageKind[], isAdministrator: boolean): readonly KindView[] {
  return MESSAGE_KINDS.filter((kind) => isAdministrator || kind !== 'ban').map((kind) => ({
    kind,
    ...KIND_WORDS[kind],
    chosen: chosen.includes(kind),
  }));
}

export function toMessageView({ kind, createdAt, status, why }: MessageRecord): MessageView {
  const known = MESSAGE_KINDS.find((each) => each === kind);
  return {
    label: known === undefined ? kind : KIND_WORDS[known].label,
    createdAt,
    state: STATES[status],
    why: why === undefined ? undefined : problemWords(why),
  };
}

const STATES: Readonly<Record<MessageRecord['status'], string>> = {
  open: 'Waiting',
  sent: 'Sent',
  failed: 'Failed',
};
