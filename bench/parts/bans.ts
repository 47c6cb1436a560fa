import express, { type RequestHandler } from 'express';
import { createBanGate } from '../../src/bans/ban-gate.ts';
import { createBanIndex } from '../../src/bans/ban-index.ts';
import type { Ban } from '../../src/bans/ban-store.ts';
import { DEFAULT_BAN_RULES } from '../../src/bans/default-ban-rules.ts';
import { createProtectedAddresses } from '../../src/bans/protected-addresses.ts';
import { createSuspicion } from '../../src/bans/suspicious-path.ts';
import { systemClock } from '../../src/core/clock.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { createAddressList } from '../../src/http/address-list.ts';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import type { Workshop } from '../workshop.ts';

const BANS = 10_000;
const LOOKS = 50_000;
const CLIENT = { ipv4: '203.0.113.7', ipv6: '2001:db8:1:2:3:4:5:6' } as const;

/** What every request pays for the bans, in this very process and without a socket. */
export async function compareBans({ options }: Workshop): Promise<readonly Comparison[]> {
  const metrics = [{ name: 'µs/request', better: 'less', digits: 2 }] as const;
  const [idle, full] = [await createGate(0), await createGate(BANS)];
  const looks = {
    'nobody banned': () => look(idle, () => CLIENT.ipv4),
    'IPv4, one client': () => look(full, () => CLIENT.ipv4),
    'IPv6, one client': () => look(full, () => CLIENT.ipv6),
    'IPv6, always another': () => look(full, newIpv6),
  };
  return [
    {
      title: `Is this request from one of ${BANS} banned addresses?`,
      metrics,
      subjects: await alternate(looks, options.rounds),
    },
    {
      title: `Is this path suspicious? (${DEFAULT_BAN_RULES.suspiciousPaths.length} patterns; asked of what led nowhere)`,
      metrics,
      subjects: await alternate({ 'an ordinary path': judgePath }, options.rounds),
    },
  ];
}

async function createGate(count: number): Promise<RequestHandler> {
  const banIndex = createBanIndex({
    banStore: { listAll: () => list(count) },
    ruleStore: { read: () => Promise.resolve(DEFAULT_BAN_RULES) },
    allowlistStore: { list: () => Promise.resolve([]) },
    readVersion: () => Promise.resolve(1),
    clock: systemClock,
  });
  await banIndex.load();
  const silent = (): void => undefined;
  return createBanGate({
    banIndex,
    hits: { settled: () => undefined, isIdle: true },
    protectedAddresses: createProtectedAddresses({ trustProxy: [], clock: systemClock }),
    mayPass: async () => false,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  }).middleware;
}

async function* list(count: number): AsyncGenerator<readonly Ban[]> {
  const until = systemClock.now() + DAY_MS;
  yield Array.from({ length: count }, (_, index) => ({
    id: index,
    subject: `10.0.${index >> 8}.${index & 255}`,
    reason: 'manual',
    note: '',
    offence: 0,
    bannedBy: '',
    bannedAt: 0,
    until,
  }));
}

const newIpv6 = (turn: number): string =>
  `2001:db8:1:2:3:4:${(turn >> 16).toString(16)}:${(turn & 65_535).toString(16)}`;

/** Requests as Express has them behind a proxy, without a socket. */
function look(gate: RequestHandler, addressOf: (turn: number) => string): Promise<Sample> {
  const app = express().set('trust proxy', createAddressList(['127.0.0.1']));
  const socket = { remoteAddress: '127.0.0.1' };
  const res = Object.create(app.response);
  let turns = 0;
  let passed = 0;
  const next = (): void => {
    passed += 1;
  };
  const sample = time(() => {
    turns += 1;
    const headers = { 'x-forwarded-for': addressOf(turns) };
    const req = Object.assign(Object.create(app.request), { app, headers, socket, connection: socket });
    void gate(req, res, next);
  });
  if (passed !== turns) throw new Error('The gate refused somebody');
  return sample;
}

function judgePath(): Promise<Sample> {
  const isSuspicious = createSuspicion(DEFAULT_BAN_RULES.suspiciousPaths);
  return time(() => {
    if (isSuspicious('/strategies/17/signals')) throw new Error('An ordinary path was suspected');
  });
}

function time(work: () => void): Promise<Sample> {
  for (let index = 0; index < LOOKS / 10; index += 1) work();
  const startedAt = performance.now();
  for (let index = 0; index < LOOKS; index += 1) work();
  return Promise.resolve({ 'µs/request': ((performance.now() - startedAt) * 1000) / LOOKS });
}
