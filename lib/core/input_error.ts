/**
 * A fault of what came from outside: a flag, a file, a folder, an interrupted run. Its message is one line that
 * says what is wrong, where, and what to do; command lines print that line and exit with code 2. Misuse of a
 * function by a program is a `RangeError` or `TypeError` instead.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { InputError } from "@small-vectors/steering";
 *
 * const error = new InputError("no model", { where: "./models/a", repair: "pass --model with a folder that exists" });
 * assertEquals(error.message, "no model: ./models/a (pass --model with a folder that exists)");
 * ```
 */
export class InputError extends Error {
  /** Always "InputError". */
  override readonly name = "InputError";
  /** What went wrong, without the place, which differs from machine to machine. */
  readonly what: string;

  /** `what` went wrong, `where` (a path, a flag), and the `repair` a person can make. */
  constructor(
    what: string,
    options: { where?: string | undefined; repair?: string | undefined; cause?: unknown } = {},
  ) {
    const where = options.where === undefined ? "" : `: ${options.where}`;
    const repair = options.repair === undefined ? "" : ` (${options.repair})`;
    const line = `${what}${where}${repair}`.replace(/\s*\n\s*/g, " ");
    super(line, options.cause === undefined ? {} : { cause: options.cause });
    this.what = what.replace(/\s*\n\s*/g, " ");
  }
}
