import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { receiveFile } from '../../src/symbols/received-file.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';

const RECEIVER = `
  import { Readable } from 'node:stream';
  import { receiveFile } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/symbols/received-file.ts'))};
  async function* endless() {
    for (;;) { yield Buffer.alloc(65536); await new Promise((done) => setTimeout(done, 5)); }
  }
  await receiveFile(Readable.from(endless()), {
    mostBytes: 1e12,
    onBytes: async (bytes) => { if (bytes > 300000) console.log('receiving'); },
  });
`;

describe('a file that comes in', () => {
  test('leaves nothing behind in a process that is killed meanwhile', async () => {
    const folder = createScratchDirectory('received-file').path;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', RECEIVER], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(readdirSync(folder)).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused at the byte that is one too many, and read no further', async () => {
    let asked = 0;
    async function* chunks() {
      for (;;) {
        asked += 1;
        yield Buffer.alloc(10);
      }
    }
    const receiving = receiveFile(Readable.from(chunks(), { highWaterMark: 1 }), {
      mostBytes: 25,
      onBytes: async () => undefined,
    });
    await expect(receiving).rejects.toMatchObject({ code: 'too_large' });
    expect(asked).toBeLessThan(10);
  });
});
