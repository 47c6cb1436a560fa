import supertest from 'supertest';
import { createSetupToken } from '../../src/accounts/setup-page.ts';
import { TEST_SECRETS } from './test-server.ts';

type Fields = Readonly<Record<string, string>>;
/** A list is sent as the same name several times, as ticked boxes are. */
type FormFields = Readonly<Record<string, string | readonly string[]>>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: unknown;
  /** The Location header, or ''. */
  readonly location: string;
}

/** Somebody with a browser: keeps cookies, asks for pages, sends forms with the token that the page carried. */
export interface Visitor {
  get(path: string, headers?: Fields): Promise<Answer>;
  /** Sends a form as it would be sent from `page` (default: the path itself), with that page's CSRF token. */
  submit(path: string, fields?: FormFields, page?: string): Promise<Answer>;
  /** Sends a form as it is, with no token of its own. */
  post(path: string, fields?: FormFields, headers?: Fields): Promise<Answer>;
  csrfTokenOf(page: string): Promise<string>;
  /** The value of the session cookie; '' when there is none. */
  sessionCookie(): string;
  /** The value of any cookie; '' when there is none. */
  cookie(name: string): string;
  /** Takes over a cookie, as a thief would. */
  useCookie(name: string, value: string): void;
  useSessionCookie(value: string): void;
}

const HTML = { Accept: 'text/html,application/xhtml+xml' };
const COOKIE = 'curfew';

export function createVisitor(origin: string): Visitor {
  const agent = supertest.agent(origin);
  const { hostname } = new URL(origin);

  const toAnswer = (response: supertest.Response): Answer => ({
    status: response.status,
    headers: response.headers as Fields,
    text: response.text ?? '',
    body: response.body,
    location: response.headers['location'] ?? '',
  });

  const visitor: Visitor = {
    get: async (path, headers = {}) =>
      toAnswer(
        await agent
          .get(path)
          .redirects(0)
          .set({ ...HTML, ...headers }),
      ),
    async submit(path, fields = {}, page = path) {
      const token = await visitor.csrfTokenOf(page);
      return visitor.post(path, { ...fields, _csrf: token }, { Origin: origin, Referer: origin + page });
    },
    post: async (path, fields = {}, headers = {}) =>
      toAnswer(
        await agent
          .post(path)
          .redirects(0)
          .type('form')
          .set({ ...HTML, ...headers })
          .send(fields),
      ),
    async csrfTokenOf(page) {
      const { text } = await visitor.get(page);
      return /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
    },
    cookie: (name) =>
      agent.jar.getCookie(name, { domain: hostname, path: '/', secure: false, script: false })?.value ?? '',
    useCookie: (name, value) => {
      agent.jar.setCookie(`${name}=${value}; Path=/; Domain=${hostname}`);
    },
    sessionCookie: () => visitor.cookie(COOKIE),
    useSessionCookie: (value) => visitor.useCookie(COOKIE, value),
  };
  return visitor;
}

export const PERSON = {
  username: 'asha',
  password: 'quiet-monsoon-harbour-42',
  email: 'asha@example.org',
} as const;

/** Makes the first account. */
export async function setUp(visitor: Visitor, person: Fields = PERSON): Promise<void> {
  const setupToken = createSetupToken([TEST_SECRETS.SESSION_SECRET]);
  const answer = await visitor.submit('/setup', { ...person, setupToken });
  if (answer.status !== 303) throw new Error(`Setup answered ${answer.status}: ${answer.text}`);
}

export async function signIn(visitor: Visitor, person: Fields = PERSON): Promise<Answer> {
  const { username = '', password = '' } = person;
  const answer = await visitor.submit('/auth/login', { username, password });
  if (answer.status !== 303) throw new Error(`Signing in answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** The form that the page asking for the password keeps; undefined for any other answer. */
export function keptFormIn({ status, text }: Pick<Answer, 'status' | 'text'>): string | undefined {
  return status === 403 ? /name="keptForm" value="([^"]+)"/.exec(text)?.[1] : undefined;
}

/** The whole way through the practice broker's pages, until Curfew has its tokens. */
export async function connectSandbox(visitor: Visitor): Promise<Answer> {
  const start = await visitor.submit('/broker/sandbox/connection', {}, '/broker');
  const consent = new URL(start.location);
  const page = await visitor.get(consent.pathname + consent.search);
  const hidden = Object.fromEntries(
    [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name ?? '',
      (value ?? '').replaceAll('&amp;', '&'),
    ]),
  );
  const allowed = await visitor.post(
    '/sandbox/authorize',
    { ...hidden, decision: 'allow' },
    { Origin: new URL(start.location).origin },
  );
  const callback = new URL(allowed.location);
  return visitor.get(callback.pathname + callback.search);
}
