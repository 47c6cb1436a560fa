/** Why a signal was not taken. As stored, audited and counted. */
export const SIGNAL_REFUSALS = [
  'inactive',
  'account_disabled',
  'bad_address',
  'bad_signature',
  'stale_signature',
  'malformed',
  'outside_window',
  'symbol_not_in_strategy',
  'unknown_symbol',
  'ambiguous_symbol',
  'quantity_too_large',
  'quantity_not_in_lots',
  'broker_not_connected',
  'after_cutoff',
] as const;
export type SignalRefusal = (typeof SIGNAL_REFUSALS)[number];

/** For the owner of the strategy, who may know everything; after “Refused:”. */
export const SIGNAL_REFUSAL_WORDS: Readonly<Record<SignalRefusal, string>> = {
  inactive: 'the strategy was switched off',
  account_disabled: 'the account was disabled',
  bad_address: 'it came from an address that is not on the list',
  bad_signature: 'its signature was missing or wrong',
  stale_signature: 'its signature was more than five minutes old, or from the future',
  malformed: 'its text could not be read as a signal',
  outside_window: 'it came outside the trading window',
  symbol_not_in_strategy: 'its symbol is not one of the strategy’s',
  unknown_symbol: 'its symbol is not in the broker’s instrument list',
  ambiguous_symbol: 'its symbol is the name of several instruments',
  quantity_too_large: 'it asked for more than the strategy’s quantity',
  quantity_not_in_lots: 'its quantity is not a whole number of lots',
  broker_not_connected: 'the broker was not connected',
  after_cutoff: 'it came after the cutoff, before the broker was connected again',
};
