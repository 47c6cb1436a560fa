import { encode } from 'uqr';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import type { KeyRing } from '../../storage/key-ring.ts';
import { generateTotpSecret, totpUri } from './totp.ts';

/** How long a secret may stand on the page before a code confirms it. */
const LIFETIME_MS = 30 * MINUTE_MS;

/** A secret on the page, before a code has confirmed it. */
export interface EnrolmentView {
  /** The secret, encrypted for this user: the form brings it back, so nothing is stored before a code confirms it. */
  readonly sealed: string;
  /** `ABCD EFGH …`. */
  readonly secret: string;
  readonly uri: string;
  readonly qr: { readonly size: number; readonly path: string };
}

export interface Enrolments {
  /** With a new secret, or with the one that a form has brought back. */
  show(user: { readonly id: string; readonly username: string }, sealed?: unknown): EnrolmentView;
  /** The secret of a form; undefined where it is another user's, too old, or not of this server. */
  open(userId: string, sealed: unknown): string | undefined;
}

export interface EnrolmentsDeps {
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

const sealedSchema = z.object({ userId: z.string(), secret: z.string(), since: z.number() });

export function createEnrolments({ keyRing, clock, publicOrigin }: EnrolmentsDeps): Enrolments {
  const cipher = keyRing.forPurpose('totp-enrolment');
  const server = new URL(publicOrigin).host;

  function open(userId: string, sealed: unknown): string | undefined {
    const opened = typeof sealed === 'string' ? cipher.decrypt(sealed) : undefined;
    if (opened?.kind !== 'ok') return undefined;
    const { secret, since, userId: owner } = sealedSchema.parse(JSON.parse(opened.text));
    return owner === userId && Math.abs(clock.now() - since) < LIFETIME_MS ? secret : undefined;
  }

  return {
    open,
    show({ id: userId, username }, sealed) {
      const known = open(userId, sealed);
      const secret = known ?? generateTotpSecret();
      const uri = totpUri(secret, { username, server });
      return {
        sealed:
          known !== undefined && typeof sealed === 'string'
            ? sealed
            : cipher.encrypt(
                JSON.stringify({ userId, secret, since: clock.now() } satisfies z.infer<typeof sealedSchema>),
              ),
        secret: secret.match(/.{1,4}/g)?.join(' ') ?? secret,
        uri,
        qr: toQr(uri),
      };
    },
  };
}

/** As one SVG path of squares, which a view can write down without markup from here. */
function toQr(text: string): EnrolmentView['qr'] {
  // Four light modules around it: ISO/IEC 18004 asks for them.
  const { size, data } = encode(text, { ecc: 'M', border: 4 });
  const squares = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { size, path: squares.join('') };
}
