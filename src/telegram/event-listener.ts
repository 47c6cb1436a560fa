import type { AuditEvent, AuditListener } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../core/duration.ts';
import type { BotStore } from './bot-store.ts';
import {
  ADMINISTRATORS,
  DEVICE_LINK,
  type EventMessage,
  messageFor,
  sweepAppendix,
} from './event-messages.ts';
import type { LinkSeal } from './link-seal.ts';
import type { MessageStore, NewMessage } from './message-store.ts';

export interface EventListenerDeps {
  readonly botStore: Pick<BotStore, 'listSubscriptions'>;
  readonly messageStore: Pick<MessageStore, 'add' | 'release'>;
  readonly wakeMessages: () => void;
  readonly clock: Clock;
  readonly brokerName: (broker: string) => string;
  /** Their ids. */
  readonly listAdministrators: () => Promise<readonly string[]>;
  readonly deviceLink: (userId: string, deviceId: string) => Promise<string>;
  readonly linkSeal: Pick<LinkSeal, 'seal'>;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

/** Later than that, what has happened is no news. */
const PATIENCE_MS = DAY_MS;
/** How long the message of a sweep waits for the receipt; then it goes without. */
const RECEIPT_WAIT_MS = MINUTE_MS;
const SWEEP = 'sweep';

/** Turns what the audit log records into messages to those who want to hear of it. */
export function createEventListener(deps: EventListenerDeps): AuditListener {
  const { botStore, messageStore, wakeMessages, clock, brokerName, listAdministrators, publicOrigin } = deps;
  const { deviceLink, linkSeal } = deps;

  return async function tellOf(events, origin) {
    const now = clock.now();
    const context = { origin, now, brokerName, publicOrigin };
    const drafts = events.flatMap((event) => messageFor(event, context) ?? []);
    if (drafts.length > 0) await add(drafts, now);
    for (const event of events) if (isSweep(event)) await release(event);
  };

  async function add(drafts: readonly EventMessage[], now: number): Promise<void> {
    const addressed = await address(drafts);
    const subscriptions = await botStore.listSubscriptions(addressed.map(({ userId }) => userId));
    const wanted = new Map(subscriptions.map(({ userId, kinds }) => [userId, kinds]));
    const messages = await Promise.all(
      addressed
        .filter(({ userId, draft }) => wanted.get(userId)?.includes(draft.kind))
        .map(async ({ userId, draft }) => toMessage(userId, await withLink(userId, draft), now)),
    );
    if (messages.length === 0) return;
    await messageStore.add(messages, now);
    wakeMessages();
  }

  /** Made for those alone who are told. */
  async function withLink(userId: string, draft: EventMessage): Promise<EventMessage> {
    if (draft.device === undefined) return draft;
    const link = linkSeal.seal(await deviceLink(userId, draft.device));
    return { ...draft, body: draft.body.replace(DEVICE_LINK, () => link) };
  }

  async function address(drafts: readonly EventMessage[]) {
    const administrators = drafts.some(({ to }) => to === ADMINISTRATORS) ? await listAdministrators() : [];
    return drafts.flatMap((draft) =>
      (draft.to === ADMINISTRATORS ? administrators : [draft.to]).map((userId) => ({ userId, draft })),
    );
  }

  async function release({ receipt }: SweepEvent): Promise<void> {
    await messageStore.release(SWEEP, sweepAppendix(receipt), clock.now());
    wakeMessages();
  }
}

function toMessage(userId: string, { kind, body, awaitsSweep }: EventMessage, now: number): NewMessage {
  const expiresAt = now + PATIENCE_MS;
  return awaitsSweep
    ? { userId, kind, body, sendAt: now + RECEIPT_WAIT_MS, expiresAt, awaits: SWEEP }
    : { userId, kind, body, sendAt: now, expiresAt };
}

type SweepEvent = Extract<AuditEvent, { type: 'revocation.carried_out' }>;

function isSweep(event: AuditEvent): event is SweepEvent {
  return event.type === 'revocation.carried_out' && event.receipt.scope === 'sweep';
}
