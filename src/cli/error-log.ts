import type { Logger } from 'pino';
import { z } from 'zod';
import { createLogger } from '../boot/logger.ts';

const lineSchema = z.object({
  msg: z.string(),
  err: z.object({ message: z.string() }).optional(),
  audit: z.unknown().optional(),
});

/**
 * Logs errors inside the services as a line each on the error stream: the sentence and its cause. Less
 * than errors is left out, since the command itself says how it went. Entries that the audit log could not take are kept whole.
 */
export function createErrorLog(say: (text: string) => void): Logger {
  return createLogger('error', {
    write(line) {
      const { msg, err, audit } = lineSchema.parse(JSON.parse(line));
      const cause = err === undefined ? '' : `: ${err.message}`;
      const entries = audit === undefined ? '' : ` ${JSON.stringify(audit)}`;
      say(`curfew: ${msg}${cause}.${entries}`);
    },
  });
}
