import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../src/core/clock.ts';

const SECRET_BYTES = 18;

/** What a broker remembers: codes that work once and for a while, and tokens until they end or are ended. */
export interface TokenBook<About> {
  issueCode(about: About, lifetimeMs: number): string;
  /** Uses the code up, whatever comes of it. */
  redeem(code: string): About | undefined;
  issueToken(expiresAt: number): string;
  isAlive(token: string): boolean;
  kill(token: string): void;
  issued(): readonly string[];
}

/** The prefix lets a search through logs and dumps find what should not be there. */
export function createTokenBook<About>(prefix: string, clock: Clock): TokenBook<About> {
  const codes = new Map<string, { readonly about: About; readonly expiresAt: number }>();
  const tokens = new Map<string, number>();
  const issued: string[] = [];

  function invent(kind: string): string {
    const secret = `${prefix}-${kind}-${randomBytes(SECRET_BYTES).toString('hex')}`;
    issued.push(secret);
    return secret;
  }

  return {
    issueCode(about, lifetimeMs) {
      const code = invent('code');
      codes.set(code, { about, expiresAt: clock.now() + lifetimeMs });
      return code;
    },
    redeem(code) {
      const found = codes.get(code);
      codes.delete(code);
      return found !== undefined && clock.now() < found.expiresAt ? found.about : undefined;
    },
    issueToken(expiresAt) {
      const token = invent('access');
      tokens.set(token, expiresAt);
      return token;
    },
    isAlive: (token) => clock.now() < (tokens.get(token) ?? Number.NEGATIVE_INFINITY),
    kill: (token) => void tokens.delete(token),
    issued: () => issued,
  };
}
