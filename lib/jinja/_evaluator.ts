import { Access } from "./_access.ts";
import { Arithmetic } from "./_arithmetic.ts";
import { Comparer } from "./_comparer.ts";
import { TemplateFault } from "./_faults.ts";
import type { Library, Operation } from "./_operation.ts";
import { callableOf } from "./_instances.ts";
import { LIST_FILTERS } from "./_list_filters.ts";
import type { ArgumentNodes, Expression, FilterNode } from "./_nodes.ts";
import { Printer } from "./_printing.ts";
import type { Scope } from "./_scope.ts";
import { TESTS } from "./_tests.ts";
import { TEXT_FILTERS } from "./_text_filters.ts";
import type { Tools } from "./_tools.ts";
import { type CallArguments, Dict, isTrue, List, Tuple, Undefined, type Value } from "./_values.ts";
import { Work } from "./_work.ts";

/** Works out expressions of one rendering. */
export class Evaluator {
  /** Counts the work of the rendering. */
  readonly work = new Work();
  readonly comparer = new Comparer(this.work);
  readonly printer = new Printer(this.work);
  readonly #access = new Access(this);
  readonly #arithmetic = new Arithmetic(this);
  readonly #tools: Tools = {
    work: this.work,
    printer: this.printer,
    comparer: this.comparer,
    access: this.#access,
  };
  readonly #library: Library = {
    filter: (name, call) => this.#filter(name, call),
    test: (name, call) => this.#test(name, call),
    hasFilter: (name) => Object.hasOwn(TEXT_FILTERS, name) || Object.hasOwn(LIST_FILTERS, name),
    hasTest: (name) => Object.hasOwn(TESTS, name),
  };

  /** The value of an expression in a scope. */
  value(node: Expression, scope: Scope): Value {
    this.work.charge(1);
    switch (node.kind) {
      case "constant":
        return node.value;
      case "name":
        return scope.get(node.name);
      case "list":
        return new List(node.items.map((item) => this.value(item, scope)));
      case "tuple":
        return new Tuple(node.items.map((item) => this.value(item, scope)));
      case "dict":
        return new Dict(
          node.pairs.map(([key, value]) => [this.value(key, scope), this.value(value, scope)] as const),
        );
      case "choice":
        if (isTrue(this.value(node.test, scope))) return this.value(node.yes, scope);
        return node.no === null
          ? new Undefined("the inline if-expression evaluated to false and no else section was defined.")
          : this.value(node.no, scope);
      case "and": {
        const left = this.value(node.left, scope);
        return isTrue(left) ? this.value(node.right, scope) : left;
      }
      case "or": {
        const left = this.value(node.left, scope);
        return isTrue(left) ? left : this.value(node.right, scope);
      }
      case "not":
        return !isTrue(this.value(node.operand, scope));
      case "compare":
        return this.#compare(node, scope);
      case "binary":
        return this.#arithmetic.binary(node.operator, [
          this.value(node.left, scope),
          this.value(node.right, scope),
        ]);
      case "concat": {
        const parts = node.parts.map((part) => this.printer.text(this.value(part, scope)));
        this.work.letters(parts.reduce((sum, part) => sum + part.length, 0));
        return parts.join("");
      }
      case "sign":
        return this.#arithmetic.unary(node.operator, this.value(node.operand, scope));
      case "attribute":
        return this.#access.attribute(this.value(node.object, scope), node.name);
      case "item":
        return this.#access.item(this.value(node.object, scope), this.value(node.key, scope));
      case "slice": {
        const limit = (part: Expression | null): Value => part === null ? null : this.value(part, scope);
        const object = this.value(node.object, scope);
        return this.#access.slice(object, {
          start: limit(node.start),
          stop: limit(node.stop),
          step: limit(node.step),
        });
      }
      case "call":
        return callableOf(this.value(node.callee, scope)).call(this.arguments(node.args, scope));
      case "filter":
        return this.filtered(node, { scope, text: null });
      case "test": {
        const value = this.value(node.operand, scope);
        return this.#test(node.name, { value, args: this.arguments(node.args, scope) });
      }
    }
  }

  /** Comparisons in a row hold where each does; the first that does not ends the row. */
  #compare(node: Expression & { readonly kind: "compare" }, scope: Scope): boolean {
    let left = this.value(node.first, scope);
    for (const [operator, operand] of node.rest) {
      const right = this.value(operand, scope);
      if (!this.comparer.holds(operator, [left, right])) return false;
      left = right;
    }
    return true;
  }

  /** What a call is given. */
  arguments(node: ArgumentNodes, scope: Scope): CallArguments {
    const positional = node.positional.map((value) => this.value(value, scope));
    const named = new Map(node.named.map(([name, value]) => [name, this.value(value, scope)]));
    if (node.rest !== null) positional.push(...this.comparer.list(this.value(node.rest, scope)));
    if (node.namedRest !== null) {
      const rest = this.value(node.namedRest, scope);
      if (!(rest instanceof Dict)) throw new TemplateFault("argument after ** must be a mapping");
      for (const [key, value] of rest.entries()) {
        if (typeof key !== "string") throw new TemplateFault("keywords must be strings");
        if (named.has(key)) throw new TemplateFault(`got multiple values for keyword argument '${key}'`);
        named.set(key, value);
      }
    }
    return { positional, named };
  }

  /** What a filter gives; `text` is what a filter block hands to the innermost one. */
  filtered(node: FilterNode, options: { readonly scope: Scope; readonly text: string | null }): Value {
    const { scope, text } = options, { operand } = node;
    const value = operand === null
      ? text
      : operand.kind === "filter"
      ? this.filtered(operand, options)
      : this.value(operand, scope);
    return this.#filter(node.name, { value, args: this.arguments(node.args, scope) });
  }

  #filter(name: string, call: Operation): Value {
    this.work.charge(1);
    const table = Object.hasOwn(TEXT_FILTERS, name)
      ? TEXT_FILTERS
      : Object.hasOwn(LIST_FILTERS, name)
      ? LIST_FILTERS
      : null;
    const filter = table?.[name];
    if (filter === undefined) throw new TemplateFault(`No filter named '${name}'.`);
    return filter({ ...call, tools: this.#tools, library: this.#library });
  }

  #test(name: string, call: Operation): boolean {
    this.work.charge(1);
    const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
    if (test === undefined) throw new TemplateFault(`No test named '${name}'.`);
    return test({ ...call, tools: this.#tools, library: this.#library });
  }
}
