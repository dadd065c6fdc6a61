/** Product of two 32-bit unsigned integers as [high, low] words, by 16-bit halves. */
function multiplyWide(a: number, b: number): [number, number] {
  const aHigh = a >>> 16, aLow = a & 0xffff, bHigh = b >>> 16, bLow = b & 0xffff;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + (cross >>> 16);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/** Four 32-bit words: a counter block, or the random words made of one. */
export type Words4 = readonly [number, number, number, number];

/**
 * Philox4x32-10, a counter-based generator: a pure function of (counter, key), so a draw depends on what it is
 * for (seed, prompt, sample, position) and never on how many draws came before it.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * Proof: tests/core/random_test.ts, the authors' known-answer vectors.
 */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = [counter[0] >>> 0, counter[1] >>> 0, counter[2] >>> 0, counter[3] >>> 0];
  let [k0, k1] = [key[0] >>> 0, key[1] >>> 0];
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiplyWide(0xd2511f53, c0);
    const [high1, low1] = multiplyWide(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A uniform number in (0, 1) with 24 bits, exact in float32 and never 0 or 1. */
function toUnit(word: number): number {
  return ((word >>> 8) + 0.5) / 0x1000000;
}

/**
 * The uniform in (0, 1) that decides one sampled token. It depends on nothing but its four coordinates, so a
 * rollout is the same in every batch, order and device.
 */
export function rolloutUniform(
  at: { readonly seed: number; readonly prompt: number; readonly sample: number; readonly position: number },
): number {
  return toUnit(philox([at.position, at.sample, at.prompt, 0], [at.seed, 0x726f6c6c])[0]);
}

/**
 * A stream of random numbers keyed by a seed and a path of integers or words. Streams with different paths are
 * independent; the same path always gives the same numbers.
 */
export class RandomStream {
  readonly #key: readonly [number, number];
  readonly #path: readonly [number, number];
  #block = 0;
  #buffer: number[] = [];

  /** A stream for `seed` and a `path` such as ("corpus", 12); words are hashed to integers (FNV-1a). */
  constructor(seed: number, ...path: readonly (number | string)[]) {
    let high = 0x811c9dc5, low = 0x01000193;
    for (const part of path) {
      const text = typeof part === "number" ? `#${part}` : part;
      for (const byte of new TextEncoder().encode(`${text}/`)) {
        high = Math.imul(high ^ byte, 0x01000193) >>> 0;
        low = Math.imul(low ^ (byte + 0x9e), 0x85ebca6b) >>> 0;
        low = (low ^ (low >>> 15)) >>> 0;
      }
    }
    this.#key = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0];
    this.#path = [high, low];
  }

  /** The next uniform number in (0, 1). */
  uniform(): number {
    if (this.#buffer.length === 0) {
      const words = philox([this.#block >>> 0, 0x73747265, this.#path[0], this.#path[1]], this.#key);
      this.#block++;
      this.#buffer = [words[3], words[2], words[1], words[0]];
    }
    return toUnit(this.#buffer.pop() as number);
  }

  /** An integer in [from, below). `@default {from: 0}` */
  integer(range: { readonly from?: number; readonly below: number }): number {
    const from = range.from ?? 0;
    if (!(range.below > from)) {
      throw new RangeError(`Cannot draw an integer as the range is empty: [${from}, ${range.below})`);
    }
    return from + Math.floor(this.uniform() * (range.below - from));
  }

  /** One element of a non-empty list, each as likely. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer({ below: list.length })] as T;
  }

  /** An index drawn in proportion to non-negative weights. */
  weighted(weights: readonly number[]): number {
    let rest = this.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
    for (let index = 0; index < weights.length; index++) {
      rest -= weights[index] as number;
      if (rest < 0) return index;
    }
    return weights.length - 1;
  }

  /** A standard normal number (Box–Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let last = copy.length - 1; last > 0; last--) {
      const other = this.integer({ below: last + 1 });
      [copy[last], copy[other]] = [copy[other] as T, copy[last] as T];
    }
    return copy;
  }
}
