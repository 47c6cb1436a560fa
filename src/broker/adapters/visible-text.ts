import { z } from 'zod';

/**
 * Keys, secrets and tokens: printable ASCII without spaces. What is anything else cannot stand in a header, and the error
 * that `fetch` would throw for it carries the text.
 */
export const visibleText = z.string().regex(/^[\x21-\x7e]{1,4096}$/);
