import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEnvFile, type TextFileWatch, watchTextFile } from '../../src/boot/env-file.ts';
import { createLiveSettings } from '../../src/boot/live-settings.ts';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import { formatCutoffTime } from '../../src/core/cutoff.ts';
import { createLivePolicy } from '../../src/core/session-policy.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const settings = (cutoff: string) =>
  `# Curfew\nPORT=5000\n${'# a comment\n'.repeat(20)}SESSION_EXPIRY_TIME=${cutoff}\nSESSION_IDLE_TIMEOUT=8h\nLOG_LEVEL=info\n`;

/** Cut off before the lines that matter, as somebody reads it who comes while it is written. */
const half = (text: string) => text.slice(0, text.indexOf('SESSION_EXPIRY_TIME'));

describe('a running server whose .env is edited', () => {
  let directory: ScratchDirectory;
  let file: string;
  let watch: TextFileWatch;
  let reload: () => Promise<void>;
  let inForce: () => string;
  let events: AuditEvent[];
  let complaints: string[];

  beforeEach(async () => {
    directory = createScratchDirectory('env-editing');
    file = join(directory.path, '.env');
    writeFileSync(file, settings('15:45'));
    events = [];
    complaints = [];
    const policy = createLivePolicy({ cutoffTime: { hour: 15, minute: 45 }, idleTimeoutMs: 28_800_000 });
    inForce = () => formatCutoffTime(policy.current().cutoffTime);
    const complain = (_facts: object, message: string) => void complaints.push(message);
    reload = createLiveSettings({
      policy,
      environment: {},
      readFile: () => readEnvFile(file),
      audit: {
        record: (event) => Promise.resolve(void events.push(event)),
        recordMany: () => Promise.resolve(),
      },
      log: { debug: () => undefined, info: () => undefined, warn: complain, error: complain },
    });
    watch = watchTextFile(file, () => void reload());
    // The first look only notes how the file is.
    await sleep(1200);
  });
  afterEach(() => {
    watch.stop();
    directory.remove();
  });

  async function becomes(cutoff: string): Promise<void> {
    await vi.waitFor(() => expect(inForce()).toBe(cutoff), { timeout: 8000, interval: 50 });
    // One change, from the old value to the new one: none to a default and back in between.
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      before: expect.stringContaining('SESSION_EXPIRY_TIME=15:45'),
      after: expect.stringContaining(`SESSION_EXPIRY_TIME=${cutoff}`),
    });
    expect(complaints).toEqual([]);
  }

  it('takes it when it was emptied and then written in pieces, at whatever pace', async () => {
    const text = settings('16:10');
    truncateSync(file);
    await sleep(600);
    appendFileSync(file, half(text));
    await sleep(900);
    expect(inForce()).toBe('15:45');
    appendFileSync(file, text.slice(half(text).length));
    await becomes('16:10');
  });

  it('takes it when another file was moved over it', async () => {
    writeFileSync(`${file}.new`, settings('16:20'));
    renameSync(`${file}.new`, file);
    await becomes('16:20');
  });

  it('takes it when it was moved away for a backup and written anew, as vim does', async () => {
    renameSync(file, `${file}~`);
    await sleep(600);
    writeFileSync(file, '');
    await sleep(600);
    writeFileSync(file, settings('16:30'));
    rmSync(`${file}~`);
    await becomes('16:30');
  });

  it('takes it when it was copied for a backup and written in place, as vim does elsewhere', async () => {
    copyFileSync(file, `${file}~`);
    truncateSync(file);
    appendFileSync(file, half(settings('16:40')));
    await sleep(600);
    writeFileSync(file, settings('16:40'));
    rmSync(`${file}~`);
    await becomes('16:40');
  });

  it('does not take half of it at a SIGHUP either', async () => {
    writeFileSync(file, half(settings('16:50')));
    const reloaded = reload();
    await sleep(700);
    writeFileSync(file, settings('16:50'));
    await reloaded;
    await becomes('16:50');
  });

  it('goes back to the defaults when the lines were really taken out', async () => {
    writeFileSync(file, half(settings('16:50')));
    await becomes('03:00');
  });
});
