import type { Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError, invalid } from '../../src/errors.ts';
import { readForm, refuseForm, requireForm, typedText } from '../../src/http/form.ts';

const schema = z.object({
  name: z.string('Say who you are.').min(3, 'The name is too short.'),
  address: z.object({ city: z.string('Say where you live.') }).optional(),
});

const posted = (body: unknown): Request => ({ body }) as Request;

describe('a form', () => {
  it('gives what was asked for and nothing else', () => {
    const result = readForm(schema, posted({ name: 'Asha', role: 'admin', __proto__: { admin: true } }));
    expect(result).toEqual({ ok: true, values: { name: 'Asha' } });
  });

  it.each<[unknown, Record<string, string>]>([
    [{}, { name: 'Say who you are.' }],
    [undefined, { name: 'Say who you are.' }],
    [null, { name: 'Say who you are.' }],
    [{ name: 'A' }, { name: 'The name is too short.' }],
    [{ name: ['Asha', 'Ravi'] }, { name: 'Say who you are.' }],
    [{ name: { length: 5 } }, { name: 'Say who you are.' }],
    [{ name: 'Asha', address: { city: 1 } }, { 'address.city': 'Say where you live.' }],
  ])('says for %j which fields are wrong', (body, fields) => {
    expect(readForm(schema, posted(body))).toEqual({ ok: false, fields });
  });

  it('is refused whole when it is no form', () => {
    for (const body of ['text', 42, ['a']])
      expect(readForm(schema, posted(body))).toMatchObject({
        ok: false,
        fields: { form: expect.any(String) },
      });
  });

  it('stops a route that cannot show it again', () => {
    expect(requireForm(schema, posted({ name: 'Asha' }))).toEqual({ name: 'Asha' });
    const refuse = () => requireForm(schema, posted({ name: 'A' }));
    expect(refuse).toThrow(AppError);
    expect(refuse).toThrow(
      expect.objectContaining({ code: 'invalid', fields: { name: 'The name is too short.' } }),
    );
  });

  it('that is refused is answered with the error for a program, and with its status for a browser', () => {
    const limited = new AppError('rate_limited', 'Too many.', { retryAfterSeconds: 7 });
    const answer = (error: AppError, accept: string) => {
      const sent = { status: 200, headers: {} as Record<string, string> };
      const res = {
        set: (name: string, value: string) => Object.assign(sent.headers, { [name]: value }),
        status: (status: number) => Object.assign(sent, { status }),
      };
      refuseForm({ headers: { accept } } as Request, res as unknown as Response, error);
      return sent;
    };
    expect(() => answer(limited, 'application/json')).toThrow(limited);
    expect(answer(limited, 'text/html')).toEqual({ status: 429, headers: { 'Retry-After': '7' } });
    expect(answer(invalid({ name: 'Short.' }), 'text/html')).toEqual({ status: 400, headers: {} });
  });

  it('that is shown again keeps what was typed, cut to what the field takes', () => {
    expect(typedText(posted({ name: 'Asha' }), 'name')).toBe('Asha');
    expect(typedText(posted({ name: 'x'.repeat(300) }), 'name')).toBe('x'.repeat(256));
    expect(typedText(posted({ name: 'Asha' }), 'name', 2)).toBe('As');
    for (const body of [undefined, {}, { name: ['Asha'] }, { name: 5 }])
      expect(typedText(posted(body), 'name')).toBeUndefined();
  });
});
