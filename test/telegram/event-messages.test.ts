import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import type { Receipt } from '../../src/core/revocation.ts';
import {
  ADMINISTRATORS,
  cutoffSoon,
  DEVICE_LINK,
  messageFor,
  sweepAppendix,
} from '../../src/telegram/event-messages.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const CONTEXT = {
  origin: { actor: 'asha', address: '203.0.113.9' },
  now: NOW,
  brokerName: (broker: string) => (broker === 'kite' ? 'Zerodha' : broker),
  publicOrigin: 'https://curfew.example',
};

const textOf = (event: AuditEvent, context = CONTEXT) => messageFor(event, context)?.body;

const RECEIPT: Receipt = {
  orderId: 'order-1',
  reason: 'logged_out_everywhere',
  scope: 'account',
  userId: 'asha',
  orderedAt: NOW,
  status: 'done',
  lines: [
    { step: 'broker_tokens', status: 'done', count: 1, detail: 'sandbox <access> & feed token', ms: 1 },
    { step: 'sessions', status: 'done', count: 2, ms: 1 },
    { step: 'caches', status: 'queued', count: 0, ms: 1 },
  ],
};

const NEW_DEVICE: AuditEvent = {
  type: 'login.succeeded',
  userId: 'asha',
  device: 'device-1',
  program: 'Firefox on Linux',
  known: false,
};

describe('The message of an event', () => {
  it('tells of a sign-in from a new device, and not from one that is known', () => {
    expect(messageFor(NEW_DEVICE, CONTEXT)).toEqual({
      to: 'asha',
      kind: 'new_device',
      device: 'device-1',
      body: [
        '<b>Sign-in from a new device</b>',
        'asha with Firefox on Linux, from 203.0.113.9',
        'Mon 23 Nov 2026, 10:00:00 IST',
        `If that was not you, end it and change your password: ${DEVICE_LINK}`,
      ].join('\n'),
    });
    expect(messageFor({ ...NEW_DEVICE, known: true }, CONTEXT)).toBeUndefined();
  });

  it('tells what an order has ended, step by step', () => {
    expect(textOf({ type: 'revocation.carried_out', receipt: RECEIPT })).toBe(
      [
        '<b>You signed out everywhere</b>',
        'Mon 23 Nov 2026, 10:00:00 IST',
        '✓ Broker tokens revoked in the database: 1 (sandbox &lt;access&gt; &amp; feed token)',
        '✓ Sessions ended in the store: 2',
        '… still to be done: Cached values cleared: 0',
      ].join('\n'),
    );
  });

  it('says nothing of an order that ended nothing', () => {
    const lines = RECEIPT.lines.map((line) => ({ ...line, count: 0 }));
    expect(textOf({ type: 'revocation.carried_out', receipt: { ...RECEIPT, lines } })).toBeUndefined();
  });

  it('tells each person of a sweep of their own sessions, and nobody how many there were', () => {
    const own = messageFor({ type: 'session.ended', userId: 'asha', reason: 'cutoff', sessions: 2 }, CONTEXT);
    expect(own).toMatchObject({ to: 'asha', kind: 'session_ended', awaitsSweep: true });
    expect(own?.body).toContain('Your 2 sessions have ended');
    const sweep: Receipt = { ...RECEIPT, scope: 'sweep', userId: undefined, reason: 'cutoff' };
    expect(textOf({ type: 'revocation.carried_out', receipt: sweep })).toBeUndefined();
    expect(sweepAppendix(sweep)).toBe(
      '\n✓ Broker tokens revoked in the database\n✓ Sessions ended in the store\n… still to be done: Cached values cleared',
    );
  });

  it('tells which broker rejected the connection, by its name', () => {
    expect(textOf({ type: 'broker.token_rejected', userId: 'asha', broker: 'kite' })).toContain(
      '<b>Zerodha rejected the connection</b>',
    );
    const refused = textOf({ type: 'broker.refresh_refused', userId: 'asha', broker: 'x', why: 'token=abc' });
    expect(refused).toContain('refused to renew');
    expect(refused).not.toContain('abc');
  });

  it('tells why a signal was refused', () => {
    expect(
      textOf({
        type: 'signal.refused',
        userId: 'asha',
        strategy: { id: 's1', name: 'Nifty <script>alert(1)</script> & more' },
        why: 'outside_window',
      }),
    ).toBe(
      '<b>Signal refused</b>: Nifty &lt;script&gt;alert(1)&lt;/script&gt; &amp; more\nRefused: it came outside the trading window.',
    );
  });

  it('tells administrators of an alert, which addresses ask most, how to ban them, and when it is over', () => {
    const alert = { what: 'slow:api', figure: 1250, threshold: 500, node: 'desk, process 7' };
    const busiest = [
      { address: '203.0.113.9', requests: 1200, bannable: true },
      { address: '2001:db8::/64', requests: 3, bannable: true },
    ];
    expect(messageFor({ type: 'alert.raised', ...alert, busiest }, CONTEXT)).toEqual({
      to: ADMINISTRATORS,
      kind: 'alert',
      body: [
        '<b>Alert: API and webhooks: slow answers</b>',
        'One answer in a hundred takes 1.25 s. Threshold: 500 ms.',
        'Most requests in the last five minutes:',
        '203.0.113.9: 1,200',
        '2001:db8::/64: 3',
        'Look at it: https://curfew.example/security/load',
        'Ban 203.0.113.9: https://curfew.example/security/bans/new?address=203.0.113.9',
      ].join('\n'),
    });
    const shortened = [{ address: '203.0.113.0/24', requests: 5, bannable: false }];
    expect(textOf({ type: 'alert.raised', ...alert, busiest: shortened })).toContain(
      'Ban an address: https://curfew.example/security/bans/new',
    );
    expect(textOf({ type: 'alert.raised', ...alert, what: 'revocation', busiest: [] })).not.toContain('Ban ');
    const over = {
      type: 'alert.ended',
      ...alert,
      what: 'failed:form',
      figure: 0.4,
      threshold: 0.05,
    } as const;
    expect(textOf({ ...over, raisedAt: NOW - 7 * 60_000 })).toBe(
      '<b>Over: Sign-in and setup: requests fail</b>\nIt lasted 7 min. At the worst: 40 % of the requests fail (5xx). Threshold: 5 %.',
    );
  });

  it('tells administrators of a ban, and nobody of a list of them', () => {
    const ban = {
      type: 'ban.added',
      subject: '203.0.113.9',
      reason: 'invalid_api_keys',
      note: 'a note',
      offence: 1,
      until: NOW + 86_400_000,
    } as const;
    expect(messageFor(ban, CONTEXT)).toEqual({
      to: ADMINISTRATORS,
      kind: 'ban',
      body: '<b>203.0.113.9 was banned</b>\nFor wrong API keys, until Tue 24 Nov 2026, 10:00:00 IST.',
    });
    expect(textOf({ ...ban, reason: 'manual', until: 'permanent' })).toContain('order, for good.');
    expect(textOf({ ...ban, reason: 'imported' })).toBeUndefined();
  });

  it('lets no name make it too long', () => {
    const program = '<'.repeat(5000);
    expect(textOf({ ...NEW_DEVICE, program })?.length).toBeLessThan(1200);
  });

  it('is none for what nobody asked to be told', () => {
    expect(textOf({ type: 'telegram.bot_saved', userId: 'asha', bot: 'b' })).toBeUndefined();
    expect(textOf({ type: 'broker.connected', userId: 'asha', broker: 'kite' })).toBeUndefined();
    expect(textOf({ type: 'login.failed', username: 'asha', why: 'credentials' })).toBeUndefined();
  });

  it('counts one minute as one', () => {
    expect(cutoffSoon(1, '03:00')).toContain('in 1 minute<');
    expect(cutoffSoon(15, '03:00')).toContain('in 15 minutes<');
  });
});
