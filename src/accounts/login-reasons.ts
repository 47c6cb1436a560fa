/** Why the sign-in page is shown. Fixed sentences: what stands in the address is never shown. */
const SENTENCES = {
  login_required: 'Sign in to see that page.',
  cutoff: 'The trading day has ended, and your session with it. Sign in to begin a new one.',
  idle: 'Your session has ended because it was not used for a while. Sign in to go on.',
  revoked: 'Your session was ended. Sign in to begin a new one.',
  logged_out: 'You are signed out.',
  setup_done: 'Your account is ready. Sign in with it.',
  password_reset:
    'Your password is changed, and everything that was signed in has ended. Sign in with the new one.',
  code_expired: 'The sign-in took too long or had too many wrong codes. Sign in again.',
  code_sent_twice: 'The code was sent twice, and counts once. Sign in again.',
  cancelled: 'The sign-in was cancelled.',
  factor_enrolled:
    'Your app is set up already. Sign in with its code; if you did not see recovery codes, make new ones on your profile.',
  form_expired: 'The form had expired, and nothing was changed. Please try again.',
} as const satisfies Record<string, string>;

export type LoginReason = keyof typeof SENTENCES;

/** The sentence for `?reason=`; undefined for anything unknown. */
export function loginReasonText(reason: unknown): string | undefined {
  if (typeof reason !== 'string' || !Object.hasOwn(SENTENCES, reason)) return undefined;
  return SENTENCES[reason as LoginReason];
}
