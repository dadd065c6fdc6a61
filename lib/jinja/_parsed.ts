import { ExpressionParser } from "./_expression_parser.ts";
import { TemplateFault } from "./_faults.ts";
import type { Token } from "./_tokens_of.ts";
import type { Expression, Parameter, Statement, Target } from "./_nodes.ts";

/** Names that nothing can be set to. */
const CONSTANTS = new Set(["true", "false", "none", "True", "False", "None"]);

/** Tags of jinja2 that need other templates, or a setting that chat templates do not have. */
const OTHER_TAGS = new Set(["block", "extends", "include", "import", "from", "autoescape"]);

/** Reads the statements of a template. */
class Parser extends ExpressionParser {
  /** Loops around this place; a macro begins anew. */
  #loops = 0;

  /** Statements up to a tag of one of the given names, which is not taken; to the end of the template without any. */
  statements(...ends: readonly string[]): readonly Statement[] {
    const found: Statement[] = [];
    for (;;) {
      const token = this.take();
      if (token.kind === "end") {
        if (ends.length > 0) {
          throw new TemplateFault(`Unexpected end of template, looking for ${ends.join(" or ")}`);
        }
        return found;
      }
      if (token.kind === "text") found.push({ kind: "text", text: token.value });
      else if (token.value === "{{") {
        found.push({ kind: "print", value: this.tuple() });
        this.close("}}");
      } else {
        const name = this.peek();
        if (name.kind === "name" && ends.includes(name.value)) return found;
        found.push(...this.#statement());
        this.close("%}");
      }
    }
  }

  /** The rest of an opening tag, then a body up to one of the given tags, whose name is taken. */
  #body(...ends: readonly string[]): { readonly body: readonly Statement[]; readonly end: string } {
    this.skip(":");
    this.close("%}");
    const body = this.statements(...ends);
    return { body, end: this.take().value };
  }

  #statement(): readonly Statement[] {
    const { kind, value: tag } = this.take();
    if (kind !== "name") throw new TemplateFault("tag name expected");
    switch (tag) {
      case "if":
        return [this.#if()];
      case "for":
        return [this.#for()];
      case "set":
        return [this.#set()];
      case "macro":
        return [this.#macro()];
      case "call":
        return [this.#call()];
      case "filter":
        return [{
          kind: "filter block",
          filter: this.filters(null, { inline: true }) as Expression,
          ...this.#until("endfilter"),
        }];
      case "with":
        return [this.#with()];
      case "generation":
        return [{ kind: "generation", ...this.#until("endgeneration") }];
      case "print":
        return this.#print();
      case "break":
      case "continue":
        if (this.#loops === 0) throw new TemplateFault(`'${tag}' outside loop`);
        return [{ kind: tag }];
    }
    throw new TemplateFault(
      OTHER_TAGS.has(tag) ? `the tag '${tag}' is not supported` : `Encountered unknown tag '${tag}'.`,
    );
  }

  #until(end: string): { readonly body: readonly Statement[] } {
    return { body: this.#body(end).body };
  }

  #print(): readonly Statement[] {
    const values: Expression[] = [];
    while (this.peek().kind !== "close") {
      if (values.length > 0) this.expect(",");
      values.push(this.expression());
    }
    return values.map((value) => ({ kind: "print", value }));
  }

  #if(): Statement {
    const branches: (readonly [Expression, readonly Statement[]])[] = [];
    for (;;) {
      const test = this.tuple({ choice: false });
      const { body, end } = this.#body("elif", "else", "endif");
      branches.push([test, body]);
      if (end === "endif") return { kind: "if", branches, otherwise: [] };
      if (end === "else") return { kind: "if", branches, otherwise: this.#body("endif").body };
    }
  }

  #for(): Statement {
    const target = this.#target();
    this.expectName("in");
    const iterable = this.tuple({ choice: false });
    const test = this.skipName("if") ? this.expression() : null;
    const recursive = this.skipName("recursive");
    this.#loops++;
    const { body, end } = this.#body("endfor", "else");
    this.#loops--;
    const otherwise = end === "else" ? this.#body("endfor").body : [];
    return { kind: "for", target, iterable, test, recursive, body, otherwise };
  }

  #set(): Statement {
    const target = this.#target({ fields: true });
    if (this.skip("=")) return { kind: "set", target, value: this.tuple() };
    const filter = this.filters(null);
    return { kind: "set block", target, filter, ...this.#until("endset") };
  }

  /** A body that is a function of its own: no loop around it can be left from inside. */
  #ownBody(end: string): { readonly body: readonly Statement[] } {
    const loops = this.#loops;
    this.#loops = 0;
    const found = this.#until(end);
    this.#loops = loops;
    return found;
  }

  #macro(): Statement {
    const { name } = this.#name();
    return { kind: "macro", name, parameters: this.#parameters(), ...this.#ownBody("endmacro") };
  }

  #call(): Statement {
    const parameters = this.peek().value === "(" ? this.#parameters() : [];
    const call = this.expression();
    if (call.kind !== "call") throw new TemplateFault("expected call");
    return { kind: "call block", call, parameters, ...this.#ownBody("endcall") };
  }

  #with(): Statement {
    const bindings: (readonly [Target, Expression])[] = [];
    while (this.peek().kind !== "close") {
      if (bindings.length > 0) this.expect(",");
      const target = this.#target();
      this.expect("=");
      bindings.push([target, this.expression()]);
    }
    return { kind: "with", bindings, ...this.#until("endwith") };
  }

  #parameters(): readonly Parameter[] {
    const found: Parameter[] = [];
    this.expect("(");
    while (this.peek().value !== ")" || this.peek().kind !== "sign") {
      if (found.length > 0) this.expect(",");
      const { name } = this.#name(), value = this.skip("=") ? this.expression() : null;
      if (value === null && found.at(-1)?.default) {
        throw new TemplateFault("non-default argument follows default argument");
      }
      if (found.some((other) => other.name === name)) throw new TemplateFault(`duplicate argument '${name}'`);
      found.push({ name, default: value });
    }
    this.expect(")");
    return found;
  }

  #name(): { readonly kind: "name"; readonly name: string } {
    const { kind, value: name } = this.take();
    if (kind !== "name" || CONSTANTS.has(name)) throw new TemplateFault(`can't assign to '${name}'`);
    return { kind: "name", name };
  }

  /** What a value is set to: a name, several of them, or with `fields` those of namespaces. */
  #target(options: { readonly fields?: boolean } = {}): Target {
    const { fields = false } = options, parts: Target[] = [];
    do parts.push(this.#oneTarget(fields)); while (this.skip(","));
    return parts.length === 1 ? parts[0] as Target : { kind: "targets", parts };
  }

  #oneTarget(fields: boolean): Target {
    if (this.skip("(")) {
      const parts: Target[] = [];
      let several = false;
      while (!this.skip(")")) {
        if (parts.length > 0) {
          this.expect(",");
          several = true;
          if (this.skip(")")) break;
        }
        parts.push(this.#oneTarget(false));
      }
      return parts.length === 1 && !several ? parts[0] as Target : { kind: "targets", parts };
    }
    const { name } = this.#name();
    if (!fields || !this.skip(".")) return { kind: "name", name };
    return { kind: "field", object: name, name: this.takeName() };
  }
}

/** Tokens → the statements of a template. `TemplateFault` where they make none. */
export function parsed(tokens: readonly Token[]): readonly Statement[] {
  return new Parser(tokens).statements();
}
