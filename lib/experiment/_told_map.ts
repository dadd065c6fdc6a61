/** A map that another one is told the entries of. */
export class ToldMap extends Map<string, string> {
  readonly #told: Map<string, string>;

  constructor(told: Map<string, string>) {
    super();
    this.#told = told;
  }

  override set(name: string, hash: string): this {
    this.#told.set(name, hash);
    return super.set(name, hash);
  }
}
