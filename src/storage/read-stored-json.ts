import type { z } from 'zod';

/**
 * Reads what this program stored as JSON in a column. Text of another shape becomes the fallback: one damaged row must not
 * keep the page with all the others from being shown. Where the value protects something, choose the strictest one.
 */
export function readStoredJson<T>(text: string, schema: z.ZodType<T>, fallback: T): T {
  try {
    const read = schema.safeParse(JSON.parse(text));
    return read.success ? read.data : fallback;
  } catch {
    return fallback;
  }
}
