import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { wantsJson } from '../../src/http/wants-json.ts';

const app = express();
app.use((req, res) => void res.send(wantsJson(req) ? 'JSON' : 'page'));

async function answerFor(headers: Record<string, string>): Promise<string> {
  const request = supertest(app).post('/').set(headers);
  if (headers['Accept'] === undefined) request.unset('Accept');
  return (await request.send('')).text;
}

describe('an answer', () => {
  it.each<[string, Record<string, string>]>([
    [
      'a browser that goes to a page',
      { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
    ],
    ['a client that says nothing', {}],
    ['a form', { Accept: 'text/html', 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a browser that writes its wishes large', { Accept: 'TEXT/HTML' }],
  ])('is a page for %s', async (_who, headers) => {
    expect(await answerFor(headers)).toBe('page');
  });

  it.each<[string, Record<string, string>]>([
    ['fetch', { Accept: '*/*' }],
    ['a client of JSON', { Accept: 'application/json' }],
    ['an old library that says how it asks', { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' }],
    ['whoever sends JSON', { Accept: 'text/html', 'Content-Type': 'application/json' }],
    [
      'whoever sends JSON with a charset',
      { Accept: 'text/html', 'Content-Type': 'application/json; charset=utf-8' },
    ],
    ['whoever sends JSON in capitals', { Accept: 'text/html', 'Content-Type': 'Application/JSON' }],
  ])('is JSON for %s', async (_who, headers) => {
    expect(await answerFor(headers)).toBe('JSON');
  });
});
