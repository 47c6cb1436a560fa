import argon2 from 'argon2';
import { RedisStore } from 'connect-redis';
import csurf from 'csurf';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { Redis } from 'ioredis';
import { ARGON2_PARAMETERS } from '../../src/accounts/password-hasher.ts';
import { systemClock } from '../../src/core/clock.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { renderPage } from '../../src/http/page.ts';
import { createEpochStore } from '../../src/sessions/epoch-store.ts';
import '../../src/sessions/session-data.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { PUBLIC_FOLDER, VIEWS_FOLDER } from '../folders.ts';
import { checkWithLuxon } from './luxon-check.ts';

/**
 * What Curfew is measured against: the same parts, put together as their documentation says, without an expiry check
 * or, with EXPIRY_CHECK=luxon, with the obvious one. Its pages are Curfew's own views over the same data.
 */
const { PORT, REDIS_URL = '', DATABASE_FILE = '', PASSWORD = '', EXPIRY_CHECK } = process.env;
const passwordHash = await argon2.hash(PASSWORD, { ...ARGON2_PARAMETERS, type: argon2.argon2id });
const epochs = createEpochStore(await openDatabase({ dialect: 'sqlite', file: DATABASE_FILE }));

const app = express();
app.set('views', VIEWS_FOLDER);
app.set('view engine', 'ejs');

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
  renderPage(req, res, 'accounts/login', { title: 'Sign in', values: { username: '' } });
});

app.post('/auth/login', async (req, res) => {
  const { username, password } = req.body;
  if (!(await argon2.verify(passwordHash, String(password)))) return void res.sendStatus(401);
  req.session.regenerate((error: unknown) => {
    if (error) return void res.sendStatus(500);
    Object.assign(req.session, {
      userId: '6f1c5a0e-54a1-4a3c-9d0e-0a8f6f4b9f11',
      username,
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
  next();
});

app.get('/broker', async (req, res) => {
  await epochs.current(req.session.userId ?? '');
  renderPage(req, res, 'broker/index', { title: 'Brokers', brokers: [] });
});

app.listen(Number(PORT), '127.0.0.1');
