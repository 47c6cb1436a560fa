import type { z } from 'zod';

/** A problem with one parameter, as a sentence that names it and can be shown by itself. */
export type InputProblem = readonly [name: string, message: string];

type Issue = z.core.$ZodIssue;

/** A finding of the schema in words for people who write programs: zod's own say how it looked, not what to send. */
export function describeInputProblem(issue: Issue): readonly InputProblem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => [key, `There is no parameter "${key}" here.`]);
  const name = issue.path.join('.');
  return [[name, `${name} ${demandOf(issue)}.`]];
}

function demandOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return 'must be a whole number';
      return issue.expected === 'number' ? 'must be a number' : 'must be there once, as text';
    case 'too_big':
      return issue.origin === 'string'
        ? `must have ${issue.maximum} characters or fewer`
        : `must be ${issue.maximum} or less`;
    case 'too_small':
      return issue.origin === 'string'
        ? `must have ${issue.minimum} characters or more`
        : `must be ${issue.minimum} or more`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    // A schema's own messages are sentences already.
    case 'custom':
      return issue.message;
    default:
      return 'cannot be read';
  }
}
