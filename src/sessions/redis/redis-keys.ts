/** Every Redis key of the sessions. No command names two of them, so each works on a Cluster wherever it lies. */
export const SESSION_PREFIX = 'curfew:sess:';
/** Session ids by login time (ms): what a cutoff ends. */
export const BY_LOGIN = 'curfew:sessions:by-login';
/** Session ids by last use (ms): what the idle limit ends. */
export const BY_LAST_SEEN = 'curfew:sessions:by-last-seen';
/** Session id to the idle limit of its own (ms), for sessions that have one. */
export const OWN_IDLE = 'curfew:sessions:own-idle';
/** Ids of the same by the earliest time (ms) at which that limit may end them: where to look, and not yet the answer. */
export const BY_OWN_DEADLINE = 'curfew:sessions:by-own-deadline';
/** Written to see whether Redis takes writes. */
export const HEARTBEAT_KEY = 'curfew:heartbeat';

export const sessionKey = (sid: string): string => `${SESSION_PREFIX}${sid}`;
/** Session ids of one user by epoch. */
export const userKey = (userId: string): string => `curfew:sessions:of:${userId}`;
/** Why a session ended, for a while. */
export const endingKey = (sid: string): string => `curfew:ended:${sid}`;
