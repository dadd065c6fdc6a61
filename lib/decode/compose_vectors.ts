import { RandomStream } from "../core/mod.ts";
import type { SteeringVectors } from "./steering_vectors.ts";

function sorted(vectors: ReadonlyMap<number, Float32Array>): SteeringVectors {
  return new Map([...vectors].sort(([a], [b]) => a - b));
}

function checkWidths(sets: readonly SteeringVectors[], action: string): void {
  const widths = new Set(sets.flatMap((set) => [...set.values()].map((vector) => vector.length)));
  if (widths.size <= 1) return;
  throw new RangeError(
    `Cannot ${action} vectors as they must be of one width: current widths are ${[...widths].join(" and ")}`,
  );
}

/**
 * The sum of sets of vectors, layer by layer: steering by it is steering by all of them at once. A layer that one set
 * lacks keeps what the others have.
 *
 * @example
 * ```ts
 * import { sumVectors } from "@small-vectors/steering";
 * const first = new Map([[3, Float32Array.of(1, 2)]]);
 * const sum = sumVectors([first, new Map([[3, Float32Array.of(10, 0)], [1, Float32Array.of(5, 5)]])]);
 * if (sum.get(3)?.join() !== "11,2" || sum.get(1)?.join() !== "5,5") throw new Error("added layer by layer");
 * ```
 *
 * @throws {RangeError} for vectors of unlike widths.
 */
export function sumVectors(sets: readonly SteeringVectors[]): SteeringVectors {
  checkWidths(sets, "add");
  const sum = new Map<number, Float32Array>();
  for (const set of sets) {
    for (const [layer, vector] of set) {
      const known = sum.get(layer);
      sum.set(
        layer,
        known === undefined ? vector.slice() : known.map((value, i) => value + (vector[i] as number)),
      );
    }
  }
  return sorted(sum);
}

/**
 * Every vector times a factor.
 * Source: `steer_multiply` in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { scaleVectors } from "@small-vectors/steering";
 * const scaled = scaleVectors(new Map([[3, Float32Array.of(1, 2)]]), -0.5);
 * if (scaled.get(3)?.join() !== "-0.5,-1") throw new Error("half, the other way");
 * ```
 *
 * @throws {RangeError} for a factor that is not finite.
 */
export function scaleVectors(vectors: SteeringVectors, factor: number): SteeringVectors {
  if (!Number.isFinite(factor)) {
    throw new RangeError(`Cannot scale vectors as the factor must be finite: current value is ${factor}`);
  }
  return new Map([...vectors].map(([layer, vector]) => [layer, vector.map((value) => factor * value)]));
}

/**
 * One set of vectors from runs that trained one layer each; nothing is rescaled.
 * Source: `merge_vectors_from_layers` in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { mergeVectors } from "@small-vectors/steering";
 * const merged = mergeVectors([new Map([[3, Float32Array.of(1)]]), new Map([[0, Float32Array.of(2)]])]);
 * if ([...merged.keys()].join() !== "0,3") throw new Error("both layers, from the lowest up");
 * ```
 *
 * @throws {RangeError} for a set of none or several layers, for a layer that two sets have, and for unlike widths.
 */
export function mergeVectors(sets: readonly SteeringVectors[]): SteeringVectors {
  checkWidths(sets, "merge");
  const merged = new Map<number, Float32Array>();
  for (const set of sets) {
    const [first] = set;
    if (first === undefined || set.size !== 1) {
      throw new RangeError(
        `Cannot merge vectors as each set must have one layer: current layers are ${
          [...set.keys()].join(", ") || "none"
        }`,
      );
    }
    const [layer, vector] = first;
    if (merged.has(layer)) throw new RangeError(`Cannot merge vectors as layer ${layer} must be of one set`);
    merged.set(layer, vector.slice());
  }
  return sorted(merged);
}

/**
 * The vectors of two layers of a set, as they are; of one where both are the same.
 * Source: `pair_single` in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { pairVectors } from "@small-vectors/steering";
 * const merged = new Map([0, 1, 2].map((layer) => [layer, Float32Array.of(layer)]));
 * if ([...pairVectors(merged, [2, 0]).keys()].join() !== "0,2") throw new Error("two layers");
 * if (pairVectors(merged, [1, 1]).get(1)?.join() !== "1") throw new Error("the single layer, not twice");
 * ```
 *
 * @throws {RangeError} for a layer that the set lacks.
 */
export function pairVectors(vectors: SteeringVectors, layers: readonly [number, number]): SteeringVectors {
  const pair = new Map<number, Float32Array>();
  for (const layer of layers) {
    const vector = vectors.get(layer);
    if (vector === undefined) {
      throw new RangeError(
        `Cannot pair layer ${layer} as the vectors must have it: current layers are ${
          [...vectors.keys()].join(", ") || "none"
        }`,
      );
    }
    pair.set(layer, vector.slice());
  }
  return sorted(pair);
}

/**
 * Directions drawn evenly from the sphere, one for each layer of a set, as long as the vector that they stand for: what
 * a vector of that norm does whatever it points at. A draw depends on the seed, the layer and its own number alone.
 */
export function randomDirections(
  vectors: SteeringVectors,
  options: {
    readonly seed: number;
    /** Number of the draw. */
    readonly draw: number;
  },
): SteeringVectors {
  return new Map([...vectors].map(([layer, vector]) => {
    const stream = new RandomStream(options.seed, "direction", layer, options.draw);
    const normal = Float64Array.from(vector, () => stream.normal());
    return [layer, toNorm(normal, Math.hypot(...vector))];
  }));
}

/**
 * The vectors of a set in each other's layers: the first layer gets the vector of `order[0]`, and so on.
 * `"as they are"` moves them unchanged; `"of the layer"` gives each the norm of the vector whose place it takes.
 *
 * @throws {RangeError} for an order that does not name each layer of the set once, and for unlike widths.
 */
export function rearrangeVectors(
  vectors: SteeringVectors,
  options: {
    /** Layers of the set. */
    readonly order: readonly number[];
    /** Whose norm a vector has in its new layer. */
    readonly norms: "as they are" | "of the layer";
  },
): SteeringVectors {
  checkWidths([vectors], "rearrange");
  const places = [...sorted(vectors)], { order, norms } = options;
  const asked = [...order].sort((a, b) => a - b).join(", "),
    present = places.map(([layer]) => layer).join(", ");
  if (asked !== present) {
    throw new RangeError(
      `Cannot rearrange vectors as the order must name each layer once: current layers are ${present}, asked are ${asked}`,
    );
  }
  return new Map(places.map(([layer, own], place) => {
    const moved = vectors.get(order[place] as number) as Float32Array;
    return [layer, norms === "as they are" ? moved.slice() : toNorm(moved, Math.hypot(...own))];
  }));
}

/** A vector along `direction` with a norm; zeros stay zeros. */
function toNorm(direction: ArrayLike<number>, norm: number): Float32Array {
  const values = Float64Array.from(direction), length = Math.hypot(...values);
  return Float32Array.from(values, (value) => length === 0 ? 0 : value * norm / length);
}
