import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Dim, GraphBuilder, Value } from "../onnx/mod.ts";
import { type AccurateDType, accurateDType, type ComputeDType } from "./precision.ts";

/** Cosines and sines of the rotary angles, each [positions, head_dim/2]. */
export interface RotaryTables {
  /** Cosines. */
  readonly cos: Value;
  /** Sines. */
  readonly sin: Value;
}

/**
 * Frequencies f_i of the rotary angles, i < head_dim/2, in radians per position.
 *
 * Unscaled: f_i = θ^(−2i/head_dim). Scaled as in Llama 3.1, with N = `originalMaxPositions` and t = N·f/2π the turns
 * that an angle makes over N positions:
 *
 *     t > high: f        t < low: f / factor        else: (1 − m)·f/factor + m·f,  m = (t − low) / (high − low)
 *
 * Source: the rope_type "llama3" of transformers, which compares wavelengths 2π/f with N/high and N/low.
 */
export function rotaryFrequencies(config: ModelConfig): readonly number[] {
  const { headDim, ropeTheta, ropeScaling } = config;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** (-2 * i / headDim));
  if (ropeScaling === null) return plain;
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions } = ropeScaling;
  return plain.map((frequency) => {
    const turns = originalMaxPositions * frequency / (2 * Math.PI);
    if (turns > high) return frequency;
    if (turns < low) return frequency / factor;
    const share = (turns - low) / (high - low);
    return (1 - share) * frequency / factor + share * frequency;
  });
}

/** What a table holds, row by row, in the type of its constant. */
type TableValues = Float32Array | Float64Array;

/** Values of the tables of a model, all of whose graphs have the same: of long positions they take the longest to make. */
const KNOWN_VALUES = new WeakMap<ModelConfig, Map<string, TableValues>>();

function tableValues(
  config: ModelConfig,
  options: { readonly of: "cos" | "sin"; readonly rows: number; readonly accurate: AccurateDType },
): TableValues {
  const { of, rows, accurate } = options, key = `${of} ${rows} ${accurate}`;
  const known = KNOWN_VALUES.get(config) ?? new Map<string, TableValues>();
  KNOWN_VALUES.set(config, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const round = accurate === "float32" ? Math.fround : (x: number) => x;
  const half = config.headDim / 2, frequencies = rotaryFrequencies(config).map(round);
  const values = new (accurate === "float32" ? Float32Array : Float64Array)(rows * half);
  for (let p = 0; p < rows; p++) {
    for (let i = 0; i < half; i++) values[p * half + i] = Math[of](round(p * (frequencies[i] as number)));
  }
  known.set(key, values);
  return values;
}

/**
 * Cosines and sines of the rotary angles of positions 0 … count−1, `count` ≤ `maxPositions`: constants of the graph,
 * of angles p · f_i rounded as transformers rounds them, f the frequencies of {@link rotaryFrequencies}. Under a
 * 16-bit compute type the angles are float32 and only their cosines and sines are rounded.
 *
 * They are no nodes: the CPU's Cos gives the last elements of a tensor other last bits than the rest (it computes
 * them one by one), so that what a row gets would depend on the rows beside it.
 *
 * `count` is a number, or a symbolic length that the graph knows.
 */
export function rotaryTables(
  g: GraphBuilder,
  config: ModelConfig,
  options: { readonly count: Dim; readonly compute: ComputeDType },
): RotaryTables {
  const { compute, count } = options, accurate = accurateDType(compute);
  const rows = typeof count === "number" ? count : config.maxPositions;
  return g.within("rotary", () => {
    const places = typeof count === "number" ? null : g.range(count);
    const table = (of: "cos" | "sin"): Value => {
      const values = tableValues(config, { of, rows, accurate });
      const whole = g.cast(g.constant(accurate, [rows, config.headDim / 2], values), compute);
      return places === null ? whole : g.gather(whole, places, { axis: 0 });
    };
    return { cos: table("cos"), sin: table("sin") };
  });
}
