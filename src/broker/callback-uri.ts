/** The address that a broker sends people back to. One for each broker: a broker's answer cannot pass for another's. */
export function callbackUri(publicOrigin: string, broker: string): string {
  return `${publicOrigin}/auth/broker/${broker}/callback`;
}
