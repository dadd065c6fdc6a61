/**
 * A stand-in for jsr:@std/assert, on Node's own `assert`: the names and signatures this project uses, nothing
 * more. `links` in deno.json selects it; delete that field to use the published package.
 *
 * @module
 */
import { deepStrictEqual, notDeepStrictEqual } from "node:assert";
import { inspect } from "node:util";

/** The error of a failed assertion. */
export class AssertionError extends Error {
  /** Always "AssertionError". */
  override name = "AssertionError";
}

/** A class whose instances are errors, abstract ones included. */
// deno-lint-ignore no-explicit-any
export type ErrorClass<E extends Error = Error> = abstract new (...args: any[]) => E;

/** A class of any kind. */
// deno-lint-ignore no-explicit-any
export type AnyClass = abstract new (...args: any[]) => any;

function fail(line: string, msg: string | undefined): never {
  throw new AssertionError(msg === undefined ? line : `${line}: ${msg}`);
}

function holds(compare: () => void): string | null {
  try {
    compare();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Throws unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  const difference = holds(() => deepStrictEqual(actual, expected));
  if (difference !== null) fail(difference, msg);
}

/** Throws when both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (holds(() => notDeepStrictEqual(actual, expected)) !== null) {
    fail(`Expected a value other than ${inspect(expected)}`, msg);
  }
}

/** Throws unless both are the same value or object (`Object.is`). */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (!Object.is(actual, expected)) {
    fail(`Expected the very same value ${inspect(expected)}, got ${inspect(actual)}`, msg);
  }
}

/** Throws unless |actual − expected| ≤ tolerance; NaN is close to NaN alone. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const bound = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const difference = Math.abs(expected - actual);
  if (difference <= bound) return;
  fail(`Expected ${actual} to be within ${bound} of ${expected}, but they differ by ${difference}`, msg);
}

/** Throws unless `actual` is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) fail(`Expected a value, got ${actual}`, msg);
}

/** Throws unless `actual` was made by `expectedType` or a class derived from it. */
export function assertInstanceOf<T extends AnyClass>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (!(actual instanceof expectedType)) {
    fail(`Expected an instance of ${expectedType.name}, got ${inspect(actual)}`, msg);
  }
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) fail(`Expected ${inspect(actual)} to contain ${inspect(expected)}`, msg);
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (actual.search(expected) < 0) fail(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

function checkError(error: unknown, rule: readonly [unknown?, string?, string?]): Error {
  const plain = typeof rule[0] === "string" || rule[0] === undefined;
  const type = plain ? undefined : rule[0] as ErrorClass;
  const part = plain ? undefined : rule[1];
  const msg = plain ? rule[0] as string | undefined : rule[2];
  if (!(error instanceof Error)) fail(`Expected an Error, got ${inspect(error)}`, msg);
  const rightClass: boolean = type === undefined || error instanceof type;
  if (!rightClass) {
    fail(`Expected an error of class ${type?.name}, got ${error.name} (${error.message})`, msg);
  }
  if (part !== undefined && !error.message.includes(part)) {
    fail(`Expected the message to contain ${inspect(part)}, got ${inspect(error.message)}`, msg);
  }
  return error;
}

function lastMessage(rule: readonly [unknown?, string?, string?]): string | undefined {
  return typeof rule[0] === "string" ? rule[0] : rule[2];
}

/** Throws unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless `fn` throws an error of the class, whose message contains `msgIncludes`; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...rule: [unknown?, string?, string?]): unknown {
  let thrown: { readonly error: unknown } | undefined;
  try {
    fn();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) fail("Expected the function to throw", lastMessage(rule));
  return typeof rule[0] === "function" ? checkError(thrown.error, rule) : thrown.error;
}

/** Rejects unless `fn` gives a promise that rejects; resolves to what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Rejects unless `fn` gives a promise that rejects with an error of the class, whose message contains `msgIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...rule: [unknown?, string?, string?]
): Promise<unknown> {
  let thrown: { readonly error: unknown } | undefined;
  let promised = false;
  try {
    const promise = fn();
    promised = typeof promise?.then === "function";
    await promise;
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) fail("Expected the promise to reject", lastMessage(rule));
  if (!promised) fail("Expected a promise that rejects, but the function threw at once", lastMessage(rule));
  return typeof rule[0] === "function" ? checkError(thrown.error, rule) : thrown.error;
}
