import type { AuditRow } from '../core/audit-chain.ts';
import type { AuditPeopleStore } from './audit-people-store.ts';
import type { AuditNames } from './audit-sentences.ts';

/** The names of all users that rows concern, in one query. */
export async function namesFor(
  people: Pick<AuditPeopleStore, 'namesOf'>,
  brokerName: (broker: string) => string,
  rows: readonly AuditRow[],
): Promise<AuditNames> {
  const ids = new Set(rows.flatMap(({ userId }) => (userId === null ? [] : [userId])));
  const known = await people.namesOf([...ids]);
  return {
    user: (userId) =>
      userId === undefined || userId === null ? 'someone' : (known.get(userId) ?? 'an unknown user'),
    broker: (broker) => (broker === undefined ? 'a broker' : brokerName(broker)),
  };
}
