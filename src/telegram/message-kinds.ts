/** Kinds of messages that users can choose. In the order of the page. */
export const MESSAGE_KINDS = [
  'new_device',
  'cutoff_soon',
  'session_ended',
  'broker_rejected',
  'signal_refused',
  'ban',
  'alert',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** As the page calls them. */
export const KIND_WORDS: Readonly<Record<MessageKind, { readonly label: string; readonly hint: string }>> = {
  new_device: {
    label: 'Sign-in from a new device',
    hint: 'A sign-in from a new browser.',
  },
  cutoff_soon: {
    label: 'The cutoff is near',
    hint: 'As many minutes before it as you chose under Settings, while you are signed in.',
  },
  session_ended: {
    label: 'A session ended',
    hint: 'At the cutoff, when idle, or by an administrator: with the receipt of what ended.',
  },
  broker_rejected: {
    label: 'A broker rejected the connection',
    hint: 'When your broker does not take its token any more, or does not renew it.',
  },
  signal_refused: {
    label: 'A signal was refused',
    hint: 'With the strategy and the reason. Many at once come as one message.',
  },
  ban: {
    label: 'An address was banned',
    hint: 'For administrators: which one, why, and for how long.',
  },
  alert: {
    label: 'An alert was raised',
    hint: 'For administrators: the server is slow or fails, or a revocation is pending. Says which figure, which addresses, and when it is over.',
  },
};

/** Whether a changed choice sends what was not sent before. */
export function widensKinds(before: readonly MessageKind[], after: readonly MessageKind[]): boolean {
  return after.some((kind) => !before.includes(kind));
}

/** The kinds that a text in the database names; what this version does not know is left out. */
export function readKinds(text: string): readonly MessageKind[] {
  // Stored before alerts had their name.
  const names = text.split(',').map((name) => (name === 'alarm' ? 'alert' : name));
  return MESSAGE_KINDS.filter((kind) => names.includes(kind));
}
