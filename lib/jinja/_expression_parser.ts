import { TemplateFault } from "./_faults.ts";
import type { Token } from "./_tokens_of.ts";
import type { BinaryOperator } from "./_arithmetic.ts";
import type { Comparison } from "./_comparer.ts";
import type { ArgumentNodes, Expression } from "./_nodes.ts";

const NO_ARGUMENTS: ArgumentNodes = { positional: [], named: [], rest: null, namedRest: null };

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** Names that mean a value wherever they stand. */
const NAMED_VALUES: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

/** Reads expressions, from the loosest binding (a choice) to the closest (a name with what follows it). */
export class ExpressionParser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The token that comes next, or one after it. */
  protected peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token;
  }

  protected take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  #isSign(value: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "sign" && token.value === value;
  }

  #isName(value: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "name" && token.value === value;
  }

  /** Takes a sign where it comes next. */
  protected skip(value: string): boolean {
    const there = this.#isSign(value);
    if (there) this.#next++;
    return there;
  }

  /** Takes a word where it comes next. */
  protected skipName(value: string): boolean {
    const there = this.#isName(value);
    if (there) this.#next++;
    return there;
  }

  #unexpected(expected: string): never {
    const { kind, value } = this.peek();
    const found = kind === "end"
      ? "end of template"
      : kind === "close"
      ? "end of statement block"
      : `'${value}'`;
    throw new TemplateFault(`expected ${expected}, got ${found}`);
  }

  protected expect(value: string): void {
    if (!this.skip(value)) this.#unexpected(`token '${value}'`);
  }

  protected expectName(value: string): void {
    if (!this.skipName(value)) this.#unexpected(`token '${value}'`);
  }

  protected takeName(): string {
    if (this.peek().kind !== "name") this.#unexpected("a name");
    return this.take().value;
  }

  /** The end of a tag. */
  protected close(bracket: string): void {
    const { kind, value } = this.peek();
    if (kind !== "close" || value !== bracket) this.#unexpected("end of statement block");
    this.#next++;
  }

  /** One expression, or several with commas between them as a tuple; without `choice`, an `if` ends it. */
  protected tuple(options: { readonly choice?: boolean } = {}): Expression {
    const { choice = true } = options;
    const items: Expression[] = [];
    let several = false;
    for (;;) {
      if (this.peek().kind === "close" || this.#isSign(")")) break;
      items.push(choice ? this.expression() : this.#or());
      if (!this.skip(",")) break;
      several = true;
    }
    if (several) return { kind: "tuple", items };
    return items[0] ?? this.#unexpected("an expression");
  }

  /** An expression: a choice `a if b else c`, or what binds closer. */
  protected expression(): Expression {
    let found = this.#or();
    while (this.skipName("if")) {
      const test = this.#or();
      found = { kind: "choice", test, yes: found, no: this.skipName("else") ? this.expression() : null };
    }
    return found;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.skipName("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.skipName("and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.skipName("not") ? { kind: "not", operand: this.#not() } : this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum(), rest: (readonly [Comparison, Expression])[] = [];
    for (;;) {
      const { kind, value } = this.peek();
      if (kind === "sign" && COMPARISONS.has(value)) {
        this.#next++;
        rest.push([value as Comparison, this.#sum()]);
      } else if (this.skipName("in")) rest.push(["in", this.#sum()]);
      else if (this.#isName("not") && this.#isName("in", 1)) {
        this.#next += 2;
        rest.push(["not in", this.#sum()]);
      } else return rest.length === 0 ? first : { kind: "compare", first, rest };
    }
  }

  /** Operands with operators of one strength between them, from left to right. */
  #chain(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const operator = operators.find((candidate) => this.#isSign(candidate));
      if (operator === undefined) return left;
      this.#next++;
      left = { kind: "binary", operator, left, right: operand() };
    }
  }

  #sum(): Expression {
    return this.#chain(["+", "-"], () => this.#concat());
  }

  #concat(): Expression {
    const parts = [this.#product()];
    while (this.skip("~")) parts.push(this.#product());
    return parts.length === 1 ? parts[0] as Expression : { kind: "concat", parts };
  }

  #product(): Expression {
    return this.#chain(["*", "/", "//", "%"], () => this.#chain(["**"], () => this.#signed()));
  }

  #signed(filtered = true): Expression {
    let found: Expression;
    if (this.skip("-")) found = { kind: "sign", operator: "-", operand: this.#signed(false) };
    else if (this.skip("+")) found = { kind: "sign", operator: "+", operand: this.#signed(false) };
    else found = this.#primary();
    found = this.#postfix(found);
    return filtered ? this.#filtersAndTests(found) : found;
  }

  #primary(): Expression {
    const { kind, value } = this.take();
    switch (kind) {
      case "name": {
        const named = NAMED_VALUES.get(value);
        return named === undefined ? { kind: "name", name: value } : { kind: "constant", value: named };
      }
      case "string": {
        let text = value;
        while (this.peek().kind === "string") text += this.take().value;
        return { kind: "constant", value: text };
      }
      case "integer":
        return { kind: "constant", value: BigInt(value.toLowerCase()) };
      case "float":
        return { kind: "constant", value: Number(value) };
    }
    if (kind === "sign" && value === "(") return this.#bracketed();
    if (kind === "sign" && value === "[") return { kind: "list", items: this.#items("]") };
    if (kind === "sign" && value === "{") return this.#dict();
    this.#next--;
    this.#unexpected("an expression");
  }

  #bracketed(): Expression {
    if (this.skip(")")) return { kind: "tuple", items: [] };
    const found = this.tuple();
    this.expect(")");
    return found;
  }

  /** A turn for each part up to a bracket, with commas between them; one may stand before the bracket too. */
  *#turns(end: string): Generator<void> {
    for (let first = true; !this.skip(end); first = false) {
      if (!first) {
        this.expect(",");
        if (this.skip(end)) return;
      }
      yield;
    }
  }

  #items(end: string): Expression[] {
    const items: Expression[] = [];
    for (const _ of this.#turns(end)) items.push(this.expression());
    return items;
  }

  #dict(): Expression {
    const pairs: (readonly [Expression, Expression])[] = [];
    for (const _ of this.#turns("}")) {
      const key = this.expression();
      this.expect(":");
      pairs.push([key, this.expression()]);
    }
    return { kind: "dict", pairs };
  }

  #postfix(object: Expression): Expression {
    let found = object;
    for (;;) {
      if (this.skip(".")) found = this.#attribute(found);
      else if (this.skip("[")) found = this.#subscript(found);
      else if (this.#isSign("(")) found = { kind: "call", callee: found, args: this.#arguments() };
      else return found;
    }
  }

  #attribute(object: Expression): Expression {
    const { kind, value } = this.peek();
    if (kind !== "name" && kind !== "integer") this.#unexpected("name or number");
    this.#next++;
    return kind === "name"
      ? { kind: "attribute", object, name: value }
      : { kind: "item", object, key: { kind: "constant", value: BigInt(value) } };
  }

  #subscript(object: Expression): Expression {
    const parts: ((object: Expression) => Expression)[] = [], keys: Expression[] = [];
    while (!this.skip("]")) {
      if (parts.length > 0) this.expect(",");
      parts.push(this.#sliceOrKey(keys));
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only(object);
    if (keys.length !== parts.length) throw new TemplateFault("slices in a tuple are not supported");
    return { kind: "item", object, key: { kind: "tuple", items: keys } };
  }

  #sliceOrKey(keys: Expression[]): (object: Expression) => Expression {
    const start = this.#isSign(":") ? null : this.expression();
    if (start !== null && !this.#isSign(":")) {
      keys.push(start);
      return (object) => ({ kind: "item", object, key: start });
    }
    this.expect(":");
    const limit = (): Expression | null =>
      this.#isSign(":") || this.#isSign("]") || this.#isSign(",") ? null : this.expression();
    const stop = limit(), step = this.skip(":") ? limit() : null;
    return (object) => ({ kind: "slice", object, start, stop, step });
  }

  #arguments(): ArgumentNodes {
    const positional: Expression[] = [], named: (readonly [string, Expression])[] = [];
    let rest: Expression | null = null, namedRest: Expression | null = null;
    const ensure = (holds: boolean): void => {
      if (!holds) throw new TemplateFault("invalid syntax for function call expression");
    };
    this.expect("(");
    for (const _ of this.#turns(")")) {
      if (this.skip("*")) {
        ensure(rest === null && namedRest === null);
        rest = this.expression();
      } else if (this.skip("**")) {
        ensure(namedRest === null);
        namedRest = this.expression();
      } else if (this.peek().kind === "name" && this.#isSign("=", 1)) {
        ensure(namedRest === null);
        const name = this.take().value;
        this.expect("=");
        if (named.some(([other]) => other === name)) {
          throw new TemplateFault(`keyword argument repeated: ${name}`);
        }
        named.push([name, this.expression()]);
      } else {
        ensure(rest === null && namedRest === null && named.length === 0);
        positional.push(this.expression());
      }
    }
    return { positional, named, rest, namedRest };
  }

  #filtersAndTests(operand: Expression): Expression {
    let found = operand;
    for (;;) {
      if (this.#isSign("|")) found = this.filters(found) as Expression;
      else if (this.skipName("is")) found = this.#test(found);
      else if (this.#isSign("(")) found = { kind: "call", callee: found, args: this.#arguments() };
      else return found;
    }
  }

  #dottedName(): string {
    let name = this.takeName();
    while (this.skip(".")) name += `.${this.takeName()}`;
    return name;
  }

  /** Filters on an operand, each on what the one before it gives; `inline` where the first has no `|` before it. */
  protected filters(
    operand: Expression | null,
    options: { readonly inline?: boolean } = {},
  ): Expression | null {
    let found = operand;
    for (let inline = options.inline === true; inline || this.skip("|"); inline = false) {
      const name = this.#dottedName();
      found = {
        kind: "filter",
        operand: found,
        name,
        args: this.#isSign("(") ? this.#arguments() : NO_ARGUMENTS,
      };
    }
    return found;
  }

  #test(operand: Expression): Expression {
    const negated = this.skipName("not"), name = this.#dottedName();
    const test: Expression = { kind: "test", operand, name, args: this.#testArguments() };
    return negated ? { kind: "not", operand: test } : test;
  }

  /** A test takes its arguments in brackets, or one that stands behind it. */
  #testArguments(): ArgumentNodes {
    if (this.#isSign("(")) return this.#arguments();
    const { kind, value } = this.peek();
    const begins = kind === "string" || kind === "integer" || kind === "float" || kind === "name" ||
      (kind === "sign" && (value === "[" || value === "{"));
    if (!begins || ["else", "or", "and"].some((word) => this.#isName(word))) return NO_ARGUMENTS;
    if (this.#isName("is")) throw new TemplateFault("You cannot chain multiple tests with is");
    return { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] };
  }
}
