import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as connectionKeeper from '../../src/broker/connection-keeper.ts';
import type * as tokenRevocation from '../../src/broker/token-revocation.ts';
import type * as errors from '../../src/errors.ts';
import type * as replay from '../../src/revocation/replay.ts';
import type * as revoker from '../../src/revocation/revoker.ts';
import type * as sweep from '../../src/revocation/sweep.ts';
import type * as sessionStore from '../../src/sessions/database/database-session-store.ts';
import type * as idleWatch from '../../src/sessions/idle-watch.ts';
import type * as lifecycle from '../../src/sessions/lifecycle.ts';
import type * as roleGate from '../../src/sessions/role-gate.ts';
import type * as sessionActors from '../../src/sessions/session-actors.ts';
import type * as sessionExpiry from '../../src/sessions/session-expiry.ts';
import type * as sessionStorage from '../../src/sessions/session-storage.ts';
import type * as sessionTarget from '../../src/sessions/session-target.ts';
import type * as actLocks from '../../src/storage/act-locks.ts';
import type * as guardedDialect from '../../src/storage/guarded-dialect.ts';
import type * as keyRotation from '../../src/storage/key-rotation.ts';
import type * as signalIntake from '../../src/strategies/signal-intake.ts';
import type * as signalJudge from '../../src/strategies/signal-judge.ts';

/** The real code that the interleavings drive. */
export type Parts = typeof actLocks &
  typeof connectionKeeper &
  typeof errors &
  typeof guardedDialect &
  typeof idleWatch &
  typeof keyRotation &
  typeof lifecycle &
  typeof replay &
  typeof revoker &
  typeof roleGate &
  typeof sessionActors &
  typeof sessionExpiry &
  typeof sessionStorage &
  typeof sessionStore &
  typeof sessionTarget &
  typeof signalIntake &
  typeof signalJudge &
  typeof sweep &
  typeof tokenRevocation;

const FILES = [
  'broker/connection-keeper.ts',
  'broker/token-revocation.ts',
  'errors.ts',
  'sessions/database/database-session-store.ts',
  'sessions/idle-watch.ts',
  'sessions/lifecycle.ts',
  'revocation/replay.ts',
  'revocation/revoker.ts',
  'sessions/role-gate.ts',
  'sessions/session-actors.ts',
  'sessions/session-expiry.ts',
  'sessions/session-storage.ts',
  'sessions/session-target.ts',
  'revocation/sweep.ts',
  'storage/act-locks.ts',
  'storage/guarded-dialect.ts',
  'storage/key-rotation.ts',
  'strategies/signal-intake.ts',
  'strategies/signal-judge.ts',
];

/**
 * Of the project, or of a copy of its `src` with a fault built in. One after the other: vitest evaluates a module that
 * several imports ask for at once twice at times, and an error of the one copy is then no instance of the other's class.
 */
export async function loadParts(src = resolve(import.meta.dirname, '../../src')): Promise<Parts> {
  const parts = {};
  for (const file of FILES) Object.assign(parts, await import(pathToFileURL(join(src, file)).href));
  return parts as Parts;
}
