import type { AuditEvent, AuditListener, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import { createHourlyQuota } from '../../core/hourly-quota.ts';
import type { SendMail } from '../../core/mail.ts';
import { type AccountChange, accountChangeOf, howChanged } from '../account-changes.ts';
import { accountChangedMail, newDeviceMail } from '../account-mails.ts';
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
  /** BASE_URL. */
  readonly publicOrigin: string;
}

/** Its user may come back from a holiday, and without mail the page is all that tells them. */
const LIFETIME_MS = 90 * DAY_MS;

/** Of one kind and user, in an hour and a process: who repeats one endlessly fills no table and no mailbox, and hides no other. */
const MOST_CHANGES_TOLD = 5;

type EventOf<Type extends AuditEvent['type']> = Extract<AuditEvent, { type: Type }>;

/** Tells a user, on their pages and by mail, of what another person may have done at their account. */
export function createNoticeListener(deps: NoticeListenerDeps): AuditListener {
  const { noticeStore, links, users, sendMail, mailIsOn, clock, publicOrigin } = deps;
  const changesTold = createHourlyQuota({ clock, most: MOST_CHANGES_TOLD });

  return async function tellUsers(events, origin) {
    for (const event of events)
      if (event.type === 'login.succeeded' && !event.known) await tellOfDevice(event, origin);
    for (const told of changesIn(events)) await tellOfChange(told, origin);
  };

  async function tellOfDevice(
    { userId, device, program }: EventOf<'login.succeeded'>,
    { address = 'an unknown address' }: AuditOrigin,
  ): Promise<void> {
    const at = clock.now();
    const text = `${program}, from ${address}`;
    await noticeStore.add({ userId, kind: 'new_device', device, text, expiresAt: at + LIFETIME_MS }, at);
    if (!mailIsOn) return;
    const user = await users.findById(userId);
    if (user === undefined) return;
    const link = await links.create('device_end', userId, device);
    await sendMail(newDeviceMail(user, { program, address, at }, link));
  }

  async function tellOfChange({ userId, change, isMailed }: ToldChange, origin: AuditOrigin): Promise<void> {
    const { kind, what, consequence = '' } = change;
    if (!changesTold.take(`${userId} ${what}`)) return;
    const at = clock.now();
    const device = kind === 'account_changed' ? (origin.deviceId ?? '') : '';
    const text = `${what}${howChanged(change, origin)}. ${consequence}`.trimEnd();
    await noticeStore.add({ userId, kind, device, text, expiresAt: at + LIFETIME_MS }, at);
    const user = isMailed && mailIsOn ? await users.findById(userId) : undefined;
    if (user !== undefined) await sendMail(accountChangedMail(user, change, { at, origin, publicOrigin }));
  }
}

interface ToldChange {
  readonly userId: string;
  readonly change: AccountChange;
  readonly isMailed: boolean;
}

/** Changes among events; equal ones that were recorded at once are one act, told once. */
function changesIn(events: readonly AuditEvent[]): readonly ToldChange[] {
  const told = events.flatMap((event) => {
    const change = accountChangeOf(event);
    if (change === undefined || !('userId' in event) || event.userId === undefined) return [];
    // The former address is told of it, by the page that knew it.
    return [{ userId: event.userId, change, isMailed: event.type !== 'account.email_changed' }];
  });
  return [...new Map(told.map((each) => [`${each.userId} ${each.change.what}`, each])).values()];
}
