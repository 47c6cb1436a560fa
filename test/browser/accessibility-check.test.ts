import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';

const STYLE =
  '@media (prefers-color-scheme: dark) { .dim { background: #111; color: #222 } } a { font-size: 20px }';

describe('the accessibility check', () => {
  let browser: Browser;
  let server: Server;
  let page: Page;
  const policyViolations: string[] = [];

  beforeAll(async () => {
    server = await serveUnderStrictPolicy();
    browser = await launchBrowser();
    page = await (await browser.newContext()).newPage();
    page.on('console', (message) => policyViolations.push(message.text()));
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('passes a sound page without breaking its Content-Security-Policy', async () => {
    await open('<main><h1>Sound</h1><p>All is well.</p></main>');
    await expectNoAxeViolations(page);
    expect(policyViolations).toEqual([]);
  });

  it('names the rule and the element of a broken page', async () => {
    await open('<main><h1>Broken</h1><input id="nameless"></main>');
    await expect(expectNoAxeViolations(page)).rejects.toThrow(/label[\s\S]*#nameless/);
  });

  it('sees contrast that fails in the dark scheme only', async () => {
    await open('<main><h1>Dim</h1><p class="dim">Hard to read</p></main>');
    await expect(expectNoAxeViolations(page)).rejects.toThrow(/dark: .*contrast/);
  });

  it('holds links to the target size of WCAG 2.2', async () => {
    const close = Array.from(
      { length: 3 },
      (_, index) => `<a href="/${index}" class="tiny">${index}</a>`,
    ).join('<br>');
    await open(`<main><h1>Small</h1><p>${close}</p></main>`);
    await expect(expectNoAxeViolations(page)).rejects.toThrow(/target-size/);
  });

  async function open(body: string): Promise<void> {
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?body=${encodeURIComponent(body)}`);
  }
});

function serveUnderStrictPolicy(): Promise<Server> {
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://localhost');
    if (url.pathname === '/style.css') {
      res
        .setHeader('Content-Type', 'text/css')
        .end(`${STYLE} .tiny { font-size: 8px; line-height: 1; display: inline-block }`);
      return;
    }
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'self'; img-src 'self'");
    res.end(
      `<!doctype html><html lang="en"><head><title>Page</title><link rel="stylesheet" href="/style.css"></head><body>${url.searchParams.get('body')}</body></html>`,
    );
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
