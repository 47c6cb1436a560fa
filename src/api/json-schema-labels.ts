import type { JsonSchema } from './json-schema.ts';

type Schemas = Readonly<Record<string, JsonSchema>>;

export interface FieldDescription {
  /** `brokers[].endsAt`: how one gets there. */
  readonly name: string;
  readonly type: string;
  readonly description: string;
  /** Whether it is always there, or must be. */
  readonly required: boolean;
}

/** A schema as a person reads it: `whole number, 1 to 100, 50 by default`. */
export function describeType(schema: JsonSchema): string {
  const { anyOf } = schema;
  if (anyOf !== undefined) return anyOf.map(describeType).join(' or ');
  const parts = [baseType(schema), bounds(schema)];
  if (schema.default !== undefined && schema.default !== '') parts.push(`${schema.default} by default`);
  return parts.filter((part) => part !== '').join(', ');
}

function baseType({ type, format, const: only, enum: choices, items }: JsonSchema): string {
  if (only !== undefined) return JSON.stringify(only);
  if (choices !== undefined) return choices.join(', ');
  if (format === 'date-time') return 'date and time';
  if (format === 'date') return 'date';
  if (type === 'array') return isSchema(items) ? `list of ${describeType(items)}` : 'list';
  const types: readonly unknown[] = [type].flat();
  return types.map((each) => TYPES.get(each) ?? 'object').join(' or ');
}

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['string', 'text'],
  ['integer', 'whole number'],
  ['number', 'number'],
  ['boolean', 'true or false'],
  ['null', 'null'],
]);

function bounds({ minimum, maximum, maxLength }: JsonSchema): string {
  if (maxLength !== undefined) return `at most ${maxLength} characters`;
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return '';
}

/** Every field below a schema, the outer ones first. */
export function describeFields(schema: JsonSchema, schemas: Schemas): readonly FieldDescription[] {
  return fieldsBelow(schema, '', schemas);
}

function fieldsBelow(schema: JsonSchema, prefix: string, schemas: Schemas): readonly FieldDescription[] {
  const { properties = {}, required = [] } = resolve(schema, schemas);
  return Object.entries(properties).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const inner = isSchema(property.items) ? property.items : property;
    const path = `${prefix}${name}${inner === property ? '' : '[]'}`;
    const below = fieldsBelow(inner, `${path}.`, schemas);
    const { description = '' } = property;
    const type = describeType(property);
    const described = { name: path, type, description, required: required.includes(name) };
    return below.length > 0 && description === '' ? below : [described, ...below];
  });
}

function resolve(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const name = schema.$ref?.split('/').at(-1);
  return (name === undefined ? undefined : schemas[name]) ?? schema;
}

/** `items` may also be a list of schemas or a truth value in JSON Schema; in ours it is one schema. */
function isSchema(items: JsonSchema['items']): items is JsonSchema {
  return typeof items === 'object' && !Array.isArray(items);
}
