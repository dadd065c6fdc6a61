import { bound, REQUIRED } from "./_arguments.ts";
import { Arithmetic } from "./_arithmetic.ts";
import type { Comparison } from "./_comparer.ts";
import { TemplateFault } from "./_faults.ts";
import type { OperationCall } from "./_operation.ts";
import { isCallable, LoopState } from "./_instances.ts";
import { hasCase } from "./_letters.ts";
import {
  Dict,
  DictView,
  isNumber,
  List,
  Markup,
  NumberRange,
  Stream,
  Tuple,
  Undefined,
  type Value,
} from "./_values.ts";

type Test = (call: OperationCall) => boolean;

/** A test without arguments. */
function plain(name: string, holds: (value: Value) => boolean): Test {
  return ({ value, args }) => {
    bound(args, `the test '${name}'`, {});
    return holds(value);
  };
}

function compared(operator: Comparison): Test {
  return ({ value, args, tools }) => {
    const { other } = bound(args, `the test '${operator}'`, { other: REQUIRED });
    return tools.comparer.holds(operator, [value, other]);
  };
}

/** Python's `value % divisor`. */
function remainder(call: OperationCall, divisor: Value): Value {
  return new Arithmetic(call.tools).binary("%", [call.value, divisor]);
}

function parity(name: string, rest: bigint): Test {
  return (call) => {
    bound(call.args, `the test '${name}'`, {});
    return call.tools.comparer.equal(remainder(call, 2n), rest);
  };
}

function cased(wanted: "lower" | "upper"): Test {
  return ({ value, args, tools }) => {
    bound(args, `the test '${wanted}'`, {});
    const text = tools.printer.text(value);
    tools.work.letters(text.length);
    return hasCase(text, wanted);
  };
}

function sameAs({ value, args }: OperationCall): boolean {
  const { other } = bound(args, "the test 'sameas'", { other: REQUIRED });
  const named = (one: Value): boolean => one === null || typeof one === "boolean";
  if (named(value) || named(other)) return value === other;
  const plainValue = (one: Value): boolean => typeof one === "string" || isNumber(one);
  if (plainValue(value) && plainValue(other)) {
    throw new TemplateFault(
      "'sameas' of texts and numbers is not supported: it asks where Python keeps them",
    );
  }
  return value === other;
}

function isIterable(value: Value): boolean {
  return isSequence(value) || value instanceof DictView || value instanceof Stream ||
    value instanceof LoopState;
}

function isSequence(value: Value): boolean {
  return typeof value === "string" || value instanceof List || value instanceof Tuple ||
    value instanceof Dict ||
    value instanceof NumberRange || value instanceof Undefined || value instanceof Markup;
}

/** The tests of jinja2 by name. */
export const TESTS: Readonly<Record<string, Test>> = {
  "!=": compared("!="),
  "<": compared("<"),
  "<=": compared("<="),
  "==": compared("=="),
  ">": compared(">"),
  ">=": compared(">="),
  boolean: plain("boolean", (value) => typeof value === "boolean"),
  callable: plain("callable", isCallable),
  defined: plain("defined", (value) => !(value instanceof Undefined)),
  divisibleby(call) {
    const { num } = bound(call.args, "the test 'divisibleby'", { num: REQUIRED });
    return call.tools.comparer.equal(remainder(call, num), 0n);
  },
  eq: compared("=="),
  equalto: compared("=="),
  escaped: plain("escaped", (value) => value instanceof Markup),
  even: parity("even", 0n),
  false: plain("false", (value) => value === false),
  filter: ({ value, library }) => typeof value === "string" && library.hasFilter(value),
  float: plain("float", (value) => typeof value === "number"),
  ge: compared(">="),
  greaterthan: compared(">"),
  gt: compared(">"),
  in: ({ value, args, tools }) => {
    const { seq } = bound(args, "the test 'in'", { seq: REQUIRED });
    return tools.comparer.contains(seq, value);
  },
  integer: plain("integer", (value) => typeof value === "bigint"),
  iterable: plain("iterable", isIterable),
  le: compared("<="),
  lessthan: compared("<"),
  lower: cased("lower"),
  lt: compared("<"),
  mapping: plain("mapping", (value) => value instanceof Dict),
  ne: compared("!="),
  none: plain("none", (value) => value === null),
  number: plain("number", isNumber),
  odd: parity("odd", 1n),
  sameas: sameAs,
  sequence: plain("sequence", isSequence),
  string: plain("string", (value) => typeof value === "string" || value instanceof Markup),
  test: ({ value, library }) => typeof value === "string" && library.hasTest(value),
  true: plain("true", (value) => value === true),
  undefined: plain("undefined", (value) => value instanceof Undefined),
  upper: cased("upper"),
};
