import { Evaluator } from "./_evaluator.ts";
import { TemplateFault } from "./_faults.ts";
import { callableOf, LoopState, Macro, Namespace } from "./_instances.ts";
import type {
  CallBlockNode,
  Expression,
  ForNode,
  MacroNode,
  Parameter,
  Statement,
  Target,
} from "./_nodes.ts";
import { Scope } from "./_scope.ts";
import { type HiddenNames, namesRead } from "./_scopes.ts";
import {
  type CallArguments,
  Dict,
  isTrue,
  Markup,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";

/** How a body ended: at its end, or by leaving the turn or the loop. */
type Ending = "end" | "break" | "continue";

/** A body as it is rendered: where its variables are, and where its text goes. */
interface Place {
  readonly scope: Scope;
  readonly out: string[];
}

/** Names that a macro gets where its body reads them. */
const SPECIAL_NAMES = ["caller", "kwargs", "varargs"] as const;

/** Runs the statements of a template once. */
export class Renderer {
  readonly #evaluator: Evaluator;
  readonly #hidden: HiddenNames;

  constructor(evaluator: Evaluator, options: { readonly hidden: HiddenNames }) {
    this.#evaluator = evaluator;
    this.#hidden = options.hidden;
  }

  /** The text of a template with the given names around it. */
  render(template: readonly Statement[], globals: Scope): string {
    return this.#text(template, this.#inner(template, globals));
  }

  #inner(body: readonly Statement[], outer: Scope): Scope {
    return new Scope({ outer, hidden: this.#hidden.get(body) ?? [] });
  }

  #text(body: readonly Statement[], scope: Scope): string {
    return this.#gathered((out) => this.#body(body, { scope, out }));
  }

  #body(body: readonly Statement[], place: Place): Ending {
    for (const node of body) {
      const ending = this.#statement(node, place);
      if (ending !== "end") return ending;
    }
    return "end";
  }

  #print(text: string, { out }: Place): Ending {
    this.#evaluator.work.letters(text.length);
    out.push(text);
    return "end";
  }

  #statement(node: Statement, place: Place): Ending {
    const { scope } = place, evaluator = this.#evaluator;
    evaluator.work.charge(1);
    switch (node.kind) {
      case "text":
        return this.#print(node.text, place);
      case "print":
        return this.#print(evaluator.printer.text(evaluator.value(node.value, scope)), place);
      case "if": {
        const taken = node.branches.find(([test]) => isTrue(evaluator.value(test, scope)));
        return this.#body(taken?.[1] ?? node.otherwise, place);
      }
      case "break":
      case "continue":
        return node.kind;
      case "set":
        this.#assign(node.target, { value: evaluator.value(node.value, scope), scope });
        return "end";
      case "set block": {
        const text = this.#text(node.body, this.#inner(node.body, scope));
        this.#assign(node.target, { value: this.#filtered(node.filter, { text, scope }), scope });
        return "end";
      }
      case "filter block": {
        const text = this.#text(node.body, this.#inner(node.body, scope));
        const made = this.#filtered(node.filter, { text, scope });
        if (typeof made !== "string" && !(made instanceof Markup)) {
          throw new TemplateFault(`expected str instance, ${typeName(made)} found`);
        }
        return this.#print(evaluator.printer.text(made), place);
      }
      case "generation":
        return this.#print(this.#text(node.body, this.#inner(node.body, scope)), place);
      case "with": {
        const inner = this.#inner(node.body, scope);
        for (const [target, value] of node.bindings) {
          this.#assign(target, { value: evaluator.value(value, scope), scope: inner });
        }
        return this.#body(node.body, { ...place, scope: inner });
      }
      case "macro":
        scope.set(node.name, this.#macro(node, scope));
        return "end";
      case "call block":
        return this.#print(evaluator.printer.text(this.#callBlock(node, scope)), place);
      case "for":
        this.#for(node, place);
        return "end";
    }
  }

  #filtered(filter: Expression | null, options: { readonly text: string; readonly scope: Scope }): Value {
    return filter?.kind === "filter" ? this.#evaluator.filtered(filter, options) : options.text;
  }

  /** Sets a name, several names to the elements of a value, or a field of a namespace. */
  #assign(target: Target, options: { readonly value: Value; readonly scope: Scope }): void {
    const { value, scope } = options;
    if (target.kind === "name") scope.set(target.name, value);
    else if (target.kind === "field") {
      const object = scope.get(target.object);
      if (!(object instanceof Namespace)) {
        throw new TemplateFault("cannot assign attribute on non-namespace object");
      }
      object.set(target.name, value);
    } else {
      const wanted = target.parts.length, items = this.#evaluator.comparer.list(value);
      if (items.length < wanted) {
        throw new TemplateFault(`not enough values to unpack (expected ${wanted}, got ${items.length})`);
      }
      if (items.length > wanted) throw new TemplateFault(`too many values to unpack (expected ${wanted})`);
      target.parts.forEach((part, at) => this.#assign(part, { value: items[at] as Value, scope }));
    }
  }

  #for(node: ForNode, place: Place): void {
    const { scope } = place;
    const loop = (iterable: Value, options: { readonly out: string[]; readonly depth: number }): void => {
      const { out, depth } = options;
      const state = new LoopState(this.#chosen(node, { iterable, scope }), {
        comparer: this.#evaluator.comparer,
        depth,
        recurse: node.recursive
          ? (inner) => this.#gathered((text) => loop(inner, { out: text, depth: depth + 1 }))
          : null,
      });
      let whole = false;
      for (let item = state.next(); item !== undefined; item = state.next()) {
        const turn = this.#inner(node.body, scope);
        turn.set("loop", state);
        this.#assign(node.target, { value: item, scope: turn });
        const ending = this.#body(node.body, { scope: turn, out });
        if (ending === "break") break;
        // In jinja2 a turn that was left early does not count for `else`.
        whole ||= ending === "end";
      }
      if (!whole) this.#body(node.otherwise, { scope: this.#inner(node.otherwise, scope), out });
    };
    loop(this.#evaluator.value(node.iterable, scope), { out: place.out, depth: 0 });
  }

  #gathered(render: (out: string[]) => void): string {
    const out: string[] = [];
    render(out);
    this.#evaluator.work.letters(out.reduce((sum, part) => sum + part.length, 0));
    return out.join("");
  }

  /** The elements of a loop that pass its test, each tested when it is asked for. */
  #chosen(node: ForNode, options: { readonly iterable: Value; readonly scope: Scope }): Value {
    const { iterable, scope } = options, { test, target } = node, evaluator = this.#evaluator;
    if (test === null) return iterable;
    const assign = this.#assign.bind(this);
    return new Stream(
      "for",
      (function* () {
        for (const item of evaluator.comparer.iterate(iterable)) {
          const own = new Scope({ outer: scope });
          assign(target, { value: item, scope: own });
          if (isTrue(evaluator.value(test, own))) yield item;
        }
      })(),
    );
  }

  #macro(node: MacroNode, scope: Scope): Macro {
    return this.#callableBody(node.name, { ...node, scope });
  }

  #callBlock(node: CallBlockNode, scope: Scope): Value {
    const callee = callableOf(this.#evaluator.value(node.call.callee, scope));
    const { positional, named } = this.#evaluator.arguments(node.call.args, scope);
    const caller = this.#callableBody(null, { ...node, scope });
    return callee.call({ positional, named: new Map([...named, ["caller", caller]]) });
  }

  /** A body that can be called, in the scope where it stands. */
  #callableBody(
    name: string | null,
    options: {
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
      readonly scope: Scope;
    },
  ): Macro {
    const { parameters, body, scope } = options, names = parameters.map((parameter) => parameter.name);
    const read = new Set(namesRead(body));
    const catches = new Set<string>(
      SPECIAL_NAMES.filter((special) => read.has(special) && !names.includes(special)),
    );
    const call = (args: CallArguments): Value => {
      const own = this.#inner(body, scope);
      this.#bind(args, { name: name ?? "caller", parameters, catches, own });
      return this.#text(body, own);
    };
    return new Macro(name, { parameters: names, catches, call });
  }

  /** Gives the parameters of a macro their values: those of the call, else their defaults, else nothing. */
  #bind(
    args: CallArguments,
    options: {
      readonly name: string;
      readonly parameters: readonly Parameter[];
      readonly catches: ReadonlySet<string>;
      readonly own: Scope;
    },
  ): void {
    const { name, parameters, catches, own } = options, { positional } = args;
    const named = new Map(args.named), missing: Parameter[] = [];
    parameters.forEach((parameter, place) => {
      const value = place < positional.length ? positional[place] : named.get(parameter.name);
      if (place >= positional.length) named.delete(parameter.name);
      if (value === undefined) {
        missing.push(parameter);
        own.hide(parameter.name);
      } else own.set(parameter.name, value);
    });
    if (catches.has("caller")) {
      own.set("caller", named.get("caller") ?? new Undefined("No caller defined"));
      named.delete("caller");
    }
    if (catches.has("kwargs")) own.set("kwargs", new Dict(named));
    else if (named.size > 0) {
      throw new TemplateFault(`macro '${name}' takes no keyword argument '${[...named.keys()][0]}'`);
    }
    if (catches.has("varargs")) own.set("varargs", new Tuple(positional.slice(parameters.length)));
    else if (positional.length > parameters.length) {
      throw new TemplateFault(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    }
    for (const { name: parameter, default: value } of missing) {
      own.set(
        parameter,
        value === null
          ? new Undefined(`parameter '${parameter}' was not provided`)
          : this.#evaluator.value(value, own),
      );
    }
  }
}
