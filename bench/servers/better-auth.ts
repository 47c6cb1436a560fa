import { Redis } from 'ioredis';
import { createUserStore } from '../../src/accounts/user-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openUrl, usernameOf } from '../people.ts';
import { createPageApp, serveBrokers } from './page-app.ts';

/** What is used of better-auth, which is installed when the benchmark runs. */
interface BetterAuth {
  betterAuth(options: object): {
    readonly api: {
      signUpEmail(order: object): Promise<{ readonly headers: Headers }>;
      getSession(order: {
        readonly headers: Headers;
      }): Promise<{ readonly user: { readonly name: string } } | null>;
    };
  };
  memoryAdapter(tables: object): unknown;
  fromNodeHeaders(headers: NodeJS.Dict<string | string[]>): Headers;
}

/** The page of brokers behind better-auth's `getSession`, its sessions in Redis as its documentation has it. */
const { PORT, BASE_URL, REDIS_URL = '', DATABASE_URL = '', PASSWORD = '', BETTER_AUTH = '' } = process.env;
const { betterAuth, memoryAdapter, fromNodeHeaders }: BetterAuth = await import(BETTER_AUTH);
const redis = new Redis(REDIS_URL);
const auth = betterAuth({
  baseURL: BASE_URL,
  secret: 'a591a6d40bf420404a011733cfb7b190d62c65bf',
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  secondaryStorage: {
    get: (key: string) => redis.get(key),
    set: (key: string, value: string, seconds?: number) =>
      seconds === undefined ? redis.set(key, value) : redis.set(key, value, 'EX', seconds),
    delete: (key: string) => redis.del(key),
  },
  emailAndPassword: { enabled: true },
});

const database = await openUrl(DATABASE_URL);
const user = await createUserStore({ database, clock: systemClock }).findByUsername(usernameOf(0));
const { headers } = await auth.api.signUpEmail({
  body: { name: usernameOf(0), email: `${usernameOf(0)}@example.org`, password: PASSWORD },
  returnHeaders: true,
});

const app = createPageApp();
app.get('/cookie', (_req, res) => res.send(headers.getSetCookie()[0]?.split(';')[0]));
app.use((req, _res, next) => {
  // As long as csurf's. better-auth compares origins, and has no token.
  req.csrfToken = () => 'R4nd0mS4-lt3dT0k3nOfThirtySixLetters';
  next();
});
serveBrokers(app, database, async (req) => {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) });
  return session === null || user === undefined
    ? undefined
    : { id: user.id, username: session.user.name, role: user.role };
});
app.listen(Number(PORT), '127.0.0.1');
