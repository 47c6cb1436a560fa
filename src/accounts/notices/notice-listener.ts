import type { AuditEvent, AuditListener, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { SendMail } from '../../core/mail.ts';
import { factorsResetMail, newDeviceMail } from '../account-mails.ts';
import type { OneTimeLinks } from '../one-time-links/one-time-links.ts';
import type { UserStore } from '../user-store.ts';
import type { NoticeStore } from './notice-store.ts';

export interface NoticeListenerDeps {
  readonly noticeStore: Pick<NoticeStore, 'add'>;
  readonly links: Pick<OneTimeLinks, 'create'>;
  readonly users: Pick<UserStore, 'findById'>;
  readonly sendMail: SendMail;
  readonly mailIsOn: boolean;
  readonly clock: Clock;
}

/** A device that is not known by then is no news; a reset factor is, until the next sign-in. */
const NEW_DEVICE_MS = DAY_MS;
const FACTORS_RESET_MS = 90 * DAY_MS;

type EventOf<Type extends AuditEvent['type']> = Extract<AuditEvent, { type: Type }>;

/** Tells a user, on their pages and by mail, of what another person may have done at their account. */
export function createNoticeListener(deps: NoticeListenerDeps): AuditListener {
  const { noticeStore, links, users, sendMail, mailIsOn, clock } = deps;

  return async function tellUsers(events, origin) {
    for (const event of events) {
      if (event.type === 'login.succeeded' && !event.known) await tellOfDevice(event, origin);
      if (event.type === 'totp.reset' || event.type === 'passkeys.reset') await tellOfReset(event);
    }
  };

  async function tellOfDevice(
    { userId, device, program }: EventOf<'login.succeeded'>,
    { address = 'an unknown address' }: AuditOrigin,
  ): Promise<void> {
    const at = clock.now();
    const text = `${program}, from ${address}`;
    await noticeStore.add({ userId, kind: 'new_device', device, text, expiresAt: at + NEW_DEVICE_MS }, at);
    if (!mailIsOn) return;
    const user = await users.findById(userId);
    if (user === undefined) return;
    const link = await links.create('device_end', userId, device);
    await sendMail(newDeviceMail(user, { program, address, at }, link));
  }

  async function tellOfReset({ userId }: EventOf<'totp.reset' | 'passkeys.reset'>): Promise<void> {
    const at = clock.now();
    await noticeStore.add(
      { userId, kind: 'factors_reset', device: '', text: '', expiresAt: at + FACTORS_RESET_MS },
      at,
    );
    const user = await users.findById(userId);
    if (user !== undefined) await sendMail(factorsResetMail(user, at + DAY_MS));
  }
}
