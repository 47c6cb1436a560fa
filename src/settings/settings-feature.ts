import type { RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import type { Feature } from '../http/feature.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import { createAppearance } from './appearance.ts';
import { createChangeSettings } from './change-settings.ts';
import { createIdleLimits, type IdleLimits } from './idle-limits.ts';
import { createSettingsRouter } from './routes.ts';
import { createSettingsReader, type SettingsReader } from './settings-reader.ts';
import { createSettingsStore } from './settings-store.ts';

export interface SettingsFeatureDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly invalidateCached: InvalidateCached;
  readonly registry: Pick<SessionRegistry, 'setIdleLimit'>;
  readonly epochs: Pick<EpochStore, 'current'>;
  readonly calendar: CutoffCalendar;
  readonly policy: LivePolicy;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** Whether people come over https. */
  readonly secure: boolean;
  /** Names by id, in the server's order. */
  readonly brokerNames: ReadonlyMap<string, string>;
}

export interface SettingsFeature extends Feature, SettingsReader {
  readonly idleLimits: IdleLimits;
  /** Middleware in front of everything that may render a page. */
  readonly appearance: RequestHandler;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createSettingsFeature(deps: SettingsFeatureDeps): SettingsFeature {
  const settingsStore = createSettingsStore(deps.database);
  const reader = createSettingsReader({ ...deps, settingsStore });
  const idleLimits = createIdleLimits({ ...deps, settingsStore });
  const shared = { ...deps, settingsStore, readSettings: reader.read, idleLimits };

  return {
    ...reader,
    idleLimits,
    appearance: createAppearance(shared),
    jobs: [idleLimits.watch],
    router: createSettingsRouter({ ...shared, changeSettings: createChangeSettings(shared) }),
  };
}

/** The same in the same order, but for the one with this id, which comes first. */
export function defaultFirst<T extends { readonly id: string }>(
  all: readonly T[],
  id: string | undefined,
): readonly T[] {
  const isFirst = (each: T): boolean => each.id === id;
  return [...all.filter(isFirst), ...all.filter((each) => !isFirst(each))];
}
