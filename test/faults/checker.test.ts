import { describe, expect, test } from 'vitest';
import { findViolations } from './support/checker.ts';
import type {
  FaultDone,
  HistoryEvent,
  PageRequest,
  Revocation,
  SocketClosed,
  SocketMessage,
  SocketOpened,
  TokenReading,
} from './support/history.ts';
import { areSocketsJudged } from './support/socket-checker.ts';

const signIn: HistoryEvent = { kind: 'sign_in', session: 's1', user: 'asha', startedAt: 0, endedAt: 10 };

function page(startedAt: number, outcome: PageRequest['outcome'], node = 'A'): PageRequest {
  return { kind: 'page', session: 's1', node, startedAt, endedAt: startedAt + 5, outcome };
}

function token(startedAt: number, node = 'A'): TokenReading {
  return { kind: 'token', token: 't1', user: 'asha', node, startedAt, endedAt: startedAt + 5 };
}

function logout(report: Revocation['report'], startedAt = 100, endedAt = 110): Revocation {
  const scope = { kind: 'session', session: 's1' } as const;
  return {
    kind: 'revocation',
    id: 'r1',
    what: 'logout',
    scope,
    startedAt,
    endedAt,
    report,
    closesWith: 'logged_out',
  };
}

const rulesOf = (...events: HistoryEvent[]): readonly string[] =>
  findViolations(events).map((violation) => violation.rule);

describe('a history in which', () => {
  test('a session is used before its logout and refused after it is in order', () => {
    expect(rulesOf(signIn, page(20, 'in'), logout('done'), page(120, 'out'))).toEqual([]);
  });

  test('a page is served by another node after the logout was reported is a violation', () => {
    expect(rulesOf(signIn, logout('done'), page(111, 'in', 'B'))).toEqual(['reported_done']);
  });

  test('a page that was asked for before the report is served after it is in order', () => {
    expect(rulesOf(signIn, logout('done'), { ...page(105, 'in'), endedAt: 130 })).toEqual([]);
  });

  test('an unavailable page after a reported logout is in order', () => {
    expect(rulesOf(signIn, logout('done'), page(120, 'unavailable'), page(130, 'none'))).toEqual([]);
  });

  test('a stored logout has not happened yet is in order', () => {
    expect(rulesOf(signIn, logout('stored'), page(120, 'in'))).toEqual([]);
  });

  test('a stored logout has still not happened when all is mended is a violation', () => {
    const settled: HistoryEvent = { kind: 'settled', at: 500 };
    expect(rulesOf(signIn, logout('stored'), settled, page(510, 'in'))).toEqual(['stored_happens']);
    expect(rulesOf(signIn, logout('stored'), settled, page(510, 'out'))).toEqual([]);
  });

  test('a logout that was refused ends nothing is in order', () => {
    const settled: HistoryEvent = { kind: 'settled', at: 500 };
    expect(rulesOf(signIn, logout('unknown'), settled, page(510, 'in'))).toEqual([]);
  });

  test('a session comes back after it was said to be over is a violation, whoever ended it', () => {
    expect(rulesOf(signIn, logout('unknown'), page(120, 'out'), page(130, 'in', 'B'))).toEqual([
      'no_resurrection',
    ]);
  });

  test('a session is over that nobody ended is a violation, unless Redis may have lost it', () => {
    const events = [signIn, page(50, 'out')];
    expect(rulesOf(...events)).toEqual(['nothing_else_ends']);
    expect(rulesOf({ kind: 'data_lost', at: 40 }, ...events)).toEqual([]);
    expect(rulesOf({ kind: 'data_lost', at: 60 }, ...events)).toEqual(['nothing_else_ends']);
  });

  test('a whole account is ended covers sessions from before and none from after', () => {
    const everywhere: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha' } };
    expect(rulesOf(signIn, everywhere, page(120, 'in'))).toEqual(['reported_done']);
    const later: HistoryEvent = { ...signIn, startedAt: 111, endedAt: 115 };
    expect(rulesOf(later, everywhere, page(120, 'in'))).toEqual([]);
    expect(rulesOf(later, everywhere, page(120, 'out'))).toEqual(['nothing_else_ends']);
  });

  test('a sign-in overlaps the end of the account may stand on either side of it', () => {
    const everywhere: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha' } };
    const overlapping: HistoryEvent = { ...signIn, startedAt: 95, endedAt: 105 };
    expect(rulesOf(overlapping, everywhere, page(120, 'in'))).toEqual([]);
    expect(rulesOf(overlapping, everywhere, page(120, 'out'))).toEqual([]);
  });

  test('the last device logs out may take along one that signs in at the same time', () => {
    const last: Revocation = {
      ...logout('done'),
      scope: { kind: 'session', session: 's2' },
      mayEndAllOf: 'asha',
    };
    expect(rulesOf(signIn, last, page(120, 'out'))).toEqual([]);
    const settled: HistoryEvent = { kind: 'settled', at: 200 };
    const later: HistoryEvent = { ...signIn, startedAt: 210, endedAt: 215 };
    expect(rulesOf(last, settled, later, page(220, 'out'))).toEqual(['nothing_else_ends']);
  });

  test('other devices are ended leaves the one that asked, and other people', () => {
    const others: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha', except: 's1' } };
    expect(rulesOf(signIn, others, page(120, 'in'))).toEqual([]);
    const neighbours: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'ravi' } };
    expect(rulesOf(signIn, neighbours, page(120, 'in'))).toEqual([]);
  });

  test('everything of somebody is stored to be ended spares who signs in afterwards, however late it is done', () => {
    const stored: Revocation = { ...logout('stored'), scope: { kind: 'user', user: 'asha' } };
    const later: HistoryEvent = { ...signIn, startedAt: 111, endedAt: 115 };
    expect(rulesOf(stored, later, page(120, 'out'))).toEqual(['nothing_else_ends']);
    expect(rulesOf({ ...stored, report: 'unknown' }, later, page(120, 'out'))).toEqual([]);
  });

  test('a broker token is given out after its owner’s account was ended is a violation', () => {
    const everywhere: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha' } };
    expect(rulesOf(token(50), everywhere, token(120, 'B'))).toEqual(['reported_done']);
    expect(rulesOf(token(50), { ...everywhere, scope: { kind: 'all' } }, token(120))).toEqual([
      'reported_done',
    ]);
    const settled: HistoryEvent = { kind: 'settled', at: 500 };
    expect(rulesOf(token(50), { ...everywhere, report: 'stored' }, token(120), settled, token(510))).toEqual([
      'stored_happens',
    ]);
  });

  test('a broker token is given out that is newer, somebody else’s, or shared with other devices is in order', () => {
    const everywhere: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha' } };
    expect(rulesOf(everywhere, token(120))).toEqual([]);
    expect(rulesOf(token(50), { ...everywhere, scope: { kind: 'user', user: 'ravi' } }, token(120))).toEqual(
      [],
    );
    expect(rulesOf(token(50), logout('done'), token(120))).toEqual([]);
    const others: Revocation = { ...everywhere, scope: { kind: 'user', user: 'asha', except: 's1' } };
    expect(rulesOf(token(50), others, token(120))).toEqual([]);
    expect(rulesOf(token(50), everywhere, { ...token(105), endedAt: 130 })).toEqual([]);
  });

  test('everybody is swept covers everybody', () => {
    expect(rulesOf(signIn, { ...logout('done'), scope: { kind: 'all' } }, page(120, 'in'))).toEqual([
      'reported_done',
    ]);
  });
});

const opened: SocketOpened = { kind: 'socket_opened', socket: '1', session: 's1', node: 'A', at: 50 };
const until = (at: number): HistoryEvent => ({ kind: 'settled', at });

function closed(at: number, reason: string, code = 4401): readonly [SocketMessage, SocketClosed] {
  return [
    { kind: 'socket_message', socket: '1', at: at - 1, type: 'bye', code, reason },
    { kind: 'socket_closed', socket: '1', at, code, reason },
  ];
}

function fault(what: FaultDone['what'], startedAt: number, endedAt: number, node?: string): FaultDone {
  return { kind: 'fault', what, node, startedAt, endedAt };
}

describe('a history in which a socket', () => {
  test('closes soon after the logout of its session, and says why, is in order', () => {
    expect(rulesOf(signIn, opened, logout('done'), ...closed(1000, 'logged_out'))).toEqual([]);
    expect(rulesOf(signIn, opened, logout('done'), ...closed(1000, 'revoked'))).toEqual([]);
  });

  test('stays open after the report, or closes too late, is a violation', () => {
    const within = [signIn, opened, logout('done')];
    expect(rulesOf(...within, until(3110))).toEqual([]);
    expect(areSocketsJudged(within, 3110)).toBe(false);
    expect(rulesOf(...within, until(3111))).toEqual(['socket_outlives']);
    expect(areSocketsJudged(within, 3111)).toBe(true);
    expect(rulesOf(...within, ...closed(3111, 'logged_out'))).toEqual(['socket_outlives']);
  });

  test('of another session, or of one that began after the end of the account, stays open is in order', () => {
    const ofPhone: Revocation = { ...logout('done'), scope: { kind: 'session', session: 's2' } };
    expect(rulesOf(signIn, opened, ofPhone, until(9999))).toEqual([]);
    const everywhere: Revocation = { ...logout('done'), scope: { kind: 'user', user: 'asha' } };
    const later: HistoryEvent = { ...signIn, startedAt: 111, endedAt: 115 };
    expect(rulesOf(everywhere, later, { ...opened, at: 120 }, until(9999))).toEqual([]);
  });

  test('is let in although its handshake came after the report is a violation', () => {
    const handshake: PageRequest = { ...page(120, 'in'), as: 'socket' };
    expect(
      rulesOf(signIn, logout('done'), handshake, { ...opened, at: 124 }, ...closed(130, 'revoked')),
    ).toEqual(['reported_done']);
    const subscription: PageRequest = { ...page(120, 'in'), as: 'subscription' };
    expect(rulesOf(signIn, opened, logout('done'), subscription, ...closed(130, 'logged_out'))).toEqual([
      'reported_done',
    ]);
  });

  test('outlives a stored logout until all is mended is in order, and no longer', () => {
    const events = [signIn, opened, logout('stored'), until(5000)];
    expect(rulesOf(...events, ...closed(7000, 'logged_out'))).toEqual([]);
    expect(rulesOf(...events, until(8001))).toEqual(['socket_outlives']);
  });

  test('stays while its node cannot read the database is in order; another node’s fault, or Redis’s, is no excuse', () => {
    const events = [signIn, opened, logout('done'), ...closed(9000, 'logged_out')];
    expect(rulesOf(...events)).toEqual(['socket_outlives']);
    expect(rulesOf(...events, fault('postgres_cut', 3000, 4600, 'A'))).toEqual([]);
    expect(rulesOf(...events, fault('node_paused', 90, 4600, 'A'))).toEqual([]);
    expect(rulesOf(...events, fault('postgres_stopped', 3000, 4600))).toEqual([]);
    expect(rulesOf(...events, fault('postgres_cut', 3000, 4600, 'B'))).toEqual(['socket_outlives']);
    expect(rulesOf(...events, fault('redis_killed', 90, 8900))).toEqual(['socket_outlives']);
    expect(rulesOf(...events, fault('postgres_cut', 3000, 4400, 'A'))).toEqual(['socket_outlives']);
    expect(rulesOf(...events, fault('postgres_cut', 3200, 4600, 'A'))).toEqual(['socket_outlives']);
  });

  test('outlives its session by a day is in order where the clocks were set forward by that day', () => {
    const day = 86_400_000;
    const jump: HistoryEvent = { kind: 'clock_set', from: 200, to: 200 + day };
    const cutoff: Revocation = {
      ...logout('done', 200, 201 + day),
      scope: { kind: 'all' },
      closesWith: 'cutoff',
    };
    expect(rulesOf(signIn, opened, logout('done'), jump, cutoff, ...closed(900 + day, 'cutoff'))).toEqual([]);
    expect(rulesOf(signIn, opened, logout('done'), jump, cutoff, until(3500 + day))).toContain(
      'socket_outlives',
    );
  });

  test('closes as if its session had ended, which nobody ended, is a violation, unless Redis may have lost it', () => {
    const events = [signIn, opened, ...closed(80, 'revoked')];
    expect(rulesOf(...events)).toEqual(['nothing_else_ends']);
    expect(rulesOf({ kind: 'data_lost', at: 60 }, ...events)).toEqual([]);
  });

  test('closes for another reason than its session ended is a violation', () => {
    expect(rulesOf(signIn, opened, logout('done'), ...closed(200, 'cutoff'))).toEqual(['close_code']);
    expect(rulesOf(signIn, opened, logout('done'), ...closed(200, 'idle'))).toEqual(['close_code']);
    expect(rulesOf(signIn, opened, ...closed(80, 'restarting', 4503))).toEqual(['close_code']);
  });

  test('closes without having said why is a violation', () => {
    const [, close] = closed(200, 'logged_out');
    expect(rulesOf(signIn, opened, logout('done'), close)).toEqual(['close_code']);
    const [bye] = closed(200, 'revoked');
    expect(rulesOf(signIn, opened, logout('done'), bye, close)).toEqual(['close_code']);
  });

  test('is dropped without a word is in order where its node was killed', () => {
    const dropped: SocketClosed = { kind: 'socket_closed', socket: '1', at: 80, code: 1006, reason: '' };
    expect(rulesOf(signIn, opened, dropped)).toEqual(['close_code']);
    expect(rulesOf(signIn, opened, dropped, fault('node_killed', 70, 500, 'A'))).toEqual([]);
    expect(rulesOf(signIn, opened, dropped, fault('node_killed', 70, 500, 'B'))).toEqual(['close_code']);
    expect(rulesOf(signIn, opened, dropped, fault('node_paused', 70, 500, 'A'))).toEqual(['close_code']);
  });
});
