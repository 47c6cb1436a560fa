import type { Request } from 'express';
import type { z } from 'zod';
import { invalid } from '../errors.ts';

export type FormResult<T> =
  | { readonly ok: true; readonly values: T }
  | { readonly ok: false; readonly fields: Readonly<Record<string, string>> };

/** Reads a posted form or JSON body. A page that shows the form again wants the result as a value. */
export function readForm<T>(schema: z.ZodType<T>, req: Request): FormResult<T> {
  const parsed = schema.safeParse(req.body ?? {});
  if (parsed.success) return { ok: true, values: parsed.data };
  const fields: Record<string, string> = {};
  for (const issue of parsed.error.issues) fields[issue.path.join('.') || 'form'] ??= issue.message;
  return { ok: false, fields };
}

/** The same for a route without a form to show again: throws `invalid`. */
export function requireForm<T>(schema: z.ZodType<T>, req: Request): T {
  const result = readForm(schema, req);
  if (!result.ok) throw invalid(result.fields);
  return result.values;
}
