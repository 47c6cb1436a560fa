/** Events for a user's open sockets, besides prices. They hold no secret. */
export const FEED_EVENTS = [
  'cutoff_soon',
  'session_ended',
  'new_device',
  'broker_connected',
  'broker_lost',
  'broker_rejected',
  'signal_received',
  'ban_added',
] as const;
export type FeedEventName = (typeof FEED_EVENTS)[number];

export interface FeedEvent {
  readonly event: FeedEventName;
  /** Of `cutoff_soon`: how many are left. */
  readonly minutes?: number;
  /** Of `session_ended`: a revocation reason. */
  readonly reason?: string;
  /** Of `new_device`: `Firefox on Linux`. */
  readonly device?: string;
  /** The broker's id. */
  readonly broker?: string;
  /** Of `ban_added`: the address or network. */
  readonly subject?: string;
}
