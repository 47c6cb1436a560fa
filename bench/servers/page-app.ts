import express, { type Express, type Request, type Response } from 'express';
import helmet from 'helmet';
import { systemClock } from '../../src/core/clock.ts';
import type { Role } from '../../src/core/role.ts';
import { DEFAULT_SETTINGS } from '../../src/core/user-settings.ts';
import { renderPage, setAppearance, setPageClock } from '../../src/http/page.ts';
import { createViewEngine } from '../../src/http/view-engine.ts';
import type { Database } from '../../src/storage/database.ts';
import { VERSION } from '../../src/version.ts';
import { PUBLIC_FOLDER, VIEWS_FOLDER } from '../folders.ts';
import { calendar, createOverview } from './brokers.ts';

/** What all servers beside Curfew are made of: Express, helmet, and Curfew's own views in its own view engine. */
export function createPageApp(): Express {
  const app = express();
  app.set('views', VIEWS_FOLDER);
  app.engine('ejs', createViewEngine());
  app.set('view engine', 'ejs');
  app.locals['version'] = VERSION;
  setPageClock(app, systemClock);
  app.use(helmet());
  app.use('/assets', express.static(PUBLIC_FOLDER));
  return app;
}

export function showLoginForm(req: Request, res: Response): void {
  renderPage(req, res, 'accounts/login', {
    title: 'Sign in',
    values: { username: '' },
    lastUser: undefined,
    asksCode: false,
    passkeyFirst: false,
    hasPasskeys: false,
    end: '',
  });
}

export interface PageUser {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
}

/** Curfew's page of brokers, over the same data: what is compared is what a request passes in front of it. */
export function serveBrokers(
  app: Express,
  database: Database,
  userOf: (req: Request) => Promise<PageUser | undefined> | PageUser | undefined,
): void {
  const overview = createOverview(database);
  app.get('/broker', async (req, res) => {
    const user = await userOf(req);
    if (user === undefined) return res.redirect(303, '/auth/login');
    res.locals['viewer'] = { username: user.username, role: user.role };
    setAppearance(res, { ...DEFAULT_SETTINGS, cutoff: calendar.next() });
    renderPage(req, res, 'broker/index', { title: 'Brokers', brokers: await overview.of(user.id) });
  });
}
