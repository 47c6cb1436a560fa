import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { readSessionId } from '../../src/sessions/session-id.ts';
import { createSessionIdIssuer } from '../../src/sessions/session-id-issuer.ts';

const requestWith = (facts: object = {}): Request => facts as Request;

describe('the issuer of session ids', () => {
  it('makes a visitor’s, unless somebody is signing in', () => {
    const ids = createSessionIdIssuer();
    const req = requestWith();
    expect(readSessionId(ids.issue(req)).kind).toBe('visitor');
    ids.nextIsFor(req, 'asha', 42);
    expect(readSessionId(ids.issue(req))).toEqual({ kind: 'signed_in', userId: 'asha', loginTime: 42 });
  });

  it('makes a signed-in one once, for that request only', () => {
    const ids = createSessionIdIssuer();
    const req = requestWith();
    ids.nextIsFor(req, 'asha', 42);
    expect(readSessionId(ids.issue(requestWith())).kind).toBe('visitor');
    ids.issue(req);
    expect(readSessionId(ids.issue(req)).kind).toBe('visitor');
  });

  it('remembers the id that a browser came with in vain', () => {
    const ids = createSessionIdIssuer();
    const came = requestWith({ sessionID: 's.asha.1.x' });
    ids.issue(came);
    expect(ids.presentedInVain(came)).toBe('s.asha.1.x');
    const stranger = requestWith();
    ids.issue(stranger);
    expect(ids.presentedInVain(stranger)).toBeUndefined();
  });

  it('does not take the id of a session that was replaced for one that came in vain', () => {
    const ids = createSessionIdIssuer();
    const req = requestWith({ sessionID: 's.asha.1.x', session: {} });
    ids.issue(req);
    expect(ids.presentedInVain(req)).toBeUndefined();
  });
});
