import { Redis } from 'ioredis';
import { systemClock } from '../../src/core/clock.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { addLiveSessions, SESSIONS_EACH } from '../live-sessions.ts';
import { openForm, send } from '../login-form.ts';
import { measureLoad, warmUp } from '../measure-load.ts';
import { brokerPage, startCurfewWithPeople } from '../parts/guarded-page.ts';
import { startServices } from '../parts/sweep.ts';
import { PASSWORD } from '../people.ts';
import type { ServiceResult } from '../servers/services.ts';
import { newSetup, type Setup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { BYTES_IN_MB, type Figures, type Growth, grow, type Line, quantile, timeEach } from './points.ts';

const SIZES = {
  SQLite: [1_000, 100_000],
  'Redis + Postgres': [1_000, 10_000, 100_000, 1_000_000],
} as const;
const SIGN_INS = 30;
const PEOPLE_ASKED = 100;
/** Everything stays while it is measured. */
const NEVER = { SESSION_EXPIRY_TIME: 'off', SESSION_IDLE_TIMEOUT: '8h' };

/** Live sessions: of the signed-in, and what ends them. */
export async function growSessions(growth: Growth, setup: Setup['name']): Promise<readonly Line[]> {
  const { workshop } = growth;
  return grow(growth, 'sessions', setup, SIZES[setup], async (size) => {
    const { env } = await newSetup(workshop, setup);
    // The tables, and whom the server is asked as.
    const page = await measureWithServer(workshop, { name: setup, env }, size);
    return { ...page, ...(await measureServices(workshop, env, size)) };
  });
}

async function measureWithServer(workshop: Workshop, setup: Setup, size: number): Promise<Figures> {
  const curfew = await startCurfewWithPeople(workshop, setup, { settings: NEVER });
  await addLiveSessions(setup.env, Math.ceil(size / SESSIONS_EACH), thisMinute() - MINUTE_MS);
  const page = await brokerPage(curfew);
  await warmUp(workshop, page);
  const load = await measureLoad(workshop, page);
  const form = await openForm(curfew.origin, '127.0.0.1');
  const signIns = await timeEach(SIGN_INS, async () => {
    const { status } = await send(form, PASSWORD, '127.0.0.1');
    if (status !== 303) throw new Error(`Signing in answered ${status}`);
  });
  await workshop.stopStarted();
  return {
    'page, CPU µs': load['CPU µs/request'] ?? Number.NaN,
    'page, p50 ms': load['p50 ms'] ?? Number.NaN,
    'sign-in, p50 ms': quantile(signIns, 0.5),
    ...(setup.env.REDIS_URL === '' ? {} : { 'Redis memory, MB': await memoryOf(setup.env.REDIS_URL) }),
  };
}

async function measureServices(workshop: Workshop, env: Setup['env'], size: number): Promise<Figures> {
  // As many sessions as before, and these for asking about and ending.
  const userIds = await addLiveSessions(env, PEOPLE_ASKED, thisMinute() - MINUTE_MS);
  const asking = startServices(workshop, env, NEVER);
  await asking.ask<ServiceResult>({ kind: 'list', userIds });
  const listing = await asking.ask<ServiceResult>({ kind: 'list', userIds });
  const revoking = await asking.ask<ServiceResult>({ kind: 'revoke', userIds });
  await asking.stop();
  const sweeping = startServices(workshop, env, {
    SESSION_EXPIRY_TIME: toIstIso(thisMinute()).slice(11, 16),
  });
  const sweep = await sweeping.ask<ServiceResult>({ kind: 'sweep' });
  await sweeping.stop();
  if (sweep.count < size) throw new Error(`The sweep ended ${sweep.count} of ${size} sessions`);
  return {
    'own devices, p50 ms': quantile(listing.ms, 0.5),
    'revoking one person, p50 ms': quantile(revoking.ms, 0.5),
    'sweep, s': sweep.seconds,
    'event loop at the sweep, p99 ms': sweep.loopP99Ms,
    'memory at the sweep, MB': sweep.peakResidentMb,
  };
}

const thisMinute = (): number => Math.floor(systemClock.now() / MINUTE_MS) * MINUTE_MS;

async function memoryOf(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl);
  const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1];
  redis.disconnect();
  return Number(used) / BYTES_IN_MB;
}
