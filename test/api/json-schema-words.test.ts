import { describe, expect, it } from 'vitest';
import { describeFields, describeType } from '../../src/api/json-schema-labels.ts';

describe('a JSON schema in words', () => {
  it.each([
    [{ type: 'string' }, 'text'],
    [{ type: 'string', maxLength: 20 }, 'text, at most 20 characters'],
    [{ type: 'integer', minimum: 1, maximum: 100, default: 50 }, 'whole number, 1 to 100, 50 by default'],
    [{ type: ['number', 'null'] }, 'number or null'],
    [{ anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] }, 'date and time or null'],
    [{ type: 'array', items: { type: 'string', enum: ['a', 'b'] } }, 'list of a, b'],
    [{ const: 'success' }, '"success"'],
    [{ type: 'object' }, 'object'],
  ] as const)('%j', (schema, words) => {
    expect(describeType(structuredClone(schema) as Parameters<typeof describeType>[0])).toBe(words);
  });

  it('names the fields as one gets to them, through lists and references', () => {
    const inner = {
      type: 'object' as const,
      properties: { id: { type: 'string' as const } },
      required: ['id'],
    };
    const schema = {
      type: 'object' as const,
      properties: {
        one: { $ref: '#/components/schemas/Inner' },
        many: { type: 'array' as const, items: inner },
      },
    };
    const fields = describeFields(schema, { Inner: inner });
    expect(fields.map(({ name, required }) => `${name} ${required}`)).toEqual([
      'one.id true',
      'many[].id true',
    ]);
  });
});
