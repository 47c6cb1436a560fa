import { createHash } from 'node:crypto';
import type { Response } from 'express';

export interface PlainPage {
  readonly heading: string;
  readonly text: string;
}

const STYLE =
  ':root{color-scheme:light dark}body{max-width:30rem;margin:10vh auto;padding:0 1.5rem;background:light-dark(#f3f6f7,#0e1418);color:light-dark(#14212a,#e5ecef);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}';

const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** A page in one piece, for where this server's stylesheet cannot be had: a banned address, the host of another tool. */
export function sendPlainPage(res: Response, { heading, text }: PlainPage): void {
  res.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  res.type('html').send(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(heading)} · Curfew</title>
<style>${STYLE}</style>
<h1>${escapeHtml(heading)}</h1>
<p>${escapeHtml(text)}</p>
<p>Request id: <code>${escapeHtml(String(res.locals['requestId'] ?? ''))}</code></p>
</html>
`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
