import { createUserStore } from '../../accounts/user-store.ts';
import type { Clock } from '../../core/clock.ts';
import { type CutoffTime, lastCutoff } from '../../core/cutoff.ts';
import { formatIst } from '../../core/ist.ts';
import { createRevocationStore, type RevocationStore } from '../../revocation/revocation-store.ts';
import type { Database } from '../../storage/database.ts';
import { type Finding, findingsOf } from './finding.ts';

/** Pending work: revocations, the last cutoff, and an administrator who can sign in. */
export async function checkWork(
  database: Database,
  clock: Clock,
  cutoffTime: CutoffTime,
): Promise<readonly Finding[]> {
  const revocations = createRevocationStore(database, clock);
  return [
    await checkRevocations(revocations),
    await checkSweep(revocations, lastCutoff(clock.now(), cutoffTime)),
    await checkPeople(database, clock),
  ];
}

async function checkRevocations(revocations: RevocationStore): Promise<Finding> {
  const { ok, warn } = findingsOf('revocations');
  const open = await revocations.countWaiting();
  if (open === 0) return ok('All revocations are carried out');
  return warn(
    open === 1 ? 'One revocation is pending' : `${open} revocations are pending`,
    'The running server tries them again; where they stay, its log names the step that fails. Without a server: npm start',
  );
}

async function checkSweep(revocations: RevocationStore, due: number): Promise<Finding> {
  const { ok, warn } = findingsOf('sweep');
  if (!Number.isFinite(due)) return ok('No cutoff is set');
  const swept = await revocations.lastSweptCutoff();
  if (swept !== undefined && swept >= due) return ok(`The last swept cutoff is that of ${formatIst(swept)}`);
  const last =
    swept === undefined ? 'none was ever swept' : `the last swept one is that of ${formatIst(swept)}`;
  return warn(
    `The cutoff of ${formatIst(due)} was not swept; ${last}`,
    'Start the server, which does it at once, or: npx curfew sweep',
  );
}

async function checkPeople(database: Database, clock: Clock): Promise<Finding> {
  const { ok, warn } = findingsOf('people');
  const users = await createUserStore({ database, clock }).list();
  const admins = users.filter((user) => user.role === 'admin' && !user.disabled).length;
  if (users.length === 0)
    return warn('No accounts yet', 'Open /setup in a browser, or: npx curfew users create --role admin');
  if (admins === 0) return warn('No admin can sign in', 'npx curfew users create --role admin');
  return ok(`${users.length} with an account, ${admins} of them admin`);
}
