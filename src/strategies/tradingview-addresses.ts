/**
 * Where TradingView sends webhooks from, as published in its help centre ("How to configure webhook alerts",
 * https://www.tradingview.com/support/solutions/43000529348/, read on 2026-11-21). It has no IPv6 addresses.
 */
export const TRADINGVIEW_ADDRESSES: readonly string[] = [
  '52.89.214.238',
  '34.212.75.30',
  '54.218.53.128',
  '52.32.178.7',
];

/** Whether a list is exactly these, in any sequence. */
export function areTradingViewAddresses(addresses: readonly string[]): boolean {
  return (
    addresses.length === TRADINGVIEW_ADDRESSES.length &&
    TRADINGVIEW_ADDRESSES.every((address) => addresses.includes(address))
  );
}
