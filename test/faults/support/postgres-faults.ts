import type { House } from './house.ts';
import type { Fault } from './redis-faults.ts';

/** What can happen to a Postgres. */
export const POSTGRES_FAULTS = {
  stopped: ({ postgres }) => ({ begin: () => postgres.kill(), end: () => postgres.restart() }),

  paused: ({ postgres }) => ({
    begin: () => Promise.resolve(postgres.pause()),
    end: () => Promise.resolve(postgres.resume()),
  }),

  'cut off': ({ nodes }) => ({
    begin: async () => {
      for (const { toPostgres } of nodes) toPostgres.cut();
    },
    end: async () => void (await Promise.all(nodes.map(({ toPostgres }) => toPostgres.heal()))),
  }),

  'behind a network that holds everything back': ({ nodes }) => ({
    begin: async () => {
      for (const { toPostgres } of nodes) toPostgres.stall();
    },
    end: async () => void (await Promise.all(nodes.map(({ toPostgres }) => toPostgres.heal()))),
  }),

  'behind a network that has forgotten its connections': ({ nodes }) => ({
    begin: async () => {
      for (const { toPostgres } of nodes) toPostgres.swallow();
    },
    end: async () => void (await Promise.all(nodes.map(({ toPostgres }) => toPostgres.heal()))),
  }),
} as const satisfies Record<string, (house: House) => Fault>;
