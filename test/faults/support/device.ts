import { holdRequest } from '../../support/held-request.ts';
import {
  type Browser,
  type BrowserOptions,
  createBrowser,
  csrfTokenIn,
  type Reply,
  SESSION_COOKIE,
} from './browser.ts';

export interface Person {
  readonly username: string;
  readonly password: string;
}

/** A browser that insists on the session it once signed in with, as a thief would, whatever it is told meanwhile. */
export interface Device {
  readonly browser: Browser;
  /** The value of the session's cookie. */
  readonly session: string;
  /** A guarded page. */
  page(origin: string): Promise<Reply>;
  /** Fetches the token of its forms, for a time when it could not be fetched. */
  openForm(origin: string): Promise<void>;
  submit(origin: string, path: string, fields?: Readonly<Record<string, string>>): Promise<Reply>;
  logOut(origin: string, options?: { everywhere: boolean }): Promise<Reply>;
  /** What a page of ours sends with a handshake. */
  readonly socketHeaders: Readonly<Record<'Origin' | 'Cookie', string>>;
  /** Sends the headers of a form and the first bytes of its body; the rest goes out when it is finished. */
  hold(origin: string, path: string, fields: Readonly<Record<string, string>>): Promise<HeldForm>;
}

export interface HeldForm {
  finish(): Promise<Pick<Reply, 'status' | 'location'>>;
}

export const GUARDED_PAGE = '/dashboard';

/** A node that is paused answers when it goes on. */
const HELD_PATIENCE_MS = 15_000;

/** Whether a reply is the guarded page itself, for somebody: a 200 of anything else would not count. */
export const letsIn = ({ status, text }: Reply): boolean =>
  status === 200 && text.includes('action="/auth/logout"');

/** Signs in; the last reply of the way, and the device where it worked. */
export async function signInDevice(
  options: BrowserOptions,
  origin: string,
  { username, password }: Person,
): Promise<{ readonly reply: Reply; readonly device: Device | undefined }> {
  const browser = createBrowser(options);
  const form = await browser.request(origin, '/auth/login');
  if (form.status !== 200) return { reply: form, device: undefined };
  const reply = await browser.request(origin, '/auth/login', {
    form: { username, password, _csrf: csrfTokenIn(form) },
  });
  if (reply.status !== 303) return { reply, device: undefined };
  return { reply, device: createDevice(browser, options) };
}

/** Throws when it did not work. */
export async function mustSignIn(options: BrowserOptions, origin: string, person: Person): Promise<Device> {
  const { reply, device } = await signInDevice(options, origin, person);
  if (device === undefined)
    throw new Error(`Signing in answered ${reply.status}: ${reply.text.slice(0, 500)}`);
  return device;
}

function createDevice(browser: Browser, { baseUrl, patienceMs = HELD_PATIENCE_MS }: BrowserOptions): Device {
  const session = browser.cookies().get(SESSION_COOKIE) ?? '';
  let token = '';

  function request(origin: string, path: string, form?: Readonly<Record<string, string>>): Promise<Reply> {
    browser.useSessionCookie(session);
    return browser.request(origin, path, form === undefined ? {} : { form });
  }

  /** The token of a form is good for the whole session, so it is fetched once. */
  async function openForm(origin: string): Promise<void> {
    if (token === '') token = csrfTokenIn(await request(origin, GUARDED_PAGE));
  }

  async function submit(origin: string, path: string, fields: Readonly<Record<string, string>> = {}) {
    await openForm(origin);
    return request(origin, path, { ...fields, _csrf: token });
  }

  return {
    browser,
    session,
    socketHeaders: { Origin: baseUrl, Cookie: `${SESSION_COOKIE}=${session}` },
    page: (origin) => request(origin, GUARDED_PAGE),
    openForm,
    submit,
    async hold(origin, path, fields) {
      await openForm(origin);
      const body = new URLSearchParams({ ...fields, _csrf: token }).toString();
      const headers = { Accept: 'text/html', Origin: baseUrl, Cookie: `${SESSION_COOKIE}=${session}` };
      const held = await holdRequest(origin, { path, headers, body, withinMs: patienceMs });
      return {
        async finish() {
          const { status, headers: received } = await held.finish();
          return { status, location: /^location: (\S+)/im.exec(received)?.[1] ?? '' };
        },
      };
    },
    logOut: (origin, { everywhere } = { everywhere: false }) =>
      submit(origin, '/auth/logout', everywhere ? { everywhere: 'yes' } : {}),
  };
}
