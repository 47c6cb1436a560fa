type Facts = Readonly<Record<string, unknown>>;

/**
 * The kinds that an event counts as by the hour: its type, for some with the reason behind it. A revocation that has ended
 * sessions of one user counts as `session.ended:<reason>` as well: at the cutoff there is an event for each user, and
 * callers need not know the difference.
 */
export function auditKindsOf(event: Facts): readonly string[] {
  const type = String(event['type']);
  if (type === 'revocation.carried_out') return [type, ...endedSessions(event['receipt'])];
  if (type === 'login.failed_often') return [`login.failed:${String(event['why'])}`];
  const refinement = REFINED_BY[type];
  const value = refinement === undefined ? undefined : event[refinement];
  return [typeof value === 'string' ? `${type}:${value}` : type];
}

/** How many of its kind an event stands for. */
export function auditWeightOf(event: Facts): number {
  const attempts = event['type'] === 'login.failed_often' ? event['attempts'] : 1;
  return typeof attempts === 'number' ? attempts : 1;
}

const REFINED_BY: Readonly<Record<string, string>> = {
  'session.ended': 'reason',
  'login.failed': 'why',
  'ban.added': 'reason',
};

/** The types for which the type alone does not tell what they count as. */
export const isRefined = (type: string): boolean => type in REFINED_BY || type === 'revocation.carried_out';

function endedSessions(receipt: unknown): readonly string[] {
  if (!isFacts(receipt) || receipt['scope'] === 'sweep' || receipt['status'] !== 'done') return [];
  const lines: readonly unknown[] = Array.isArray(receipt['lines']) ? receipt['lines'] : [];
  const ended = lines.some(
    (line) => isFacts(line) && line['step'] === 'sessions' && Number(line['count']) > 0,
  );
  return ended ? [`session.ended:${String(receipt['reason'])}`] : [];
}

const isFacts = (value: unknown): value is Facts => typeof value === 'object' && value !== null;
