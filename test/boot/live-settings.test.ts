import { beforeEach, describe, expect, it } from 'vitest';
import { EnvFileError } from '../../src/boot/env-file.ts';
import { createLiveSettings } from '../../src/boot/live-settings.ts';
import type { Environment } from '../../src/config.ts';
import type { AuditEvent, AuditLog } from '../../src/core/audit-event.ts';
import type { Log } from '../../src/core/log.ts';
import { createLivePolicy, type LivePolicy, type SessionPolicy } from '../../src/core/session-policy.ts';

interface Line {
  readonly level: keyof Log;
  readonly facts: object;
  readonly message: string;
}

const START: SessionPolicy = { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 1_800_000 };

describe('the settings of a running server', () => {
  let policy: LivePolicy;
  let changes: number;
  let file: Environment;
  let environment: Environment;
  let lines: Line[];
  let events: AuditEvent[];

  beforeEach(() => {
    policy = createLivePolicy(START);
    changes = 0;
    policy.onChange(() => {
      changes += 1;
    });
    file = { SESSION_EXPIRY_TIME: '03:00', SESSION_IDLE_TIMEOUT: '30m' };
    readFile = () => file;
    atStart = {};
    environment = {};
    lines = [];
    events = [];
  });

  let atStart: Environment = {};
  let readFile = (): Environment => file;
  const reload = (): Promise<void> => create()();

  function create(): () => Promise<void> {
    const note =
      (level: keyof Log) =>
      (facts: object, message: string): void =>
        void lines.push({ level, facts, message });
    const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const record = (event: AuditEvent) => Promise.resolve(void events.push(event));
    const audit: AuditLog = { record, recordMany: () => Promise.resolve() };
    return createLiveSettings({ policy, environment, readFile: () => readFile(), atStart, audit, log });
  }

  it.each<[string, () => Environment, string]>([
    [
      'no text',
      () => {
        throw new EnvFileError('.env is not text in UTF-8: save it again as UTF-8');
      },
      'not text in UTF-8',
    ],
    ['without one known name', () => ({ SESSION_EXPIRY: '15:45' }), 'no setting in it'],
    ['half of what it was', () => ({ SESSION_EXPIRY_TIME: '15:45', PORT: '1' }), 'has lost PEPPER'],
  ])('stay as they are when the file is %s, and that is said and recorded', async (_what, broken, words) => {
    file = { ...file, PORT: '1', PEPPER: 'a pepper' };
    atStart = file;
    const follow = create();
    readFile = broken;
    await follow();
    expect({ policy: policy.current(), changes }).toEqual({ policy: START, changes: 0 });
    expect(lines).toMatchObject([{ level: 'error', message: expect.stringContaining(words) }]);
    expect(events).toMatchObject([{ type: 'policy.refused', problems: [expect.stringContaining(words)] }]);
    // The mended file counts again.
    readFile = () => ({ ...file, SESSION_EXPIRY_TIME: '15:45' });
    await follow();
    expect(policy.current().cutoffTime).toEqual({ hour: 15, minute: 45 });
  });

  it('follow the file', async () => {
    file = { SESSION_EXPIRY_TIME: '15:45', SESSION_IDLE_TIMEOUT: 'off' };
    await reload();
    expect(policy.current()).toEqual({ cutoffTime: { hour: 15, minute: 45 }, idleTimeoutMs: 'off' });
    expect(changes).toBe(1);
  });

  it('leave what was and what is in the audit log and in the log', async () => {
    file = { SESSION_EXPIRY_TIME: 'off', SESSION_IDLE_TIMEOUT: '8h' };
    await reload();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      type: 'policy.changed',
      before: expect.stringContaining('SESSION_EXPIRY_TIME=03:00'),
      after: expect.stringContaining('SESSION_EXPIRY_TIME=off'),
    });
    expect(lines).toMatchObject([{ level: 'info', facts: { before: expect.any(String) } }]);
  });

  it('are left alone when the file says the same', async () => {
    await reload();
    expect({ changes, events, lines }).toEqual({ changes: 0, events: [], lines: [] });
  });

  it.each([
    ['30m', '1801s'],
    ['90s', '100s'],
    ['60s', '90s'],
    ['8h', '28801s'],
  ])('take a new idle limit that differs by seconds: from %s to %s', async (before, after) => {
    file = { ...file, SESSION_IDLE_TIMEOUT: before };
    await reload();
    const { idleTimeoutMs } = policy.current();
    file = { ...file, SESSION_IDLE_TIMEOUT: after };
    await reload();
    expect(policy.current().idleTimeoutMs).not.toBe(idleTimeoutMs);
    expect(events.at(-1)).toMatchObject({ type: 'policy.changed' });
  });

  it.each([
    ['SESSION_EXPIRY_TIME', '25:00'],
    ['SESSION_EXPIRY_TIME', '3 am'],
    ['SESSION_IDLE_TIMEOUT', 'soon'],
    ['SESSION_IDLE_TIMEOUT', '0s'],
  ])('stay as they are when %s is %j, with a line in the log that names it', async (name, value) => {
    file = { SESSION_EXPIRY_TIME: '04:00', SESSION_IDLE_TIMEOUT: '1h', [name]: value };
    await reload();
    expect(policy.current()).toEqual(START);
    expect(changes).toBe(0);
    expect(events).toEqual([{ type: 'policy.refused', problems: [expect.stringContaining(name)] }]);
    expect(lines).toMatchObject([
      { level: 'error', facts: { name }, message: expect.stringContaining('the old value stays in force') },
    ]);
    expect(lines[0]?.message).toContain(value);
    expect(lines[0]?.message).toContain(`Example: ${name}=`);
  });

  it('name both when both are wrong', async () => {
    file = { SESSION_EXPIRY_TIME: 'x', SESSION_IDLE_TIMEOUT: 'y' };
    await reload();
    expect(lines.map(({ facts }) => facts)).toEqual([
      { name: 'SESSION_EXPIRY_TIME' },
      { name: 'SESSION_IDLE_TIMEOUT' },
    ]);
  });

  it('are recorded as refused once for each mistake, however often the file is saved', async () => {
    const reloadAgain = create();
    for (const value of ['25:00', '25:00', '26:00', '05:00', '25:00']) {
      file = { ...file, SESSION_EXPIRY_TIME: value };
      await reloadAgain();
    }
    const types = ['policy.refused', 'policy.refused', 'policy.changed', 'policy.refused'];
    expect(events).toMatchObject(types.map((type) => ({ type })));
  });

  it('can be mended after a mistake', async () => {
    file = { ...file, SESSION_EXPIRY_TIME: '25:00' };
    await reload();
    file = { ...file, SESSION_EXPIRY_TIME: '05:00' };
    await reload();
    expect(policy.current().cutoffTime).toEqual({ hour: 5, minute: 0 });
  });

  it('give way to the environment, and say that the file is not used', async () => {
    environment = { SESSION_EXPIRY_TIME: '03:00' };
    file = { SESSION_EXPIRY_TIME: '15:45', SESSION_IDLE_TIMEOUT: '1h' };
    await reload();
    expect(policy.current()).toEqual({ ...START, idleTimeoutMs: 3_600_000 });
    expect(lines[0]).toMatchObject({ level: 'warn', facts: { name: 'SESSION_EXPIRY_TIME' } });
    expect(lines[0]?.message).toContain('the environment sets it');
  });

  it('say nothing of the environment where it agrees with the file or is empty', async () => {
    environment = { SESSION_EXPIRY_TIME: '03:00', SESSION_IDLE_TIMEOUT: '' };
    await reload();
    expect(lines).toEqual([]);
  });

  it('do not go back to the defaults for a moment in which they are not in the file', async () => {
    file = { SESSION_EXPIRY_TIME: '15:45', SESSION_IDLE_TIMEOUT: '1h' };
    await reload();
    for (const half of [{ PORT: '5000' }, { SESSION_EXPIRY_TIME: '15:45' }, { SESSION_IDLE_TIMEOUT: '1h' }]) {
      const whole = file;
      file = half;
      setTimeout(() => {
        file = whole;
      }, 800);
      await reload();
    }
    expect(policy.current()).toEqual({ cutoffTime: { hour: 15, minute: 45 }, idleTimeoutMs: 3_600_000 });
    expect({ changes, events: events.length, lines: lines.length }).toEqual({
      changes: 1,
      events: 1,
      lines: 1,
    });
  });

  it('are taken at once where they say something', async () => {
    file = { SESSION_EXPIRY_TIME: '15:45', SESSION_IDLE_TIMEOUT: '1h' };
    const startedAt = performance.now();
    await reload();
    expect(performance.now() - startedAt).toBeLessThan(500);
    // What the file does not say, and did not say before, is nothing to wait for.
    file = { SESSION_EXPIRY_TIME: '03:00', SESSION_IDLE_TIMEOUT: '30m' };
    await reload();
    file = { PORT: '5000' };
    await reload();
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('go back to the defaults when they are taken out of the file', async () => {
    file = { SESSION_EXPIRY_TIME: '15:45', SESSION_IDLE_TIMEOUT: '1h' };
    await reload();
    file = { PORT: '5000' };
    await reload();
    expect(policy.current()).toEqual(START);
  });
});
