import type { Config } from '../../config.ts';
import { createSmtpSender } from '../../mail/smtp-sender.ts';
import { type Finding, findingsOf } from './finding.ts';

const { ok, warn } = findingsOf('mail');

/** Whether the mail server answers and takes the password. Sends nothing. */
export async function checkMail({ smtp, baseUrl }: Config): Promise<readonly Finding[]> {
  if (smtp === undefined) return [ok('SMTP_URL is empty: no mail is sent')];
  const { location, from } = smtp;
  const server = `${location.host} port ${location.port}`;
  const outcome = await createSmtpSender({ ...smtp, host: new URL(baseUrl).hostname }).verify();
  if (outcome.kind === 'sent') return [ok(`${server} takes mail from ${from}`)];
  return [
    warn(
      `${server} takes no mail: ${outcome.problem}`,
      outcome.problem.startsWith('EAUTH')
        ? 'Check the user and the password in SMTP_URL.'
        : 'Check SMTP_URL, and whether the server can be reached from here. Mails wait until it answers.',
    ),
  ];
}
