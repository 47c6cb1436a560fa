import express from 'express';
import helmet from 'helmet';
import { renderPage } from '../../src/http/page.ts';
import { PUBLIC_FOLDER, VIEWS_FOLDER } from '../folders.ts';

/** What the exempt routes are measured against: Express and helmet, and nothing that knows of sessions. */
const app = express();
app.set('views', VIEWS_FOLDER);
app.set('view engine', 'ejs');
app.use(helmet());
app.use('/assets', express.static(PUBLIC_FOLDER));
app.get('/', (req, res) => renderPage(req, res, 'home/index', { title: 'Curfew', isNew: false }));
app.listen(Number(process.env['PORT']), '127.0.0.1');
