import { hash } from 'node:crypto';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';

/** Whether a password was in a known breach; false where the service gave no usable answer. */
export type IsBreached = (password: string) => Promise<boolean>;

/** Of the SHA-1 in hexadecimal: some 800 passwords share one, so the service does not learn which is meant. */
const PREFIX_LENGTH = 5;
const TIMEOUT_MS = 3 * SECOND_MS;
/** Answers have some 40 KB. */
const MOST_BYTES = 1024 * 1024;

export interface BreachCheckDeps {
  /** BREACH_URL: the prefix is put behind it, after a slash. */
  readonly url: string;
  readonly log: Pick<Log, 'warn'>;
  readonly timeoutMs?: number;
}

/**
 * Asks a range service, such as that of Have I Been Pwned (ASVS 6.2.12). It is asked for all hashes that begin with five
 * characters, with padding, so that neither the question nor the length of the answer tells the password. A failure does not
 * keep a user from choosing a password.
 */
export function createBreachCheck({ url, log, timeoutMs = TIMEOUT_MS }: BreachCheckDeps): IsBreached {
  return async function isBreached(password) {
    const digest = hash('sha1', password, 'hex').toUpperCase();
    try {
      const answer = await fetch(`${url}/${digest.slice(0, PREFIX_LENGTH)}`, {
        headers: { 'Add-Padding': 'true', 'User-Agent': 'Curfew' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!answer.ok) throw new Error(`It answered ${answer.status}`);
      return lists(await readText(answer), digest.slice(PREFIX_LENGTH));
    } catch (error) {
      log.warn(
        { err: error },
        'A new password could not be compared with known breaches; it was taken without',
      );
      return false;
    }
  };
}

/** `0018A45C4D1DEF81644B54AB7F969B88D65:10`, a line each; rows of padding have 0 behind the colon. */
function lists(text: string, suffix: string): boolean {
  return text.split(/\r?\n/).some((line) => {
    const [listed, count] = line.split(':');
    return listed?.trim().toUpperCase() === suffix && Number(count) > 0;
  });
}

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_BYTES) throw new Error('Its answer is too long');
  }
  return text;
}
