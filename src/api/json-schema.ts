import { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** JSON Schema of an input. */
export function describeInput(schema: z.ZodType): JsonSchema {
  return withoutIdentity(z.toJSONSchema(schema, { io: 'input', override: simplify }));
}

/** JSON Schemas of the answers, by name. One that is a part of another is named there and described once. */
export function describeOutputs(
  schemas: Readonly<Record<string, z.ZodObject>>,
): Readonly<Record<string, JsonSchema>> {
  const names = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) names.add(schema, { id });
  const described = z.toJSONSchema(names, {
    io: 'output',
    uri: (name) => `#/components/schemas/${name}`,
    override: simplify,
  });
  return Object.fromEntries(
    Object.entries(described.schemas).map(([name, schema]) => [name, withoutIdentity(schema)]),
  );
}

/**
 * OpenAPI 3.1 takes JSON Schema as it is. Left out: the pattern beside a format, which says the same at length, the
 * bounds that every whole number has, and `additionalProperties`, because answers may get more fields some day.
 */
function simplify({ jsonSchema }: { readonly jsonSchema: JsonSchema }): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  delete jsonSchema.additionalProperties;
}

/** The document says once for all which dialect it is in; and a name with `#` is none that a schema may have. */
function withoutIdentity({ $schema: _dialect, $id: _name, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
