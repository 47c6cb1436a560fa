/** A mail that is to be sent. Plain text: links stand in it as they are. */
export interface MailDraft {
  readonly to: string;
  readonly kind: MailKind;
  readonly subject: string;
  readonly text: string;
  /** Milliseconds since the epoch: what it says is of no use afterwards. */
  readonly expiresAt: number;
}

export const MAIL_KINDS = [
  'password_reset',
  'invitation',
  'new_device',
  'email_confirmation',
  'account_changed',
] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

/** Puts a mail into the queue. Does nothing where no mail server is set. */
export type SendMail = (draft: MailDraft) => Promise<void>;
