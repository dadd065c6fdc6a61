import { Undefined, type Value } from "./_values.ts";

/** Variables of one scope, and those around it. */
export class Scope {
  readonly #variables = new Map<string, Value>();
  readonly #hidden: Set<string>;
  readonly #outer: Scope | null;

  /** `hidden` names are undefined here until they are set, whatever they are outside. */
  constructor(options: { readonly outer?: Scope; readonly hidden?: Iterable<string> } = {}) {
    this.#outer = options.outer ?? null;
    this.#hidden = new Set(options.hidden);
  }

  set(name: string, value: Value): void {
    this.#variables.set(name, value);
    this.#hidden.delete(name);
  }

  /** Makes a name undefined here until it is set. */
  hide(name: string): void {
    this.#hidden.add(name);
  }

  /** The value of a name, or what jinja2 takes an unknown one for. */
  get(name: string): Value {
    const own = this.#variables.get(name);
    if (own !== undefined) return own;
    if (this.#outer === null || this.#hidden.has(name)) return new Undefined(`'${name}' is undefined`);
    return this.#outer.get(name);
  }
}
