import { z } from 'zod';
import type { AlertThresholds } from '../core/alert.ts';
import { type BanRules, isAscending } from '../core/ban-policy.ts';
import { DAY_MS, HOUR_MS } from '../core/duration.ts';
import { banLength } from './ban-form.ts';
import { MOST_PATTERNS, whyBadPattern } from './suspicious-path.ts';

const MOST_HITS_OF_ONE = 200;

export const WINDOWS = [
  { value: '1h', label: 'An hour', ms: HOUR_MS },
  { value: '6h', label: '6 hours', ms: 6 * HOUR_MS },
  { value: '24h', label: '24 hours', ms: DAY_MS },
  { value: '48h', label: '48 hours', ms: 2 * DAY_MS },
  { value: '1w', label: 'A week', ms: 7 * DAY_MS },
] as const;

/** How many steps the ladder has on the page. */
export const LADDER_STEPS = 4;

const automatic = z
  .string()
  .optional()
  .transform((ticked) => ticked === 'yes');

const wholeNumber = (least: number, most: number) =>
  z
    .string({ error: 'Enter a number.' })
    .trim()
    .regex(/^\d{1,5}$/, 'Enter a whole number.')
    .transform(Number)
    .refine((number) => number >= least && number <= most, `Enter a number from ${least} to ${most}.`);

const count = wholeNumber(1, MOST_HITS_OF_ONE);

const windowMs = z
  .enum(
    WINDOWS.map(({ value }) => value),
    { error: 'Choose one of the windows.' },
  )
  .transform((chosen) => WINDOWS.find(({ value }) => value === chosen)?.ms ?? DAY_MS);

const patterns = z.string({ error: 'Enter patterns, one in a line.' }).transform((text, context) => {
  const lines = [...new Set(text.split(/\r?\n/).map((line) => line.trim().toLowerCase()))].filter(
    (line) => line !== '',
  );
  if (lines.length > MOST_PATTERNS)
    context.addIssue({ code: 'custom', message: `Enter at most ${MOST_PATTERNS} patterns.` });
  const wrong = lines.slice(0, MOST_PATTERNS).find((line) => whyBadPattern(line) !== undefined);
  if (wrong !== undefined)
    context.addIssue({ code: 'custom', message: `“${wrong.slice(0, 60)}” ${whyBadPattern(wrong)}.` });
  return lines;
});

const ladder = z
  .object({ length1: banLength, length2: banLength, length3: banLength, length4: banLength })
  .transform(({ length1, length2, length3, length4 }) => [length1, length2, length3, length4]);

const fields = z.object({
  keysAutomatic: automatic,
  keysCount: count,
  keysWindow: windowMs,
  pathsAutomatic: automatic,
  pathsCount: count,
  pathsWindow: windowMs,
  patterns,
});

/** Reads the form of the thresholds for bans. */
export const thresholdForm: z.ZodType<Omit<BanRules, 'alerts'>> = z
  .intersection(
    fields,
    ladder
      .superRefine((lengths, context) => {
        if (!isAscending(lengths))
          context.addIssue({
            code: 'custom',
            path: ['length1'],
            message: 'No ban may be shorter than the one before it.',
          });
      })
      .transform((lengths) => ({ ladder: lengths })),
  )
  .transform((form) => ({
    thresholds: {
      invalid_api_keys: {
        automatic: form.keysAutomatic,
        count: form.keysCount,
        windowMs: form.keysWindow,
      },
      suspicious_paths: {
        automatic: form.pathsAutomatic,
        count: form.pathsCount,
        windowMs: form.pathsWindow,
      },
    },
    ladder: form.ladder,
    suspiciousPaths: form.patterns,
  }));

/** The edges of latency buckets: slow answers are counted in those. */
export const SLOW_MS = [100, 250, 500, 1000] as const;

/** Reads the form of the thresholds for alerts. */
export const alertForm: z.ZodType<AlertThresholds> = z.object({
  slowMs: z.enum(SLOW_MS.map(String), { error: 'Choose one of the times.' }).transform(Number),
  failedPercent: wholeNumber(1, 100),
  refusedPercent: wholeNumber(1, 100),
  addresses: wholeNumber(1, 30),
  eventLoopMs: wholeNumber(20, 10_000),
  droppedRows: wholeNumber(0, 10_000),
  revocationMinutes: wholeNumber(1, 1440),
});
