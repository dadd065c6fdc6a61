import { TemplateFault } from "./_faults.ts";
import { type CallArguments, intOf, typeName, type Value } from "./_values.ts";

/** Stands for the default of a parameter that has none. */
export const REQUIRED = Symbol("required");

/** What a function takes: its parameters in order, each with its default. */
export type Parameters<N extends string> = Readonly<Record<N, Value | typeof REQUIRED>>;

/** The arguments of a call by the names of the parameters; `TemplateFault` for ones too many, missing or unknown. */
export function bound<N extends string>(
  { positional, named }: CallArguments,
  what: string,
  parameters: Parameters<N>,
): Readonly<Record<N, Value>> {
  const names = Object.keys(parameters) as N[];
  if (positional.length > names.length) {
    throw new TemplateFault(`${what} takes at most ${names.length} arguments (${positional.length} given)`);
  }
  const values = { ...parameters } as Record<N, Value | typeof REQUIRED>;
  positional.forEach((value, place) => values[names[place] as N] = value);
  for (const [name, value] of named) {
    const place = names.indexOf(name as N);
    if (place < 0) throw new TemplateFault(`${what} got an unexpected keyword argument '${name}'`);
    if (place < positional.length) {
      throw new TemplateFault(`${what} got multiple values for argument '${name}'`);
    }
    values[name as N] = value;
  }
  const missing = names.find((name) => values[name] === REQUIRED);
  if (missing !== undefined) throw new TemplateFault(`${what} misses the argument '${missing}'`);
  return values as Record<N, Value>;
}

/** An argument that has to be a text. */
export function textArgument(value: Value, what: string): string {
  if (typeof value === "string") return value;
  throw new TemplateFault(`${what} must be str, not ${typeName(value)}`);
}

/** An argument that has to be an int, within what a list or text can have. */
export function countArgument(value: Value, what: string): number {
  const whole = intOf(value);
  if (whole === null) {
    throw new TemplateFault(`${what}: '${typeName(value)}' object cannot be interpreted as an integer`);
  }
  const bound = 2n ** 40n;
  return Number(whole > bound ? bound : whole < -bound ? -bound : whole);
}

/** The same where None stands for `absent`. */
export function optionalCount(
  value: Value,
  options: { readonly what: string; readonly absent: number },
): number {
  return value === null ? options.absent : countArgument(value, options.what);
}
