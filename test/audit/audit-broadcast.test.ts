import { beforeEach, describe, expect, it } from 'vitest';
import { type AuditBroadcast, createAuditBroadcast } from '../../src/audit/audit-broadcast.ts';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import { createRecordingAudit } from '../broker/recording-audit.ts';
import { createRecordingLog } from '../broker/recording-log.ts';

const ORIGIN = { actor: 'asha' };
const EVENT: AuditEvent = { type: 'account.disabled', userId: 'asha' };

describe('The audit log', () => {
  let audit: ReturnType<typeof createRecordingAudit>;
  let log: ReturnType<typeof createRecordingLog>;
  let broadcast: AuditBroadcast;

  beforeEach(() => {
    audit = createRecordingAudit();
    log = createRecordingLog();
    broadcast = createAuditBroadcast(audit, log);
  });

  it('tells whoever listens what it has recorded, and waits for them', async () => {
    const heard: unknown[] = [];
    broadcast.listen(async (events, origin) => {
      expect(audit.events).toEqual(events);
      await new Promise((resolve) => setTimeout(resolve, 5));
      heard.push(...events, origin);
    });
    await broadcast.record(EVENT, ORIGIN);
    expect(heard).toEqual([EVENT, ORIGIN]);
  });

  it('tells of many at once as of many at once', async () => {
    const heard: number[] = [];
    broadcast.listen(async (events) => void heard.push(events.length));
    await broadcast.recordMany([EVENT, EVENT], ORIGIN);
    expect(heard).toEqual([2]);
  });

  it('is held up by no listener that fails, and writes down that one did', async () => {
    const heard: unknown[] = [];
    broadcast.listen(() => Promise.reject(new Error('the queue is full')));
    broadcast.listen(async (events) => void heard.push(...events));
    await broadcast.record(EVENT, ORIGIN);
    expect(audit.events).toEqual([EVENT]);
    expect(heard).toEqual([EVENT]);
    expect(log.lines.join()).toContain('could not be passed on');
  });
});
