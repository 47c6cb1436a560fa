import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { readSessionId } from '../../src/sessions/session-id.ts';
import { createSessionIdIssuer } from '../../src/sessions/session-id-issuer.ts';
import { createVisitorIds } from '../../src/sessions/visitor-ids.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const START = Date.parse('2026-11-23T10:00:00+05:30');
const visitorIds = createVisitorIds({
  secrets: ['b1946ac92492d2347c6235b4d2611184b1946ac9'],
  clock: createSettableClock(START),
});
const createIssuer = () => createSessionIdIssuer(visitorIds);

const requestWith = (facts: object = {}): Request => facts as Request;

describe('the issuer of session ids', () => {
  it('makes a visitor’s, unless somebody is signing in', () => {
    const ids = createIssuer();
    const req = requestWith();
    expect(readSessionId(ids.issue(req)).kind).toBe('visitor');
    ids.nextIsFor(req, 'asha', 42);
    expect(readSessionId(ids.issue(req))).toEqual({ kind: 'signed_in', userId: 'asha', loginTime: 42 });
  });

  it('makes a signed-in one once, for that request only', () => {
    const ids = createIssuer();
    const req = requestWith();
    ids.nextIsFor(req, 'asha', 42);
    expect(readSessionId(ids.issue(requestWith())).kind).toBe('visitor');
    ids.issue(req);
    expect(readSessionId(ids.issue(req)).kind).toBe('visitor');
  });

  it('goes on with the visitor’s id that a browser came with, which did not come in vain', () => {
    const ids = createIssuer();
    const presented = ids.issue(requestWith());
    const came = requestWith({ sessionID: presented });
    expect(visitorIds.formSecretOf(ids.issue(came))).toBe(visitorIds.formSecretOf(presented));
    expect(ids.unknownSessionId(came)).toBeUndefined();
  });

  it('does not go on with the id of a session that is replaced', () => {
    const ids = createIssuer();
    const presented = ids.issue(requestWith());
    const req = requestWith({ sessionID: presented, session: {} });
    expect(visitorIds.formSecretOf(ids.issue(req))).not.toBe(visitorIds.formSecretOf(presented));
  });

  it('remembers the id that a browser came with in vain', () => {
    const ids = createIssuer();
    const came = requestWith({ sessionID: 's.asha.1.x' });
    ids.issue(came);
    expect(ids.unknownSessionId(came)).toBe('s.asha.1.x');
    const stranger = requestWith();
    ids.issue(stranger);
    expect(ids.unknownSessionId(stranger)).toBeUndefined();
  });

  it('does not take the id of a session that was replaced for one that came in vain', () => {
    const ids = createIssuer();
    const req = requestWith({ sessionID: 's.asha.1.x', session: {} });
    ids.issue(req);
    expect(ids.unknownSessionId(req)).toBeUndefined();
  });
});
