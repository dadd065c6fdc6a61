import type { z } from "zod";
import { InputError } from "../core/mod.ts";

/** The value as a schema has it, or an `InputError` that says what is wrong first, and where in the config. */
export function checkedConfig<T>(
  schema: z.ZodType<T>,
  value: unknown,
  options: {
    /** What it is a config of, as messages say it. */
    readonly what: string;
    readonly where: string;
  },
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues, { what, where } = options;
  throw new InputError(`bad ${what} at ${issue?.path.join(".") || "its top"}, ${issue?.message}`, { where });
}
