/** The part of JSON Schema that the protocol's schemas come out as. */
export type JsonSchema = {
  type?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  items?: JsonSchema | false;
  prefixItems?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | false;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  default?: unknown;
};

/** A schema as a TypeScript type, with what a type can't say in comments behind its fields. */
export function typeText(schema: JsonSchema, indent = ""): string {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (schema.$ref) return schema.$ref.split("/").at(-1) ?? "unknown";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (alternatives) return alternatives.map((one) => typeText(one, indent)).join(" | ");
  if (schema.type === "array") return arrayText(schema, indent);
  if (schema.type === "object") return objectText(schema, indent);
  if (schema.type === "integer") return "number";
  return schema.type ?? "unknown";
}

function arrayText({ items, prefixItems }: JsonSchema, indent: string): string {
  if (prefixItems) return `[${prefixItems.map((item) => typeText(item, indent)).join(", ")}]`;
  const item = items ? typeText(items, indent) : "unknown";
  return item.includes(" | ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
}

function objectText({ properties = {}, required = [], additionalProperties }: JsonSchema, indent: string): string {
  const fields = Object.entries(properties);
  if (fields.length === 0 && additionalProperties) return `Record<string, ${typeText(additionalProperties, indent)}>`;
  if (fields.length === 0) return "{}";
  const inner = `${indent}  `;
  const lines = fields.map(([name, field]) => {
    const notes = fieldNotes(field);
    const mark = required.includes(name) ? "" : "?";
    return `${inner}${name}${mark}: ${typeText(field, inner)};${notes ? ` // ${notes}` : ""}`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** Bounds, form and default of a field in words; empty where the type says all. */
export function fieldNotes(schema: JsonSchema): string {
  const notes: string[] = [];
  const { minimum: low = Number.MIN_SAFE_INTEGER, maximum: high = Number.MAX_SAFE_INTEGER } = schema;
  if (schema.type === "integer") notes.push("integer");
  if (low > Number.MIN_SAFE_INTEGER && high < Number.MAX_SAFE_INTEGER) notes.push(`${low} to ${high}`);
  else if (low > Number.MIN_SAFE_INTEGER) notes.push(`${low} or more`);
  else if (high < Number.MAX_SAFE_INTEGER) notes.push(`${high} or less`);
  if (schema.maxLength !== undefined) notes.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`);
  else if (schema.minLength !== undefined && schema.minLength > 1) notes.push(`${schema.minLength} characters or more`);
  if (schema.maxItems !== undefined && !schema.prefixItems) notes.push(`at most ${schema.maxItems}`);
  if (schema.pattern !== undefined && schema.format !== "uri") notes.push(`form ${schema.pattern}`);
  if (schema.default !== undefined) notes.push(`default ${JSON.stringify(schema.default)}`);
  return notes.join(", ");
}
