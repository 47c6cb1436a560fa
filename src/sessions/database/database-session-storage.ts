import { createPersistedSessions } from '../persisted-sessions.ts';
import type { SessionStorage } from '../session-storage.ts';
import { DatabaseSessionStore } from './database-session-store.ts';
import { createDatabaseSessionRegistry } from './session-registry-store.ts';
import { createSessionRows, type DatabaseSessionStorageDeps } from './session-row-store.ts';

/** The embedded sessions: rows in the same database, no other server needed. */
export function createDatabaseSessionStorage(deps: DatabaseSessionStorageDeps): SessionStorage {
  const rows = createSessionRows(deps);
  const marks = createPersistedSessions();
  return {
    activeStore: new DatabaseSessionStore(rows, marks, (sid) => rows.use(sid)),
    passiveStore: new DatabaseSessionStore(rows, marks, (sid) => rows.load(sid)),
    registry: createDatabaseSessionRegistry(deps, rows),
    unreadable: rows.unreadable,
  };
}
