import { execFile } from 'node:child_process';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  mergeEnvironment,
  readEnvFile,
  type TextFileWatch,
  unknownNames,
  watchTextFile,
  writeFirstEnvFile,
} from '../../src/boot/env-file.ts';
import { parseConfig } from '../../src/config.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../.env.example');
const SECRETS = ['SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER'] as const;
const run = promisify(execFile);

let directory: ScratchDirectory;
let file: string;
beforeEach(() => {
  directory = createScratchDirectory('env-file');
  file = join(directory.path, '.env');
});
afterEach(() => directory.remove());

describe('a .env', () => {
  const TEXT = 'PORT=5001\nSESSION_EXPIRY_TIME=15:45\n';
  const VALUES = { PORT: '5001', SESSION_EXPIRY_TIME: '15:45' };
  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte-order mark', Buffer.from(`\ufeff${TEXT}`)],
    ['UTF-16, as Windows PowerShell writes it', utf16(TEXT)],
    ['UTF-16, the other way round', utf16(TEXT).swap16()],
  ])('is read in %s', (_encoding, bytes) => {
    writeFileSync(file, bytes);
    expect(readEnvFile(file)).toEqual(VALUES);
  });

  it.each([
    ['UTF-16 without a mark', utf16(TEXT).subarray(2)],
    ['no text at all', Buffer.from([0x50, 0x4f, 0xc3, 0x28, 0xff])],
  ])('is refused in words in %s', (_encoding, bytes) => {
    writeFileSync(file, bytes);
    expect(() => readEnvFile(file)).toThrow('.env is not text in UTF-8');
  });

  it('tells the names in it that are no setting', () => {
    expect(unknownNames({ PORT: '1', SESION_SECRET: 'x', POSTGRES_PASSWORD: 'y', NODE_ENV: 'z' })).toEqual([
      'SESION_SECRET',
    ]);
  });
});

describe('the first .env', () => {
  it('is for its owner only', () => {
    expect(writeFirstEnvFile(file, EXAMPLE)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is for its owner only whatever the umask', () => {
    const umask = process.umask(0);
    writeFirstEnvFile(file, EXAMPLE);
    process.umask(umask);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is the example with secrets that the server accepts', () => {
    writeFirstEnvFile(file, EXAMPLE);
    const config = parseConfig(readEnvFile(file));
    expect(config.port).toBe(5000);
    const blanked = readFileSync(file, 'utf8').replace(
      /^(SESSION_SECRET|ENCRYPTION_KEY|PEPPER)=.+$/gm,
      '$1=',
    );
    expect(blanked).toBe(readFileSync(EXAMPLE, 'utf8'));
  });

  it('has other secrets each time, and each secret for one purpose', () => {
    const second = join(directory.path, 'second.env');
    writeFirstEnvFile(file, EXAMPLE);
    writeFirstEnvFile(second, EXAMPLE);
    const values = [file, second].flatMap((path) => SECRETS.map((name) => readEnvFile(path)[name]));
    expect(new Set(values).size).toBe(6);
    for (const value of values) expect(value?.length).toBeGreaterThanOrEqual(44);
  });

  it('never replaces one that is there, not even an empty one', () => {
    for (const text of ['PORT=1234\n', '']) {
      writeFileSync(file, text);
      expect(writeFirstEnvFile(file, EXAMPLE)).toBe(false);
      expect(readFileSync(file, 'utf8')).toBe(text);
    }
  });

  it('says so when the folder cannot be written', () => {
    expect(() => writeFirstEnvFile(join(directory.path, 'nowhere', '.env'), EXAMPLE)).toThrow('ENOENT');
  });

  it('is one and whole for all that start at the same moment', async () => {
    const rounds = 150;
    const startAt = Date.now() + 1500;
    const racers = await Promise.all(
      [1, 2].map(() =>
        run(process.execPath, [
          join(import.meta.dirname, 'env-file-racer.ts'),
          directory.path,
          EXAMPLE,
          String(startAt),
          String(rounds),
        ]),
      ),
    );
    const reports = racers.map(({ stdout }) => JSON.parse(stdout) as { wrote: number; unreadable: number });
    expect(reports.reduce((sum, { wrote }) => sum + wrote, 0)).toBe(rounds);
    expect(reports.reduce((sum, { unreadable }) => sum + unreadable, 0)).toBe(0);
  });
});

describe('the settings of a .env', () => {
  it('are read as people write them', () => {
    writeFileSync(
      file,
      [
        '# a comment',
        'PORT=1234',
        'SESSION_EXPIRY_TIME = "23:30" # late',
        "LOG_LEVEL='debug'",
        'export HOST=::1',
        '',
      ].join('\r\n'),
    );
    expect(readEnvFile(file)).toEqual({
      PORT: '1234',
      SESSION_EXPIRY_TIME: '23:30',
      LOG_LEVEL: 'debug',
      HOST: '::1',
    });
  });

  it('are none when there is no file', () => {
    expect(readEnvFile(file)).toEqual({});
  });

  it('give way to the environment, but not to an empty variable', () => {
    const merged = mergeEnvironment(
      { PORT: '1', HOST: '', LOG_LEVEL: undefined },
      { PORT: '2', HOST: 'h', LOG_LEVEL: 'l' },
    );
    expect(merged).toEqual({ PORT: '1', HOST: 'h', LOG_LEVEL: 'l' });
  });

  it('leave an empty variable that the file does not name as it is, so that it can be refused', () => {
    expect(mergeEnvironment({ SESSION_EXPIRY_TIME: '' }, { PORT: '2' })).toEqual({
      SESSION_EXPIRY_TIME: '',
      PORT: '2',
    });
  });
});

describe('the watch over .env', () => {
  let changes: number;
  let watch: TextFileWatch;

  beforeEach(async () => {
    writeFileSync(file, 'SESSION_EXPIRY_TIME=03:00\n');
    changes = 0;
    watch = watchTextFile(file, () => {
      changes += 1;
    });
    // The first look only notes how the file is.
    await rest();
  });
  afterEach(() => watch.stop());

  const rest = () => new Promise((resolve) => setTimeout(resolve, 1200));
  const noticed = (count: number) => vi.waitFor(() => expect(changes).toBe(count), { timeout: 5000 });

  it('notices that the file was written in place', async () => {
    writeFileSync(file, 'SESSION_EXPIRY_TIME=04:00\n');
    await noticed(1);
  });

  it('notices that another file was moved over it, as editors do, more than once', async () => {
    for (const round of [1, 2]) {
      writeFileSync(`${file}.new`, `SESSION_EXPIRY_TIME=0${3 + round}:00\n`);
      renameSync(`${file}.new`, file);
      await noticed(round);
    }
  });

  it('overlooks the moment at which it is empty or gone, and notices when it is back', async () => {
    writeFileSync(file, '');
    await rest();
    expect(changes).toBe(0);
    rmSync(file);
    await rest();
    expect(changes).toBe(0);
    writeFileSync(file, 'SESSION_EXPIRY_TIME=04:00\n');
    await noticed(1);
  });

  it('says nothing while nothing happens, nor after it was stopped', async () => {
    await rest();
    expect(changes).toBe(0);
    watch.stop();
    writeFileSync(file, 'SESSION_EXPIRY_TIME=05:00\n');
    await rest();
    expect(changes).toBe(0);
  });
});
