import 'express-session';
import type { Viewer } from '../http/page.ts';

declare module 'express-session' {
  /** Body of a stored session. Small on purpose: it is parsed and hashed on every request. */
  interface SessionData {
    userId: string;
    username: string;
    role: Viewer['role'];
    /** The user's epoch at sign-in; see `RevocationScope`. */
    epoch: number;
    /** ISO 8601 with +05:30. */
    loginTime: string;
    /** Name of this session on the devices page: not the session id, which is a secret. */
    deviceId: string;
    userAgent: string;
    address: string;
    /** When the person last entered their password again, in ms since the epoch; absent while they have not. */
    provedAt?: number;
    /** When they last showed a second factor in this session, a passkey among them, in ms since the epoch. */
    factorAt?: number;
    /** When they last used a passkey in this session, in ms since the epoch. */
    passkeyAt?: number;
    /** csurf's. */
    csrfSecret: string;
  }
}

/** Owner of the session. */
export interface SignedInUser {
  readonly userId: string;
  readonly username: string;
  readonly role: Viewer['role'];
}

/** A session of a signed-in user, as the devices page and the revoker see it. */
export interface DeviceSession extends SignedInUser {
  readonly sid: string;
  readonly deviceId: string;
  readonly epoch: number;
  /** Milliseconds since the epoch, both; the second is exact to the minute. */
  readonly loginTime: number;
  readonly lastSeen: number;
  readonly userAgent: string;
  readonly address: string;
}
