import { PERSON } from '../../support/visitor.ts';
import { createBrowser, csrfTokenIn } from './browser.ts';
import type { NodeProcess } from './node-process.ts';

/** Makes `PERSON`'s account through the setup page. */
export async function makeFirstAccount({ origin }: NodeProcess): Promise<void> {
  const browser = createBrowser({ baseUrl: origin });
  const setup = await browser.request(origin, '/setup');
  const made = await browser.request(origin, '/setup', { form: { ...PERSON, _csrf: csrfTokenIn(setup) } });
  if (made.status !== 303) throw new Error(`Setting up answered ${made.status}: ${made.text.slice(0, 500)}`);
}
