import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { usernameOf } from './people.ts';

/** A sign-in page as a browser has it. */
export interface LoginForm {
  readonly origin: string;
  readonly cookie: string;
  readonly token: string;
  readonly device?: string;
}

/** `address`: who asks, for a server that trusts this machine as its proxy. */
export async function openForm(origin: string, address: string): Promise<LoginForm> {
  const headers = { Accept: 'text/html', 'X-Forwarded-For': address };
  const page = await fetch(`${origin}/auth/login`, { headers });
  const cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const token = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  return { origin, cookie, token };
}

/** Answers the status, and the device cookie of who got in. */
export async function send(
  { origin, cookie, token, device }: LoginForm,
  password: string,
  address: string,
  { username = usernameOf(0), agent = new Agent() } = {},
): Promise<{ readonly status: number; readonly device: string | undefined }> {
  const body = new URLSearchParams({ username, password, _csrf: token }).toString();
  const asked = request(`${origin}/auth/login`, {
    agent,
    method: 'POST',
    headers: {
      Accept: 'text/html',
      'Content-Type': 'application/x-www-form-urlencoded',
      Cookie: device === undefined ? cookie : `${cookie}; ${device}`,
      Origin: origin,
      'X-Forwarded-For': address,
    },
  });
  asked.end(body);
  const [answer]: readonly IncomingMessage[] = await once(asked, 'response');
  if (answer === undefined) throw new Error('There was no answer');
  answer.resume();
  const cookies = (answer.headers['set-cookie'] ?? []).map((each) => each.split(';')[0] ?? '');
  return {
    status: answer.statusCode ?? 0,
    device: cookies.find((each) => each.startsWith('curfew-device=')),
  };
}
