import argon2 from 'argon2';
import { RedisStore } from 'connect-redis';
import csurf from 'csurf';
import express from 'express';
import session from 'express-session';
import { Redis } from 'ioredis';
import { ARGON2_PARAMETERS } from '../../src/accounts/password-hasher.ts';
import { createUserStore } from '../../src/accounts/user-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { toIstIso } from '../../src/core/ist.ts';
import '../../src/sessions/session-data.ts';
import { openUrl } from '../people.ts';
import { checkWithLuxon } from './luxon-check.ts';
import { createPageApp, serveBrokers, showLoginForm } from './page-app.ts';

/**
 * What Curfew is measured against: the same parts, put together as their documentation says, without an expiry check
 * or, with EXPIRY_CHECK=luxon, with the obvious one.
 */
const { PORT, REDIS_URL = '', DATABASE_URL = '', PASSWORD = '', EXPIRY_CHECK } = process.env;
const passwordHash = await argon2.hash(PASSWORD, { ...ARGON2_PARAMETERS, type: argon2.argon2id });
const database = await openUrl(DATABASE_URL);
const users = createUserStore({ database, clock: systemClock });

const app = createPageApp();
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

app.get('/auth/login', showLoginForm);

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

serveBrokers(app, database, ({ session: { userId, username, role } }) =>
  userId === undefined || username === undefined || role === undefined
    ? undefined
    : { id: userId, username, role },
);

app.listen(Number(PORT), '127.0.0.1');
