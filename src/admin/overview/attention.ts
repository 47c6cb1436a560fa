import { toIstIso } from '../../core/ist.ts';
import type { NowFigures } from './now-figures.ts';
import { partName } from './part-name.ts';

/** Something that somebody should look at now, and where. */
export interface Worry {
  readonly text: string;
  readonly href: string;
  /** What the link says. */
  readonly action: string;
}

/** What cannot wait, the worst first. */
export function attentionOf(now: NowFigures): readonly Worry[] {
  const { chain, alerts, parts, revocations, logouts } = now;
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
      action: 'Look at the load',
    });
  for (const { name, isAnswering } of parts)
    if (!isAnswering)
      worries.push({
        text: `${partName(name)}: no good answer.`,
        href: '/security/load',
        action: 'Look at the load',
      });
  if (revocations.waiting > 0)
    worries.push({
      text: `${some(revocations.waiting, 'revocation is', 'revocations are')} not carried out in full yet.`,
      href: '/security/revocations',
      action: 'See which',
    });
  if (logouts.dead > 0)
    worries.push({
      text: `${some(logouts.dead, 'logout', 'logouts')} at brokers could not be delivered.`,
      href: '/broker/logouts',
      action: 'Try again or dismiss',
    });
  return worries;
}

const some = (number: number, one: string, many: string): string =>
  `${number.toLocaleString('en-IN')} ${number === 1 ? one : many}`;
