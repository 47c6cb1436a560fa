import { createHash, randomBytes } from 'node:crypto';

/** 192 random bits: the address alone is enough to trade, so it is never to be guessed (ASVS 7.2.3 asks for 128). */
const ID_BYTES = 24;
const ID_FORM = /^[A-Za-z0-9_-]{32}$/;

/** The secret part of a webhook's address. */
export function generateWebhookId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

/** Whether a text could be such a one: what could not is not looked up. */
export function isWebhookId(text: string): boolean {
  return ID_FORM.test(text);
}

/** SHA-256 in base64url: how it is found in the database, where a timing difference tells nothing of the id. */
export function webhookDigest(webhookId: string): string {
  return createHash('sha256').update(webhookId, 'utf8').digest('base64url');
}

/** The address that goes into TradingView or a program. */
export function webhookUrl(publicOrigin: string, webhookId: string): string {
  return `${publicOrigin}/api/v1/webhooks/${webhookId}`;
}

/** Whether TradingView could call a server with this origin: on the Internet, at port 80 or 443. */
export function isReachableFromOutside(publicOrigin: string): boolean {
  const { hostname, port } = new URL(publicOrigin);
  const isOwnMachine = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return port === '' && !isOwnMachine;
}
