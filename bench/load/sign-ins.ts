/** Many people at once who sign in, again and again. */
export interface SignInOrder {
  readonly kind: 'sign-ins';
  readonly origin: string;
  readonly usernames: readonly string[];
  readonly password: string;
  readonly seconds: number;
}

export interface SignInResult {
  readonly signIns: number;
  readonly seconds: number;
}

/** Throws unless every one of them got in. */
export async function signInAtOnce(order: SignInOrder): Promise<SignInResult> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  let signIns = 0;
  const repeat = async (username: string): Promise<void> => {
    while (seconds() < order.seconds) {
      await signIn(order.origin, username, order.password);
      signIns += 1;
    }
  };
  await Promise.all(order.usernames.map(repeat));
  return { signIns, seconds: seconds() };
}

async function signIn(origin: string, username: string, password: string): Promise<void> {
  const page = await fetch(`${origin}/auth/login`, { headers: { Accept: 'text/html' } });
  const cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const token = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const answer = await fetch(`${origin}/auth/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Accept: 'text/html', Cookie: cookie, Origin: origin },
    body: new URLSearchParams({ username, password, _csrf: token }),
  });
  await answer.arrayBuffer();
  if (answer.status !== 303) throw new Error(`Signing in answered ${answer.status}`);
}
