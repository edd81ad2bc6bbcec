/** Whether an insert failed on that unique constraint or index; PGlite and PostgreSQL report it alike. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  const { code, constraint: broken } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === "23505" && broken === constraint;
}
