import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import { toIstIso } from '../../core/ist.ts';
import { API_SCOPES } from '../api-scope.ts';
import type { BrokerState, SessionState } from '../api-sources.ts';
import { defineEndpoint, type Endpoint, instant } from '../endpoint.ts';

export interface SessionEndpointDeps {
  readonly sessionState: (userId: string) => Promise<SessionState>;
  readonly brokerStates: (userId: string) => Promise<readonly BrokerState[]>;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

const data = z.object({
  now: instant.meta({ description: 'The server’s time' }),
  user: z.object({ username: z.string() }),
  key: z.object({
    id: z.string().meta({ description: 'The public part of the key' }),
    name: z.string(),
    scopes: z.array(z.enum(API_SCOPES)),
    expiresAt: instant.nullable(),
  }),
  session: z
    .object({
      live: z.boolean().meta({ description: 'Whether the owner is signed in on any device' }),
      devices: z.int().min(0),
      signedInAt: instant.nullable().meta({ description: 'The latest sign-in' }),
      idleEndsAt: instant.nullable().meta({
        description:
          'When the last session ends if it is not used, and with it the broker tokens that are not held. API calls do not count as use',
      }),
    })
    .meta({ description: 'The browser sessions' }),
  cutoff: z.object({
    last: instant.nullable().meta({ description: 'null where there is no cutoff' }),
    next: instant.nullable().meta({ description: 'When sessions and broker tokens end. Keys do not' }),
  }),
  brokers: z.array(
    z.object({
      broker: z.string().meta({ description: 'As in the other addresses' }),
      name: z.string(),
      connected: z.boolean().meta({ description: 'Whether its token can be had now' }),
      state: z.enum(['connected', 'expiring', 'expired', 'rejected', 'disconnected']),
      connectedAt: instant.nullable(),
      endsAt: instant.nullable(),
      held: z.boolean().meta({
        description:
          'Whether it is connected and its owner keeps it until the cutoff, also when no browser is signed in',
      }),
    }),
  ),
});

/** The three lives, which end apart: the browser session, the key, the broker tokens. */
export function createSessionEndpoint(deps: SessionEndpointDeps): Endpoint {
  const { sessionState, brokerStates, calendar, clock } = deps;
  return defineEndpoint({
    method: 'get',
    path: '/session',
    operationId: 'getSession',
    summary: 'Whether the key’s owner is signed in, and what is connected until when',
    description:
      'Three things that end apart: the browser session (at the cutoff, when idle, at logout), the key (when it is revoked or expires) and each broker’s token (at the cutoff; or with the last session, unless its owner keeps it).',
    scope: 'session:read',
    params: z.strictObject({}),
    query: z.strictObject({}),
    data,
    dataName: 'Session',
    example: EXAMPLE,
    errors: [],
    etag: false,
    waits: false,
    async answer({ caller }) {
      const { id, name, scopes, expiresAt, userId, username } = caller;
      const [session, brokers] = await Promise.all([sessionState(userId), brokerStates(userId)]);
      return {
        now: toIstIso(clock.now()),
        user: { username },
        key: { id, name, scopes: [...scopes], expiresAt: optional(expiresAt) },
        session: {
          live: session.devices > 0,
          devices: session.devices,
          signedInAt: optional(session.signedInAt),
          idleEndsAt: optional(session.idleEndsAt),
        },
        cutoff: { last: optional(calendar.last()), next: optional(calendar.next()) },
        brokers: brokers.map((broker) => ({
          broker: broker.id,
          name: broker.name,
          connected: broker.connected,
          state: broker.state,
          connectedAt: optional(broker.connectedAt),
          endsAt: optional(broker.endsAt),
          held: broker.connected && broker.held,
        })),
      };
    },
  });
}

/** Null for a time that is missing or never comes. */
function optional(ms: number | undefined): string | null {
  return ms === undefined || !Number.isFinite(ms) ? null : toIstIso(ms);
}

const EXAMPLE: z.input<typeof data> = {
  now: '2026-11-23T10:00:00.000+05:30',
  user: { username: 'asha' },
  key: { id: '7Hq2xT9aBcD0', name: 'Breakout', scopes: ['session:read', 'broker:token'], expiresAt: null },
  session: {
    live: true,
    devices: 1,
    signedInAt: '2026-11-23T09:00:00.000+05:30',
    idleEndsAt: '2026-11-23T10:25:00.000+05:30',
  },
  cutoff: { last: '2026-11-23T03:00:00.000+05:30', next: '2026-11-24T03:00:00.000+05:30' },
  brokers: [
    {
      broker: 'zerodha',
      name: 'Zerodha',
      connected: true,
      state: 'connected',
      connectedAt: '2026-11-23T09:01:00.000+05:30',
      endsAt: '2026-11-24T03:00:00.000+05:30',
      held: false,
    },
  ],
};
