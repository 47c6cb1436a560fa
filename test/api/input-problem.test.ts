import { expect, it } from 'vitest';
import { z } from 'zod';
import { line } from '../../src/api/endpoint.ts';
import { describeInputProblem } from '../../src/api/input-problem.ts';

const schema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(1),
  q: line(5).min(2).default('ab'),
  side: z.enum(['buy', 'sell']).optional(),
  day: z.iso.date().optional(),
});

it.each([
  [{ limit: 'ten' }, 'limit must be a number.'],
  [{ limit: '1.5' }, 'limit must be a whole number.'],
  [{ limit: '501' }, 'limit must be 500 or less.'],
  [{ limit: '0' }, 'limit must be 1 or more.'],
  [{ q: 'abcdef' }, 'q must have 5 characters or fewer.'],
  [{ q: 'a' }, 'q must have 2 characters or more.'],
  [{ q: ['ab', 'cd'] }, 'q must be there once, as text.'],
  [{ q: 'a\u0007b' }, 'q must have no control characters.'],
  [{ side: 'hold' }, 'side must be one of buy, sell.'],
  [{ day: 'Monday' }, 'day cannot be read.'],
  [{ limits: '5' }, 'There is no parameter "limits" here.'],
])('says of %j what to send instead', (query, words) => {
  const problems = schema.safeParse(query).error?.issues.flatMap(describeInputProblem) ?? [];
  expect(problems[0]?.[1]).toBe(words);
});
