import { Environment, Interpreter, type parse } from "@huggingface/jinja";
import { InputError } from "../core/mod.ts";

/** A parsed template, and what evaluating a part of it gives; the package does not name these types. */
export type TemplateProgram = ReturnType<typeof parse>;
type Statement = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;
type Value = ReturnType<Interpreter["evaluate"]>;

/**
 * Steps of one rendering: parts evaluated, turns of loops, letters and elements that are made. A
 * conversation of two thousand turns stays within it; a loop without end reaches it in about a second.
 */
export const STEP_LIMIT = 1_000_000;

/** Letters that count as one step: copying them is what one evaluation costs. */
const LETTERS_PER_STEP = 16;

/** Elements of a list that count as one step where the list is handed on, not walked through. */
const ELEMENTS_PER_STEP = 64;

/**
 * Bound for what one operation can make out of two sizes (a text and what is put between its letters). The largest
 * legitimate use is a replacement in a long message.
 */
const PRODUCT_LIMIT = 61_000_000;

/** Levels of lists in lists; a conversation has three. */
const DEPTH_LIMIT = 64;

/** Operations whose result can be as long as the product of their operands. */
const MULTIPLYING = new Set(["replace", "join", "indent", "tojson"]);

function tooMuch(where: string): InputError {
  return new InputError("the chat template does more work than a conversation needs", {
    where,
    repair: "use a tokenizer whose template has no endless loop",
  });
}

/** `range` of the dialect with its length checked before anything is made. */
export function boundedRange(where: string): (first: number, second?: number, step?: number) => number[] {
  return (first, second, step = 1) => {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    const length = Math.max(0, Math.ceil((stop - start) / step));
    if (!(length <= STEP_LIMIT / 4)) throw tooMuch(where);
    return Array.from({ length }, (_, index) => start + index * step);
  };
}

/** Which operand of which operation a part of the template is: sizes of one operation are multiplied. */
interface Operand {
  readonly sizes: number[];
  readonly index: number;
}

function isStatement(node: unknown): node is Statement {
  return typeof node === "object" && node !== null && "type" in node && typeof node.type === "string";
}

/** What of a template costs more than its own evaluation. */
interface CostlyParts {
  /** Lists that a loop goes through, where an empty body would cost nothing. */
  readonly iterables: ReadonlySet<unknown>;
  /** Parts whose sizes multiply. */
  readonly operands: ReadonlyMap<Statement, Operand>;
}

/** Finds them. Depth is bounded: the parser recursed as deeply before. */
function costlyParts(program: TemplateProgram): CostlyParts {
  const iterables = new Set<unknown>(), operands = new Map<Statement, Operand>();
  const claim = (nodes: readonly unknown[], least: number): void => {
    const sizes = [least];
    for (const node of nodes) {
      const value = isStatement(node) && "value" in node && node.type === "KeywordArgumentExpression"
        ? node.value
        : node;
      if (isStatement(value)) operands.set(value, { sizes, index: sizes.push(1) - 1 });
    }
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (node instanceof Map) return [...node].forEach(visit);
    if (!isStatement(node)) return;
    const parts = node as unknown as Readonly<Record<string, unknown>>;
    const call = (parts.filter ?? node) as Readonly<Record<string, unknown>>;
    if (node.type === "For") {
      const { lhs } = parts.iterable as { readonly lhs?: unknown };
      iterables.add(parts.iterable).add(lhs);
    }
    const args = Array.isArray(call.args) ? call.args : [];
    const callee = call.callee as Readonly<Record<string, unknown>> | undefined;
    const property = callee?.property as Readonly<Record<string, unknown>> | undefined;
    const name = String(property?.value ?? callee?.value);
    if (node.type === "FilterExpression" && MULTIPLYING.has(name)) claim([parts.operand, ...args], 1);
    // The text under a filter block is never evaluated as one part, so it counts with a size of its own.
    if (node.type === "FilterStatement" && MULTIPLYING.has(name)) claim(args, PRODUCT_LIMIT / 64);
    // A method may be reached by a computed name as well: every call on something counts.
    if (node.type === "CallExpression" && property !== undefined) claim([callee?.object, ...args], 1);
    Object.values(parts).forEach(visit);
  };
  visit(program);
  return { iterables, operands };
}

/**
 * Runs a parsed template within a bound on work and memory that depends on no clock: the same template and the same
 * conversation are accepted or refused alike on every machine. It has no way out: its functions are those given.
 */
export class BoundedInterpreter extends Interpreter {
  readonly #costly: CostlyParts;
  /** Sizes of lists and maps that can no longer change. */
  readonly #sizes = new WeakMap<object, number>();
  readonly #where: string;
  #steps = 0;

  /** For one rendering of `program` with the given variables and functions; `where` names its file. */
  constructor(
    program: TemplateProgram,
    options: { readonly variables: Readonly<Record<string, unknown>>; readonly where: string },
  ) {
    const environment = new Environment();
    for (const [name, value] of Object.entries(options.variables)) environment.set(name, value);
    super(environment);
    this.#costly = costlyParts(program);
    this.#where = options.where;
  }

  override evaluate(...[statement, environment]: Parameters<Interpreter["evaluate"]>): Value {
    this.#charge(1);
    const value = super.evaluate(statement, environment);
    const size = this.#sizeOf(value, 0).size;
    if (value.type === "StringValue") this.#charge(size / LETTERS_PER_STEP);
    else if (Array.isArray(value.value)) {
      const looped = this.#costly.iterables.has(statement);
      this.#charge(looped ? value.value.length : value.value.length / ELEMENTS_PER_STEP);
    }
    const operand = statement === undefined ? undefined : this.#costly.operands.get(statement);
    if (operand !== undefined) {
      this.#checkProduct(operand, value.type === "IntegerValue" ? Number(value.value) : size);
    }
    return value;
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > STEP_LIMIT) throw tooMuch(this.#where);
  }

  /** The largest size that each operand ever had counts, so no recursion can swap a large one for a small one. */
  #checkProduct({ sizes, index }: Operand, size: number): void {
    sizes[index] = Math.max(sizes[index] as number, size);
    if (sizes.reduce((product, factor) => product * factor, 1) > PRODUCT_LIMIT) throw tooMuch(this.#where);
  }

  /**
   * Letters and elements of a value written out in full. A list may hold another one twice, and that one a third
   * twice: small in memory, endless as text. Whether it `changes`: namespaces alone can be assigned to.
   */
  #sizeOf(value: Value, depth: number): { readonly size: number; readonly changes: boolean } {
    const content: unknown = value.value;
    if (typeof content === "string") return { size: content.length, changes: false };
    const inner = content instanceof Map ? [...content.values()] : Array.isArray(content) ? content : null;
    if (inner === null) return { size: 1, changes: false };
    const known = this.#sizes.get(value);
    if (known !== undefined) return { size: known, changes: false };
    if (depth > DEPTH_LIMIT) throw tooMuch(this.#where);
    this.#charge(inner.length);
    let size = 1, changes = value.type === "NamespaceValue";
    for (const part of inner as Value[]) {
      const own = this.#sizeOf(part, depth + 1);
      size += 1 + own.size;
      changes ||= own.changes;
      if (size > PRODUCT_LIMIT) throw tooMuch(this.#where);
    }
    if (!changes) this.#sizes.set(value, size);
    return { size, changes };
  }
}
