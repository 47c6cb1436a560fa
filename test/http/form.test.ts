import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../src/errors.ts';
import { readForm, requireForm } from '../../src/http/form.ts';

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
});
