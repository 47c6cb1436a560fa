import type { Request, Response } from 'express';

/** The broker's page that asks a person: two buttons, and what the login was begun with. */
export function showConsentPage(
  res: Response,
  broker: string,
  action: string,
  hidden: Readonly<Record<string, string>>,
): void {
  const fields = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  res.type('html').send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${broker} login</title></head>
<body><main><h1>${broker} (a protocol server for tests)</h1>
<form method="post" action="${action}">${fields.join('')}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></main></body></html>`);
}

export const isAllowed = (req: Request): boolean => req.body?.decision === 'allow';

/** A string of the query or the form, or the empty one. */
export function field(source: unknown, name: string): string {
  const value: unknown =
    source !== null && typeof source === 'object' ? Reflect.get(source, name) : undefined;
  return typeof value === 'string' ? value : '';
}

export function withParameters(address: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** Does what a person's browser does: opens the page, presses a button, and says where it was sent. */
export async function pressButton(page: URL, decision: 'allow' | 'deny'): Promise<URL> {
  const opened = await fetch(page);
  const html = await opened.text();
  if (!opened.ok) throw new Error(`The page answered ${opened.status}`);
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1] ?? '';
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  const body = new URLSearchParams({ decision });
  for (const [, name = '', value = ''] of hidden) body.set(unescapeHtml(name), unescapeHtml(value));
  const answer = await fetch(new URL(action, page), { method: 'POST', body, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`The button answered ${answer.status}`);
  return new URL(location);
}

const ENTITIES = [
  ['&', '&amp;'],
  ['"', '&quot;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
] as const;

function escapeHtml(text: string): string {
  return ENTITIES.reduce((result, [character, entity]) => result.replaceAll(character, entity), text);
}

function unescapeHtml(text: string): string {
  return ENTITIES.reduceRight((result, [character, entity]) => result.replaceAll(entity, character), text);
}
