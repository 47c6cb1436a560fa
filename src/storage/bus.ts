/** What nodes tell each other. */
export type BusMessage =
  | { readonly kind: 'caches.clear_user'; readonly userId: string }
  | { readonly kind: 'caches.clear_all' };

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
