import { Agent, type IncomingMessage, request } from 'node:http';

type Fields = Readonly<Record<string, string>>;

export interface Reply {
  /** 0 when the connection failed. */
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly location: string;
  /** From sending the first byte to having the last one, in milliseconds. */
  readonly ms: number;
}

export interface BrowserRequest {
  /** Sent as a form by POST; a GET without. */
  readonly form?: Fields;
}

/** Somebody's browser, which can go to any node: cookies know no ports. */
export interface Browser {
  request(origin: string, path: string, options?: BrowserRequest): Promise<Reply>;
  cookies(): ReadonlyMap<string, string>;
  useSessionCookie(value: string): void;
}

export interface BrowserOptions {
  /** BASE_URL, which browsers send as Origin whatever node a load balancer chose. */
  readonly baseUrl: string;
  /** Milliseconds after which it stops to wait for an answer. 15 s. */
  readonly patienceMs?: number;
}

export const SESSION_COOKIE = 'curfew';
const PATIENCE_MS = 15_000;
const agent = new Agent({ keepAlive: false });

export function createBrowser({ baseUrl, patienceMs = PATIENCE_MS }: BrowserOptions): Browser {
  const jar = new Map<string, string>();

  function keepCookies({ headers }: Reply): void {
    for (const line of headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
  }

  return {
    async request(origin, path, { form } = {}) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = {
        Accept: 'text/html,application/xhtml+xml',
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...(form === undefined
          ? {}
          : { Origin: baseUrl, 'Content-Type': 'application/x-www-form-urlencoded' }),
      };
      const body = form === undefined ? undefined : new URLSearchParams(form).toString();
      const reply = await send(new URL(path, origin), { headers, body, patienceMs });
      keepCookies(reply);
      return reply;
    },
    cookies: () => jar,
    useSessionCookie: (value) => void jar.set(SESSION_COOKIE, value),
  };
}

interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly patienceMs: number;
}

function send(url: URL, { headers, body, patienceMs }: Sending): Promise<Reply> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, headers: {}, text: '', location: '', ms: ms() });
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', failed);
      response.on('end', () => {
        const { statusCode = 0, headers: received } = response;
        resolve({ status: statusCode, headers: received, text, location: received.location ?? '', ms: ms() });
      });
    });
    sent.setTimeout(patienceMs, () => sent.destroy());
    sent.on('error', failed);
    sent.end(body);
  });
}

export function csrfTokenIn({ text }: Reply): string {
  return /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
}
