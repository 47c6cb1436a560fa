/** What nodes tell each other. */
export type BusMessage =
  | { readonly kind: 'caches.clear_user'; readonly userId: string; readonly keepShared?: boolean }
  /** The auth and feed caches of one person's only: a shared cache would be emptied with the rest. */
  | { readonly kind: 'caches.clear_tokens'; readonly userId: string }
  | { readonly kind: 'caches.clear_all' }
  /** Whether every server of an installation reads what the newest encryption key encrypts; and what each one says. */
  | {
      readonly kind: 'keys.question';
      readonly id: string;
      readonly installedAt?: number | undefined;
      readonly ciphertext: string;
    }
  | { readonly kind: 'keys.answer'; readonly id: string; readonly readable: boolean };

/** Carries messages to every other node, and to no one twice on purpose. Not a place for anything that must not be lost. */
export interface Bus {
  /** Rejects when the message could not be handed over. */
  publish(message: BusMessage): Promise<void>;
  /** Hears what other nodes published; not what this one did. */
  onMessage(listener: (message: BusMessage) => void): void;
  /** Messages may have been missed: whoever keeps copies should drop them. */
  onGap(listener: () => void): void;
  close(): Promise<void>;
}
