import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountsApp, createAccountsApp } from './accounts-app.ts';

const form = { username: 'Asha', email: 'asha@example.com', password: 'tractor pelican moss' };

describe('the setup page', () => {
  let house: AccountsApp;
  beforeEach(async () => {
    house = await createAccountsApp();
  });
  afterEach(() => house.close());

  const open = () => request(house.app).get('/setup').set('Accept', 'text/html');
  const submit = (fields: object) =>
    request(house.app).post('/setup').set('Accept', 'text/html').type('form').send(fields);

  it('makes the first admin, sends them to sign in, and is gone', async () => {
    expect((await open()).status).toBe(200);
    const done = await submit(form);
    expect(done.status).toBe(303);
    expect(done.headers['location']).toBe('/auth/login?reason=setup_done');
    expect(await house.users.list()).toMatchObject([{ username: 'Asha', role: 'admin' }]);
    expect(house.audit.recorded).toMatchObject([
      { event: { type: 'account.created', username: 'Asha', role: 'admin' }, origin: { actor: 'Asha' } },
    ]);
    expect((await open()).status).toBe(404);
    expect((await submit({ ...form, username: 'Ravi' })).status).toBe(404);
    expect(await house.users.list()).toHaveLength(1);
  });

  it('makes one admin of two requests that race', async () => {
    const [one, two] = await Promise.all([submit(form), submit({ ...form, username: 'Ravi' })]);
    expect([one.status, two.status].sort()).toEqual([303, 404]);
    expect(await house.users.list()).toHaveLength(1);
  });

  it('shows what is wrong and keeps what was typed, but never the password', async () => {
    const answer = await submit({ ...form, email: 'nowhere', password: 'shorty<' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('Enter an email address, such as asha@example.com.');
    expect(answer.text).toContain('Use at least 8 characters.');
    expect(answer.text).toContain('value="Asha"');
    expect(answer.text).toContain('value="nowhere"');
    expect(answer.text).not.toContain('shorty');
    expect(await house.users.anyUserExists()).toBe(false);
  });

  it('refuses a common password with words that help', async () => {
    const answer = await submit({ ...form, password: 'qwertyuiop' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('lists that guessers try first');
  });

  it('shows typed markup as text', async () => {
    const answer = await submit({ ...form, username: '"><script>alert(1)</script>' });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('<script>alert');
  });

  it('tells a program the fields that are wrong', async () => {
    const answer = await request(house.app)
      .post('/setup')
      .send({ username: ['Asha'], password: 7 });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      status: 'error',
      error: 'invalid',
      fields: {
        username: 'Enter a username.',
        email: 'Enter an email address.',
        password: 'Enter a password.',
      },
    });
  });

  it('takes GET, HEAD and POST only', async () => {
    const answer = await request(house.app).delete('/setup');
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD, POST');
  });
});
