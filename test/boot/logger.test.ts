import { expect, test } from 'vitest';
import { createLogger } from '../../src/boot/logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger('debug', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

test('an error is logged with its words, its code and its causes', () => {
  const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
  const line = JSON.parse(logged((log) => log.error({ err: new Error('no answer', { cause }) }, 'failed')));
  expect(line.err).toMatchObject({
    type: 'Error',
    message: 'no answer',
    cause: { message: 'connect refused', code: 'ECONNREFUSED' },
  });
  expect(line.err.stack).toContain('logger.test');
});

test('what a library hangs on an error is not logged', () => {
  // ioredis keeps the command, body-parser the body.
  const error = Object.assign(new Error('OOM'), {
    command: { name: 'set', args: ['curfew:sess:s.secret-id'] },
    body: 's3cret',
  });
  const text = logged((log) => log.error({ err: error }, 'failed'));
  expect(text).not.toContain('secret-id');
  expect(text).not.toContain('s3cret');
});

test('a secret in an object that was logged all the same is struck out', () => {
  const text = logged((log) =>
    log.info({ password: 's3cret', user: { token: 's3cret', request: { cookie: 's3cret' } } }, 'careless'),
  );
  expect(text).not.toContain('s3cret');
  expect(text).toContain('[redacted]');
});
