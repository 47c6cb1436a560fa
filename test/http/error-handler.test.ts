import { resolve } from 'node:path';
import express, { type RequestHandler } from 'express';
import supertest from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppError, invalid, unavailable } from '../../src/errors.ts';
import { createErrorHandler, refuseUnknownPath } from '../../src/http/error-handler.ts';
import { createRequestId } from '../../src/http/request-id.ts';
import { createRecordingLog } from './recording-log.ts';

const VIEWS = resolve(import.meta.dirname, '../../views');
const PAGE = { Accept: 'text/html' };
const JSON_ONLY = { Accept: 'application/json' };

describe('an error', () => {
  let log: ReturnType<typeof createRecordingLog>;
  beforeEach(() => {
    log = createRecordingLog();
  });

  function appWith(handler: RequestHandler): express.Express {
    const app = express();
    app.set('views', VIEWS);
    app.set('view engine', 'ejs');
    app.use(createRequestId());
    app.use(
      express.json({ limit: '1kb' }),
      express.urlencoded({ extended: false, limit: '1kb', parameterLimit: 10 }),
    );
    app.all('/{*path}', handler);
    app.use(refuseUnknownPath);
    app.use(createErrorHandler(log, () => undefined));
    return app;
  }

  const failing = (error: unknown) => appWith((_req, _res, next) => next(error));
  const ask = (error: unknown, headers: Record<string, string>) =>
    supertest(failing(error)).get('/x').set(headers);
  const logged = () => JSON.stringify(log.lines);

  it('that a program meets is JSON as the contract has it', async () => {
    const answer = await ask(new AppError('forbidden', 'That is not yours.'), JSON_ONLY);
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ status: 'error', error: 'forbidden', message: 'That is not yours.' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it('that a person meets is a page with the same sentence and the request’s id', async () => {
    const answer = await ask(new AppError('forbidden', 'That is not yours.'), PAGE);
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toMatch(/^text\/html/);
    expect(answer.text).toContain('That is not yours.');
    expect(answer.text).toContain(answer.headers['x-request-id']);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('is always JSON under /api/', async () => {
    const answer = await supertest(failing(new AppError('bad_api_key', 'No.')))
      .get('/api/v1/x')
      .set(PAGE);
    expect(answer.body).toEqual({ status: 'error', error: 'bad_api_key', message: 'No.' });
  });

  it('shows words as text and never as markup', async () => {
    const answer = await ask(new AppError('invalid', '<script>alert(1)</script>'), PAGE);
    expect(answer.text).not.toContain('<script>alert');
    expect(answer.text).toContain('&lt;script&gt;');
  });

  it.each([
    ['login_required', 401],
    ['session_expired', 401],
    ['bad_api_key', 401],
    ['broker_reauth_required', 409],
    ['forbidden', 403],
    ['csrf', 403],
    ['banned', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['invalid', 400],
    ['too_large', 413],
    ['rate_limited', 429],
    ['unavailable', 503],
    ['internal', 500],
  ] as const)('%s answers %d', async (code, status) => {
    for (const headers of [JSON_ONLY, PAGE]) {
      const answer = await ask(new AppError(code, 'Words.'), headers);
      expect(answer.status).toBe(status);
      expect(answer.text).toContain('Words.');
    }
  });

  it('names the fields that are wrong', async () => {
    expect((await ask(invalid({ username: 'Too short.', email: 'None.' }), JSON_ONLY)).body).toEqual({
      status: 'error',
      error: 'invalid',
      message: 'Too short.',
      fields: { username: 'Too short.', email: 'None.' },
    });
  });

  it('says when to try again, and which headers it came with', async () => {
    expect((await ask(unavailable('Redis', undefined, 7), PAGE)).headers['retry-after']).toBe('7');
    const limited = new AppError('rate_limited', 'Later.', { retryAfterSeconds: 60 });
    expect((await ask(limited, JSON_ONLY)).headers['retry-after']).toBe('60');
    const key = new AppError('bad_api_key', 'No.', { headers: { 'WWW-Authenticate': 'Bearer' } });
    expect((await ask(key, JSON_ONLY)).headers['www-authenticate']).toBe('Bearer');
  });

  it.each<[string, unknown]>([
    ['an Error', new Error('secret-path /etc/curfew at db.ts:12')],
    ['an Error with a status of its own', Object.assign(new Error('secret-path'), { status: 599 })],
    ['a text', 'secret-path'],
    ['an object', { message: 'secret-path', status: 200 }],
    ['a number', 42],
    [
      'an AppError look-alike',
      { name: 'AppError', status: 200, code: 'secret-path', message: 'secret-path' },
    ],
  ])('that nobody expected says nothing of the inside: %s', async (_what, error) => {
    for (const headers of [JSON_ONLY, PAGE]) {
      const answer = await ask(error, headers);
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('secret-path');
      expect(answer.text).not.toContain('.ts:');
    }
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  });

  it('of ours is logged once with its whole chain of causes; of theirs not at all', async () => {
    const root = new Error('connect ECONNREFUSED');
    const error = unavailable('The database', new Error('query failed', { cause: root }));
    const answer = await ask(error, JSON_ONLY);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({
      level: 'error',
      facts: { requestId: answer.headers['x-request-id'], method: 'GET', path: '/x', code: 'unavailable' },
    });
    expect(logged()).toContain('query failed');
    expect(logged()).toContain('connect ECONNREFUSED');
    expect(answer.text).not.toContain('ECONNREFUSED');
    await ask(new AppError('invalid', 'Wrong.'), JSON_ONLY);
    expect(log.lines).toHaveLength(1);
  });

  it('whose causes go round in a circle is logged all the same', async () => {
    const first = new Error('first');
    first.cause = new Error('second', { cause: first });
    await ask(unavailable('The database', first), JSON_ONLY);
    expect(log.lines).toHaveLength(1);
  });

  it('that is a rejected promise is met as well', async () => {
    const app = appWith(() => Promise.reject(new Error('broken')));
    expect((await supertest(app).get('/x').set(JSON_ONLY)).status).toBe(500);
  });

  it('after half an answer breaks the connection instead of ending it as if it were whole', async () => {
    const app = appWith((_req, res, next) => {
      res.write('half');
      next(new Error('broken'));
    });
    await expect(supertest(app).get('/x')).rejects.toThrow(/aborted|socket hang up/);
    expect(log.lines).toHaveLength(1);
  });

  it('after the whole answer changes nothing', async () => {
    const app = appWith((_req, res, next) => {
      res.send('whole');
      next(new Error('late'));
    });
    const answer = await supertest(app).get('/x');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('whole');
    expect(log.lines.map(({ level }) => level)).toEqual(['debug']);
  });

  describe('of a body', () => {
    const PASSWORD = 'hunter2-hunter2';
    const app = () => appWith((_req, res) => void res.send('read'));

    it.each<[string, string, string | Buffer, Record<string, string>, number, string]>([
      ['cut off', 'application/json', `{"password":"${PASSWORD}`, {}, 400, 'invalid'],
      ['no JSON', 'application/json', `${PASSWORD}`, {}, 400, 'invalid'],
      ['a JSON text', 'application/json', `"${PASSWORD}"`, {}, 400, 'invalid'],
      ['huge', 'application/json', JSON.stringify({ password: PASSWORD.repeat(200) }), {}, 413, 'too_large'],
      [
        'a huge form',
        'application/x-www-form-urlencoded',
        `password=${PASSWORD.repeat(200)}`,
        {},
        413,
        'too_large',
      ],
      [
        'a form of many fields',
        'application/x-www-form-urlencoded',
        Array.from({ length: 20 }, (_, each) => `f${each}=${each}`).join('&'),
        {},
        413,
        'too_large',
      ],
      [
        'in an unknown charset',
        'application/json; charset=utf-99',
        `{"password":"${PASSWORD}"}`,
        {},
        415,
        'unsupported_media_type',
      ],
      [
        'a form in a wrong charset',
        'application/x-www-form-urlencoded; charset=utf-16',
        `password=${PASSWORD}`,
        {},
        415,
        'unsupported_media_type',
      ],
      [
        'compressed in an unknown way',
        'application/json',
        `{"password":"${PASSWORD}"}`,
        { 'Content-Encoding': 'rot13' },
        400,
        'invalid',
      ],
      ['not what gzip makes', 'application/json', PASSWORD, { 'Content-Encoding': 'gzip' }, 400, 'invalid'],
    ])(
      'that is %s is the sender’s, and nothing of it is written down',
      async (_what, type, body, headers, status, code) => {
        const answer = await supertest(app())
          .post('/auth/login')
          .set({ ...JSON_ONLY, ...headers, 'Content-Type': type })
          .serialize((content: unknown) => content as string)
          .send(body);
        expect(answer.status).toBe(status);
        expect(answer.body).toMatchObject({ status: 'error', error: code });
        expect(answer.text).not.toContain('hunter2');
        expect(log.lines).toEqual([]);
      },
    );

    it('that is a way into every object is no way', async () => {
      const pollute = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
      await supertest(app())
        .post('/x')
        .set({ ...JSON_ONLY, 'Content-Type': 'application/json' })
        .send(pollute);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });
  });

  it('of an address that nobody has is a 404', async () => {
    const empty = express();
    empty.use(refuseUnknownPath);
    empty.use(createErrorHandler(log, () => undefined));
    expect((await supertest(empty).get('/x').set(JSON_ONLY)).body).toMatchObject({ error: 'not_found' });
  });

  it('that a room below knows gets that room’s words', async () => {
    class Ended extends Error {}
    const app = express();
    app.use((_req, _res, next) => next(new Ended()));
    app.use(
      createErrorHandler(log, (error) =>
        error instanceof Ended ? new AppError('session_expired', 'It ended.') : undefined,
      ),
    );
    expect((await supertest(app).get('/x').set(JSON_ONLY)).body).toMatchObject({
      error: 'session_expired',
      message: 'It ended.',
    });
  });
});
