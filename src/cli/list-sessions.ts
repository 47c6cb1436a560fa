import { Option } from 'commander';
import type { Services } from '../compose.ts';
import { toIstIso } from '../core/ist.ts';
import { deviceName } from '../sessions/device-view.ts';
import type { DeviceSession } from '../sessions/session-data.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { findUser } from './find-user.ts';
import { printJsonList } from './json.ts';
import { oneBatch } from './one-batch.ts';
import { type Column, printTable } from './table.ts';
import { withServices } from './with-services.ts';

interface ListSessionsOptions {
  readonly user?: string;
  readonly json?: boolean;
}

export const command: CliCommand<ListSessionsOptions> = {
  options: [new Option('--user <username>', 'only of this user')],
  run: listSessions,
};

/** Prints all sessions or one user's. A session is named by its device id: the session id is a secret. */
function listSessions(context: CommandContext, { user, json }: ListSessionsOptions): Promise<ExitCode> {
  const { terminal } = context;
  return withServices<ExitCode>(context, async (services) => {
    const batches = await findSessions(services, user);
    if (json) {
      await printJsonList(terminal, 'sessions', toRecords(batches));
      return 0;
    }
    const count = await printTable(terminal, COLUMNS, batches);
    terminal.say(count === 0 ? 'No session.' : count === 1 ? '1 session.' : `${count} sessions.`);
    return 0;
  });
}

async function findSessions(
  services: Services,
  user: string | undefined,
): Promise<AsyncIterable<readonly DeviceSession[]>> {
  const { registry } = services;
  if (user === undefined) return registry.listAll();
  return oneBatch(await registry.listByUser((await findUser(services, user)).id));
}

const COLUMNS: readonly Column<DeviceSession>[] = [
  { heading: 'USER', value: (session) => session.username },
  { heading: 'DEVICE', value: (session) => deviceName(session.userAgent) },
  { heading: 'ADDRESS', value: (session) => session.address },
  { heading: 'SIGNED IN (IST)', value: (session) => toSeconds(session.loginTime) },
  { heading: 'LAST SEEN (IST)', value: (session) => toSeconds(session.lastSeen) },
  { heading: 'DEVICE ID', value: (session) => session.deviceId },
];

/** `2026-11-23 10:00:00`, in Indian time. */
function toSeconds(instant: number): string {
  return toIstIso(instant).slice(0, 19).replace('T', ' ');
}

async function* toRecords(batches: AsyncIterable<readonly DeviceSession[]>) {
  for await (const batch of batches) yield batch.map(toRecord);
}

function toRecord({ deviceId, userId, username, role, userAgent, address, ...session }: DeviceSession) {
  return {
    deviceId,
    userId,
    username,
    role,
    device: deviceName(userAgent),
    address,
    signedInAt: toIstIso(session.loginTime),
    lastSeenAt: toIstIso(session.lastSeen),
  };
}
