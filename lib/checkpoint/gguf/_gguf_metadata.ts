import { InputError } from "../../core/mod.ts";
import { type GgufHeader, type GgufScalar, type GgufValue, shown } from "./_gguf_header.ts";

/** Reads values of a file's metadata by key and kind, and knows which keys were asked for. */
export class GgufMetadata {
  readonly where: string;
  readonly #values: ReadonlyMap<string, GgufValue>;
  readonly #asked = new Set<string>();

  constructor(header: GgufHeader) {
    this.where = header.where;
    this.#values = header.metadata;
  }

  /** The fault of a value: the key, the rule, and the value as it is. */
  fault(key: string, rule: string, repair?: string): InputError {
    const value = this.#values.get(key);
    const now = value === undefined ? "it is missing" : `current value is ${shown(value)}`;
    return new InputError(`"${key}" ${rule}: ${now}`, { where: this.where, repair });
  }

  /** Whether the file has a value under a key. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  value(key: string): GgufValue | undefined {
    this.#asked.add(key);
    return this.#values.get(key);
  }

  /** A text, or undefined where the file has none. */
  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.fault(key, "must be text");
  }

  /** A number, or undefined where the file has none. */
  number(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw this.fault(key, "must be a number");
  }

  /** A whole number within limits; a list, one number for each layer, must say the same for all. */
  whole(key: string, limits: { readonly from: number; readonly to: number }): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const list = [value].flat() as readonly GgufScalar[], [first] = list;
    if (list.some((one) => one !== first)) throw this.fault(key, "must be the same in all layers");
    if (typeof first !== "number" || !Number.isInteger(first) || first < limits.from || first > limits.to) {
      throw this.fault(key, `must be a whole number from ${limits.from} to ${limits.to}`);
    }
    return first;
  }

  /** True, false, or undefined where the file does not say. */
  boolean(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.fault(key, "must be true or false");
  }

  /** A list of texts, or undefined where the file has none. */
  texts(key: string): readonly string[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
    throw this.fault(key, "must be a list of texts");
  }

  /** A list of whole numbers, or undefined where the file has none. */
  wholes(key: string): readonly number[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((one) => Number.isSafeInteger(one))) return value;
    throw this.fault(key, "must be a list of whole numbers");
  }

  /** What was needed and is there. */
  needed<T>(key: string, value: T | undefined): T {
    if (value === undefined) throw this.fault(key, "is needed");
    return value;
  }

  /** Keys under a prefix that nobody asked for. */
  unasked(prefix: string): readonly string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix) && !this.#asked.has(key));
  }
}
