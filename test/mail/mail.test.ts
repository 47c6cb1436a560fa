import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import type { MailDraft } from '../../src/core/mail.ts';
import { parseSmtpLocation, problemOfSmtpUrl } from '../../src/core/smtp-location.ts';
import { createMailFeature } from '../../src/mail/mail-feature.ts';
import type { Database } from '../../src/storage/database.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createRecordingLog } from '../http/recording-log.ts';
import { DATABASES } from '../support/databases.ts';
import { MAIL_PASSWORD, type MailServer, startMailServer } from '../support/mail-server.ts';
import { createSecretHunt } from '../support/secret-hunt.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { TEST_SECRETS } from '../support/test-server.ts';

const START = Date.UTC(2026, 10, 20, 4, 0);
const SECRET = 'https://curfew.example.com/auth/reset/Zk3vQx81LmNpRsTuVwXy';

describe.each(DATABASES)('mail, on %s,', (_name, open) => {
  let database: Database;
  let server: MailServer;
  const clock = createSettableClock(START);
  const log = createRecordingLog();
  const keyRing = createKeyRing({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock });

  beforeEach(async () => {
    database = await open();
    server = await startMailServer();
    clock.set(START);
  });
  afterEach(async () => {
    await server.close();
    await database.close();
  });

  function createNode(url = server.url) {
    const location = parseSmtpLocation(url);
    if (location === undefined) throw new Error(url);
    const smtp = { location, from: 'Curfew <curfew@example.com>' };
    return createMailFeature({
      database,
      keyRing,
      clock,
      log,
      smtp,
      publicOrigin: 'https://curfew.example.com',
    });
  }

  const draft = (facts: Partial<MailDraft> = {}): MailDraft => ({
    to: 'asha@example.org',
    kind: 'password_reset',
    subject: 'Reset your password',
    text: `Open this link:\n\n${SECRET}\n\nनमस्ते.`,
    expiresAt: clock.now() + 10 * MINUTE_MS,
    ...facts,
  });

  const rows = () => database.db.selectFrom('mail_messages').selectAll().execute();

  it('is handed over once by any of several nodes, and what it said is gone afterwards', async () => {
    const nodes = [createNode(), createNode()];
    await nodes[0]?.send(draft());
    await Promise.all(nodes.map((node) => node.queue?.drain()));
    expect(server.received).toHaveLength(1);
    const mail = await server.take('asha@example.org');
    expect(mail).toMatchObject({ from: 'curfew@example.com', subject: 'Reset your password' });
    expect(mail.text).toContain(SECRET);
    expect(mail.text).toContain('नमस्ते');
    expect(mail.headers).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(mail.headers).toMatch(/^Message-ID: <[\w-]+@curfew\.example\.com>$/im);
    expect(await rows()).toMatchObject([{ status: 'sent', sealed: null }]);
  });

  it('waits through a restart and an outage of the mail server, encrypted', async () => {
    server.answerWith(451);
    await createNode().send(draft());
    await createNode().queue?.drain();
    const hunt = createSecretHunt();
    hunt.add('the link', SECRET.slice(-20));
    hunt.add('the password of the mail server', MAIL_PASSWORD.slice(5));
    expect(await hunt.inDatabase(database)).toEqual([]);
    expect(hunt.inText(JSON.stringify(log.lines), 'log')).toEqual([]);
    expect(await rows()).toMatchObject([{ status: 'open', failures: 1, problem: 'EENVELOPE 451' }]);

    server.answerWith(undefined);
    clock.set(START + MINUTE_MS);
    expect(await createNode().queue?.drain()).toEqual({ sent: 1 });
    expect((await server.take('asha@example.org')).text).toContain(SECRET);
  });

  it('is tried again where the server is away or refuses the password', async () => {
    await createNode('smtp://127.0.0.1:9').send(draft());
    expect(await createNode('smtp://127.0.0.1:9').queue?.drain()).toEqual({ sent: 0 });
    clock.set(START + MINUTE_MS);
    const wrong = server.url.replace(/:[^:@]+@/, ':wrong@');
    expect(await createNode(wrong).queue?.drain()).toEqual({ sent: 0 });
    expect(await rows()).toMatchObject([{ status: 'open', failures: 2, problem: 'EAUTH 535' }]);
  });

  it('is given up where the address is refused, or it comes too late', async () => {
    server.answerWith(550);
    const node = createNode();
    await node.send(draft());
    await node.queue?.drain();
    expect(await rows()).toMatchObject([{ status: 'failed', problem: 'EENVELOPE 550', sealed: null }]);
    expect(await node.countMessages()).toEqual({ open: 0, failed: 1 });

    server.answerWith(undefined);
    await node.send(draft());
    clock.set(START + 10 * MINUTE_MS);
    await node.queue?.drain();
    expect(server.received).toEqual([]);
    clock.set(START + 8 * DAY_MS);
    await node.queue?.drain();
    expect(await rows()).toEqual([]);
  });

  it('is worked on by another node when one dies with it', async () => {
    await createNode().send(draft());
    const claim = await database.db
      .updateTable('mail_messages')
      .set({ next_attempt_at: START + MINUTE_MS })
      .execute();
    expect(claim).toHaveLength(1);
    expect(await createNode().queue?.drain()).toEqual({ sent: 0 });
    clock.set(START + MINUTE_MS);
    expect(await createNode().queue?.drain()).toEqual({ sent: 1 });
  });
});

describe('SMTP_URL', () => {
  it('names the server, and a password that never crosses a network in the clear', () => {
    expect(parseSmtpLocation('smtp://u%40x:p%2Fw@mail.example.com')).toEqual({
      host: 'mail.example.com',
      port: 587,
      secure: false,
      requireTls: true,
      auth: { user: 'u@x', pass: 'p/w' },
    });
    expect(parseSmtpLocation('smtps://mail.example.com')).toMatchObject({
      port: 465,
      secure: true,
      auth: undefined,
    });
    expect(parseSmtpLocation('smtp://u:p@127.0.0.1:2525')).toMatchObject({ port: 2525, requireTls: false });
    for (const bad of [
      'mail.example.com',
      'http://mail.example.com',
      'smtp://h/path',
      'smtp://h?tls=no',
      'smtp://%zz@h',
    ])
      expect(parseSmtpLocation(bad), bad).toBeUndefined();
  });

  it('is refused in words without what it says', () => {
    for (const bad of ['secret', 'http://secret@host', 'smtp://u:secret@host?secret'])
      expect(problemOfSmtpUrl(bad)).not.toContain('secret');
  });
});
