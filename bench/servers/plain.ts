import argon2 from 'argon2';
import { RedisStore } from 'connect-redis';
import csurf from 'csurf';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { Redis } from 'ioredis';
import { ARGON2_PARAMETERS } from '../../src/accounts/password-hasher.ts';
import { createUserStore } from '../../src/accounts/user-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { DEFAULT_SETTINGS } from '../../src/core/user-settings.ts';
import { renderPage, setAppearance, setPageClock } from '../../src/http/page.ts';
import '../../src/sessions/session-data.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { VERSION } from '../../src/version.ts';
import { PUBLIC_FOLDER, VIEWS_FOLDER } from '../folders.ts';
import { calendar, createOverview } from './brokers.ts';
import { checkWithLuxon } from './luxon-check.ts';

/**
 * What Curfew is measured against: the same parts, put together as their documentation says, without an expiry check
 * or, with EXPIRY_CHECK=luxon, with the obvious one. Its page of brokers is Curfew's own, over the same
 * data in the same file.
 */
const { PORT, REDIS_URL = '', DATABASE_FILE = '', PASSWORD = '', EXPIRY_CHECK } = process.env;
const passwordHash = await argon2.hash(PASSWORD, { ...ARGON2_PARAMETERS, type: argon2.argon2id });
const database = await openDatabase({ dialect: 'sqlite', file: DATABASE_FILE });
const users = createUserStore({ database, clock: systemClock });
const overview = createOverview(database);

const app = express();
app.set('views', VIEWS_FOLDER);
app.set('view engine', 'ejs');
app.locals['version'] = VERSION;
setPageClock(app, systemClock);

app.use(helmet());
app.use('/assets', express.static(PUBLIC_FOLDER));
app.use(
  session({
    store: new RedisStore({ client: new Redis(REDIS_URL) }),
    // Named as Curfew's, so that both read a cookie of the same length.
    name: 'curfew',
    secret: 'a591a6d40bf420404a011733cfb7b190d62c65bf',
    resave: false,
    saveUninitialized: false,
  }),
);
if (EXPIRY_CHECK === 'luxon') app.use(checkWithLuxon({ hour: 3, minute: 0 }));
app.use(express.urlencoded({ extended: false }));
app.use(csurf());

app.get('/auth/login', (req, res) => {
  renderPage(req, res, 'accounts/login', {
    title: 'Sign in',
    values: { username: '' },
    lastUser: undefined,
    asksCode: false,
    passkeyFirst: false,
    hasPasskeys: false,
    end: '',
  });
});

app.post('/auth/login', async (req, res) => {
  const { username, password } = req.body;
  const user = await users.findByUsername(String(username));
  const isRight = await argon2.verify(passwordHash, String(password));
  if (user === undefined || !isRight) return void res.sendStatus(401);
  req.session.regenerate((error: unknown) => {
    if (error) return void res.sendStatus(500);
    Object.assign(req.session, {
      userId: user.id,
      username: user.username,
      role: 'user',
      epoch: 0,
      loginTime: toIstIso(systemClock.now()),
      deviceId: 'KxW0mUq3vYb1cR7z',
      userAgent: req.get('user-agent') ?? '',
      address: '127.0.0.1',
    });
    res.redirect(303, '/broker');
  });
});

app.use((req, res, next) => {
  const { userId, username, role } = req.session;
  if (userId === undefined) return res.redirect(303, '/auth/login');
  res.locals['viewer'] = { username, role };
  setAppearance(res, { ...DEFAULT_SETTINGS, cutoff: calendar.next() });
  next();
});

app.get('/broker', async (req, res) => {
  const brokers = await overview.of(req.session.userId ?? '');
  renderPage(req, res, 'broker/index', { title: 'Brokers', brokers });
});

app.listen(Number(PORT), '127.0.0.1');
