import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { eventually } from './eventually.ts';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly headers: string;
}

export interface MailServer {
  readonly url: string;
  /** Oldest first; a test may take some out. */
  readonly received: ReceivedMail[];
  /** Waits for the next mail to an address, and takes it out. */
  take(to: string): Promise<ReceivedMail>;
  /** An SMTP status for everything from now on: 451 for later, 550 for never; undefined: mail is taken. */
  answerWith(status: number | undefined): void;
  close(): Promise<void>;
}

const USER = { user: 'curfew', pass: 'p@ss/word-of-the-mail-server' } as const;
export const MAIL_PASSWORD = USER.pass;

/** A mail server that keeps what it gets, and asks for a password. */
export async function startMailServer(port = 0): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  let status: number | undefined;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      const isGood = username === USER.user && password === USER.pass;
      done(isGood ? null : new Error('Wrong password'), isGood ? { user: USER.user } : undefined);
    },
    onRcptTo(_address, _session, done) {
      done(status === undefined ? null : Object.assign(new Error('Not taken'), { responseCode: status }));
    },
    onData(stream, session, done) {
      void text(stream).then((raw) => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        received.push({ from, to: rcptTo.map(({ address }) => address), ...readMail(raw) });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  const { port: bound } = server.server.address() as AddressInfo;

  return {
    url: `smtp://${USER.user}:${encodeURIComponent(USER.pass)}@127.0.0.1:${bound}`,
    received,
    take: (to) =>
      eventually(() => {
        const index = received.findIndex((mail) => mail.to.includes(to));
        if (index < 0) throw new Error(`No mail to ${to}`);
        return received.splice(index, 1)[0] as ReceivedMail;
      }),
    answerWith(given) {
      status = given;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function readMail(raw: string): Pick<ReceivedMail, 'subject' | 'text' | 'headers'> {
  const [headers = '', ...body] = raw.split('\r\n\r\n');
  const unfolded = headers.replace(/\r\n[ \t]+/g, ' ');
  const encoded = body.join('\r\n\r\n').replaceAll('\r\n', '\n');
  const isQuoted = /content-transfer-encoding: quoted-printable/i.test(unfolded);
  return {
    subject: /^subject: (.*)$/im.exec(unfolded)?.[1] ?? '',
    text: isQuoted ? readQuoted(encoded) : encoded,
    headers: unfolded,
  };
}

function readQuoted(encoded: string): string {
  const bytes = encoded
    .replace(/=\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
