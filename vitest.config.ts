import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** Folders whose files leave nothing behind in their process. Those that break connections keep a process for each file. */
const SHARE_MODULES = [
  'accounts',
  'admin',
  'api',
  'audit',
  'bans',
  'broker',
  'cli',
  'core',
  'dashboard',
  'docs',
  'feed',
  'gateway',
  'http',
  'journeys',
  'mail',
  'monitoring',
  'public',
  'revocation',
  'sessions',
  'settings',
  'storage',
  'strategies',
  'symbols',
  'telegram',
  'watchlist',
].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Twice as many as cores of a small machine: most tests wait for a server half of their time.
    maxWorkers: 4,
    // Argon2id, a real Redis and a real Postgres take their time on a busy machine of two cores.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    teardownTimeout: 10_000,
    // A test that passes only sometimes has failed.
    retry: 0,
    allowOnly: false,
    restoreMocks: true,
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/faults/**', ...SHARE_MODULES],
        },
      },
      {
        extends: true,
        test: {
          name: 'shared-modules',
          include: SHARE_MODULES,
          // The server keeps nothing at module level, and loading it takes longer than most tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // After the others and two files at a time: a Chromium takes a core by itself.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          isolate: false,
        },
      },
    ],
  },
});
