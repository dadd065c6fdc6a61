import type { Expression, Parameter, Statement, Target } from "./_nodes.ts";

/**
 * jinja2 decides before a template runs which variables belong to which scope. It shows in one place: a name that a
 * scope sets somewhere, and nothing outside of it knows, is undefined in that scope until it is set; even where the
 * conversation has a variable of that name and a part inside the scope, such as a loop, asks before.
 */
export type HiddenNames = ReadonlyMap<readonly Statement[], readonly string[]>;

/** How a name that a scope knows begins in it. */
type Beginning = "parameter" | "resolved" | "outer" | "hidden";

/** The names of one scope. */
class Names {
  readonly begins: Map<string, Beginning>;
  readonly #stores: Set<string>;
  readonly #outer: Names | null;

  constructor(outer: Names | null, from?: Names) {
    this.#outer = outer;
    this.begins = new Map(from?.begins);
    this.#stores = new Set(from === undefined ? [] : from.#stores);
  }

  knows(name: string): boolean {
    return this.begins.has(name) || (this.#outer?.knows(name) ?? false);
  }

  load(name: string): void {
    if (!this.knows(name)) this.begins.set(name, "resolved");
  }

  store(name: string): void {
    this.#stores.add(name);
    if (!this.begins.has(name)) this.begins.set(name, this.#outer?.knows(name) ? "outer" : "hidden");
  }

  parameter(name: string): void {
    this.#stores.add(name);
    this.begins.set(name, "parameter");
  }

  copy(): Names {
    return new Names(this.#outer, this);
  }

  /** Takes over what branches found; what not all of them set may be read without having been set. */
  merge(branches: readonly Names[]): void {
    const counts = new Map<string, number>();
    for (const branch of branches) {
      for (const name of branch.#stores) {
        if (!this.#stores.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    for (const branch of branches) {
      branch.begins.forEach((beginning, name) => this.begins.set(name, beginning));
      branch.#stores.forEach((name) => this.#stores.add(name));
    }
    for (const [name, count] of counts) {
      if (count < branches.length) this.begins.set(name, this.#outer?.knows(name) ? "outer" : "resolved");
    }
  }
}

/** The names that an expression, or a list of them, reads: its parts are looked through, whatever their kind. */
function* namesIn(node: unknown): Generator<string> {
  if (typeof node !== "object" || node === null) return;
  if ("kind" in node && node.kind === "name" && "name" in node) yield String(node.name);
  for (const part of Object.values(node)) yield* namesIn(part);
}

/** The names that a target sets; fields of namespaces are none. */
function* targetNames(target: Target): Generator<string> {
  if (target.kind === "name") yield target.name;
  if (target.kind === "targets") { for (const part of target.parts) yield* targetNames(part); }
}

/** The names that a template or a part of it reads anywhere. */
export function* namesRead(statements: readonly Statement[]): Generator<string> {
  for (const node of statements) {
    switch (node.kind) {
      case "print":
      case "set":
        yield* namesIn(node.value);
        break;
      case "if":
        for (const [test, body] of node.branches) {
          yield* namesIn(test);
          yield* namesRead(body);
        }
        yield* namesRead(node.otherwise);
        break;
      case "for":
        yield* namesIn(node.iterable);
        yield* namesIn(node.test);
        yield* namesRead(node.otherwise);
        break;
      case "macro":
      case "call block":
        for (const { default: value } of node.parameters) yield* namesIn(value);
        if (node.kind === "call block") yield* namesIn(node.call);
        break;
      case "set block":
      case "filter block":
        yield* namesIn(node.filter);
        break;
      case "with":
        for (const [, value] of node.bindings) yield* namesIn(value);
    }
    if ("body" in node) yield* namesRead(node.body);
  }
}

/** Walks through the scopes of a template from the outside in. */
class ScopeWalk {
  readonly hidden = new Map<readonly Statement[], readonly string[]>();

  /** One scope: its own statements first, then the scopes inside it, which may know its names. */
  scope(
    statements: readonly Statement[],
    options: {
      readonly outer: Names | null;
      readonly parameters?: Iterable<string>;
      readonly defaults?: readonly Parameter[];
    },
  ): void {
    const names = new Names(options.outer);
    for (const name of options.parameters ?? []) names.parameter(name);
    for (const { default: value } of options.defaults ?? []) this.#load(names, namesIn(value));
    this.#own(statements, names);
    const hidden = [...names.begins].filter(([, beginning]) => beginning === "hidden").map(([name]) => name);
    if (hidden.length > 0) this.hidden.set(statements, hidden);
    this.#inner(statements, names);
  }

  #load(names: Names, read: Iterable<string>): void {
    for (const name of read) names.load(name);
  }

  #target(target: Target, names: Names): void {
    if (target.kind === "field") names.load(target.object);
    else if (target.kind === "name") names.store(target.name);
    else for (const part of target.parts) this.#target(part, names);
  }

  #own(statements: readonly Statement[], names: Names): void {
    for (const node of statements) {
      switch (node.kind) {
        case "print":
          this.#load(names, namesIn(node.value));
          break;
        case "set":
          this.#load(names, namesIn(node.value));
          this.#target(node.target, names);
          break;
        case "if":
          this.#branches(node.branches, { otherwise: node.otherwise, names });
          break;
        case "for":
          this.#load(names, namesIn(node.iterable));
          break;
        case "macro":
          names.store(node.name);
          break;
        case "call block":
          this.#load(names, namesIn(node.call));
          break;
        case "set block":
          this.#target(node.target, names);
          break;
        case "filter block":
          this.#load(names, namesIn(node.filter));
          break;
        case "with":
          for (const [, value] of node.bindings) this.#load(names, namesIn(value));
      }
    }
  }

  /** A choice has three branches for jinja2: its first body, all of its elifs together, and the rest. */
  #branches(
    branches: readonly (readonly [Expression, readonly Statement[]])[],
    options: { readonly otherwise: readonly Statement[]; readonly names: Names },
  ): void {
    const { otherwise, names } = options, [first, ...more] = branches;
    if (first === undefined) return;
    this.#load(names, namesIn(first[0]));
    const [body, elifs, rest] = [names.copy(), names.copy(), names.copy()];
    this.#own(first[1], body);
    // Each elif is a choice of its own, without a rest.
    for (const branch of more) this.#branches([branch], { otherwise: [], names: elifs });
    this.#own(otherwise, rest);
    names.merge([body, elifs, rest]);
  }

  #inner(statements: readonly Statement[], outer: Names): void {
    for (const node of statements) {
      switch (node.kind) {
        case "if":
          for (const [, body] of node.branches) this.#inner(body, outer);
          this.#inner(node.otherwise, outer);
          break;
        case "for":
          this.scope(node.body, { outer, parameters: ["loop", ...targetNames(node.target)] });
          this.scope(node.otherwise, { outer });
          break;
        case "macro":
        case "call block":
          this.scope(node.body, {
            outer,
            parameters: [...node.parameters.map(({ name }) => name), "caller", "kwargs", "varargs"],
            defaults: node.parameters,
          });
          break;
        case "with":
          this.scope(node.body, {
            outer,
            parameters: node.bindings.flatMap(([target]) => [...targetNames(target)]),
          });
          break;
        case "set block":
        case "filter block":
        case "generation":
          this.scope(node.body, { outer });
      }
    }
  }
}

/** The names that each scope of a template hides when it begins, by its statements. */
export function hiddenNames(template: readonly Statement[]): HiddenNames {
  const walk = new ScopeWalk();
  walk.scope(template, { outer: null });
  return walk.hidden;
}
