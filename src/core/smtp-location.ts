/** Where mail is handed over, as SMTP_URL names it. */
export interface SmtpLocation {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (RFC 8314), and not by STARTTLS. */
  readonly secure: boolean;
  /** Nothing is sent over a connection that stays plain. */
  readonly requireTls: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 };
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** `smtp://user:password@host:587` or `smtps://…`; undefined for anything else. A password never crosses a network in the clear. */
export function parseSmtpLocation(text: string): SmtpLocation | undefined {
  const url = URL.parse(text);
  if (url === null || problemOf(url) !== undefined) return undefined;
  const { hostname, port, protocol } = url;
  const user = decoded(url.username);
  const pass = decoded(url.password);
  if (user === undefined || pass === undefined) return undefined;
  return Object.freeze({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || DEFAULT_PORTS[protocol]),
    secure: protocol === 'smtps:',
    requireTls: user !== '' && !LOOPBACK.test(hostname),
    auth: user === '' ? undefined : Object.freeze({ user, pass }),
  });
}

/** The problem with an SMTP_URL, without quoting it: there is a password in it. */
export function problemOfSmtpUrl(text: string): string {
  const url = URL.parse(text);
  return (url === null ? undefined : problemOf(url)) ?? 'is no address like smtp://user:password@host:587';
}

function problemOf({ protocol, hostname, pathname, search, hash }: URL): string | undefined {
  if (!(protocol in DEFAULT_PORTS)) return 'does not begin with smtp:// or smtps://';
  if (hostname === '') return 'names no host';
  if (!['', '/'].includes(pathname) || `${search}${hash}` !== '')
    return 'has a path or options behind the host, which would be ignored';
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
