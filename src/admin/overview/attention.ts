import { MINUTE_MS } from '../../core/duration.ts';
import { toIstIso } from '../../core/ist.ts';
import type { NowFigures } from './now-figures.ts';
import { partName } from './part-name.ts';

/** Something that an administrator must act on, and where. */
export interface Worry {
  readonly text: string;
  readonly href: string;
  /** Text of the link. */
  readonly action: string;
}

/** Urgent problems, the worst first. */
export function attentionOf(now: NowFigures): readonly Worry[] {
  const { at, chain, alerts, parts, revocations, logouts } = now;
  const pendingMs = revocations.oldestOrderedAt === undefined ? 0 : at - revocations.oldestOrderedAt;
  const worries: Worry[] = [];
  if (chain.problem !== undefined)
    worries.push({
      text: `The audit log was tampered with. ${chain.problem}`,
      href: '/security/audit',
      action: 'Open the audit log',
    });
  // Not how long: what is said again each minute is not listened to.
  for (const { what, since } of alerts)
    worries.push({
      text: `${what} Since ${toIstIso(since).slice(11, 16)} IST.`,
      href: '/security/load',
      action: 'Open load',
    });
  for (const { name, isAnswering } of parts)
    if (!isAnswering)
      worries.push({
        text: `${partName(name)}: not healthy.`,
        href: '/security/load',
        action: 'Open load',
      });
  // A step that is retried within the minute needs no attention.
  if (revocations.waiting > 0 && pendingMs >= MINUTE_MS)
    worries.push({
      text: `${some(revocations.waiting, 'revocation is', 'revocations are')} pending.`,
      href: '/security/revocations',
      action: 'Open pending revocations',
    });
  if (logouts.dead > 0)
    worries.push({
      text: `${some(logouts.dead, 'broker logout', 'broker logouts')} failed.`,
      href: '/broker/logouts',
      action: 'Retry or dismiss',
    });
  return worries;
}

const some = (number: number, one: string, many: string): string =>
  `${number.toLocaleString('en-IN')} ${number === 1 ? one : many}`;
