import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { KITE_HEADER, sampleMasterText } from '../symbols/sample-master.ts';
import { CLI_TEST_TIMEOUT_MS } from './project-copy.ts';
import { runCommand } from './run-command.ts';

const MINUTE_MS = 60_000;

const DATABASES = [
  ['SQLite', async (folder: string) => `sqlite:${join(folder, 'curfew.db')}`],
  ['Postgres', async () => createPostgresDatabase()],
] as const;

describe.each(DATABASES)(
  'symbols import, beside a running server, on %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createUrl) => {
    let scratch: ScratchDirectory;
    let DATABASE_URL: string;
    let server: TestServer;

    beforeEach(async () => {
      scratch = createScratchDirectory('cli-symbols');
      DATABASE_URL = await createUrl(scratch.path);
      server = await startTestServer({ env: { DATABASE_URL } });
    });
    afterEach(async () => {
      await server.close();
      scratch.remove();
    });

    function write(name: string, content: string | Buffer): string {
      const path = join(scratch.path, name);
      writeFileSync(path, content);
      return path;
    }

    async function curfew(...args: string[]) {
      const bars: string[] = [];
      const settings = { ...TEST_SECRETS, DATABASE_URL };
      return { ...(await runCommand(args, { settings, showProgress: (bar) => void bars.push(bar) })), bars };
    }

    it('imports a file, gzipped or not, and the server has it at once', async () => {
      const plain = await curfew('symbols', 'import', write('plain.csv', sampleMasterText(1_200)));
      expect(plain).toMatchObject({ status: 0, stdout: 'Imported 1200 instruments (zerodha).\n' });
      expect(await server.services.symbols.find('NFO', 'NIFTY24DEC25000CE')).toMatchObject([
        { strike: 25000 },
      ]);
      const zipped = write('zipped.csv.gz', gzipSync(sampleMasterText(1_300)));
      const { status, stdout } = await curfew('symbols', 'import', zipped, '--broker', 'zerodha', '--json');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        status: 'done',
        broker: 'zerodha',
        instruments: 1300,
        badLines: 0,
        badLineSamples: [],
      });
    });

    it('tells how far it is, in lines and as a bar', async () => {
      const { stderr, bars } = await curfew('symbols', 'import', write('a.csv', sampleMasterText(1_200)));
      expect(stderr).toMatch(/^Checking the file …\n(Storing 1200 instruments: \d+ % …\n)+$/);
      expect(stderr).toContain('100 %');
      expect(bars.at(0)).toMatch(/^\[#+\.+\] \d+ %$/);
      expect(bars.at(-1)).toBe(`[${'#'.repeat(30)}] 100 %`);
    });

    it('lists the lines that it left out', async () => {
      const file = write(
        'a.csv',
        `${KITE_HEADER}\n1,1,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE\nbad\u001b[31m,line\n`,
      );
      expect(await curfew('symbols', 'import', file)).toMatchObject({
        status: 0,
        stdout:
          'Imported 1 instrument (zerodha).\nLines left out: 1\n  line 3: it has 2 columns and not 12\n',
      });
    });

    it('fails in words, and leaves what was there', async () => {
      await curfew('symbols', 'import', write('a.csv', sampleMasterText(50)));
      const foreign = await curfew('symbols', 'import', write('b.csv', 'a,b\n1,2\n'), '--json');
      expect(foreign.status).toBe(1);
      expect(JSON.parse(foreign.stdout)).toMatchObject({ status: 'refused' });
      expect(foreign.stderr).toContain('curfew: The first line is not the column names');
      expect(await curfew('symbols', 'import', join(scratch.path, 'nowhere.csv'))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('There is no file'),
      });
      expect(await curfew('symbols', 'import', scratch.path)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('is not a file'),
      });
      expect((await curfew('symbols', 'import')).status).toBe(2);
      expect((await curfew('symbols', 'import', 'x.csv', '--broker', 'nobody')).status).toBe(2);
      expect(await server.services.symbols.find('NSE', 'INFY')).toHaveLength(1);
    });

    it('does not wait: while another import runs it names the user who began it', async () => {
      await server.services.symbols.importer.begin({
        fileName: 'a.csv',
        broker: undefined,
        origin: { actor: 'asha' },
      });
      const { status, stderr } = await curfew('symbols', 'import', write('a.csv', sampleMasterText(50)));
      expect(status).toBe(1);
      expect(stderr).toContain('Another import is running, which asha began at');
    });

    it('may be killed in the middle: the old master stays, and the next start cleans up', async () => {
      await curfew('symbols', 'import', write('old.csv', sampleMasterText(50)));
      const child = spawn(
        process.execPath,
        [inject('bundledServer').cli, 'symbols', 'import', write('new.csv', sampleMasterText(40_000))],
        {
          env: { ...TEST_SECRETS, DATABASE_URL, PATH: process.env['PATH'] },
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      let said = '';
      for await (const text of child.stderr.setEncoding('utf8')) {
        said += text;
        if (said.includes('25 %')) child.kill('SIGKILL');
      }
      if (child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      const rows = async () => {
        const found = await server.infrastructure.database.db.selectFrom('symbols').select('id').execute();
        return found.length;
      };
      expect(await rows()).toBeGreaterThan(5_000);
      expect((await server.services.symbols.search({ q: '', limit: 100, page: 1 })).items).toHaveLength(50);

      await server.close();
      const later = createSettableClock(systemClock.now() + MINUTE_MS);
      server = await startTestServer({ env: { DATABASE_URL }, clock: later, jobs: true });
      while ((await server.services.symbols.imports.listLatest(1))[0]?.status === 'running')
        await new Promise((resolve) => setTimeout(resolve, 20));
      later.advance(MINUTE_MS);
      await server.services.symbols.keeper.tidy();
      expect(await rows()).toBe(50);
      expect((await server.services.symbols.imports.listLatest(1))[0]).toMatchObject({
        status: 'failed',
        problem: expect.stringContaining('killed'),
      });
    });
  },
);
