import { renderPage } from '../../src/http/page.ts';
import { createPageApp, showLoginForm } from './page-app.ts';

/** What the exempt routes are measured against: Express and helmet, and nothing that knows of sessions. */
const app = createPageApp();
app.get('/', (req, res) => renderPage(req, res, 'home/index', { title: 'Curfew', isNew: false }));
app.get('/auth/login', showLoginForm);
app.listen(Number(process.env['PORT']), '127.0.0.1');
