import type { Request, Response } from 'express';
import type { z } from 'zod';
import { type AppError, invalid } from '../errors.ts';
import { wantsJson } from './wants-json.ts';

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

/** Before a form is shown again: throws the error for a program; for a browser it sets the status, and Retry-After where the error has one. */
export function refuseForm(req: Request, res: Response, error: AppError): void {
  if (wantsJson(req)) throw error;
  if (error.retryAfterSeconds !== undefined) res.set('Retry-After', String(error.retryAfterSeconds));
  res.status(error.status);
}

/** The typed text of a field, for a form that is shown again: cut to `longest` characters, and undefined where it was not sent. */
export function typedText(req: Request, field: string, longest = 256): string | undefined {
  const value: unknown = req.body?.[field];
  return typeof value === 'string' ? value.slice(0, longest) : undefined;
}
