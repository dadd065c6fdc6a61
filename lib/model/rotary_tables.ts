import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Dim, GraphBuilder, Value } from "../onnx/mod.ts";
import type { ComputeDType } from "./weights.ts";

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
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { rotaryFrequencies } from "./mod.ts";
 * const ropeScaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 };
 * const plain = rotaryFrequencies(tinyConfig({ headDim: 4, ropeTheta: 1e8 }));
 * const scaled = rotaryFrequencies(tinyConfig({ headDim: 4, ropeTheta: 1e8, ropeScaling }));
 * if (plain.join() !== "1,0.0001" || scaled.join() !== "1,0.0000125") throw new Error("slow angles get slower");
 * ```
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

/**
 * Rotary angles of positions 0 … count−1, computed in the graph as transformers does: p · f_i, with f the
 * frequencies of {@link rotaryFrequencies}.
 * `count` is a symbolic length that the graph knows.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { rotaryTables } from "./mod.ts";
 * const g = new GraphBuilder("angles");
 * g.input("tokens", "int64", ["batch", "seq"]);
 * const { cos } = rotaryTables(g, tinyConfig({ headDim: 16 }), { count: "seq", compute: "float32" });
 * if (cos.dims.join() !== "seq,8") throw new Error("[positions, head_dim/2]");
 * ```
 */
export function rotaryTables(
  g: GraphBuilder,
  config: ModelConfig,
  options: { readonly count: Dim; readonly compute: ComputeDType },
): RotaryTables {
  const { compute } = options;
  const half = config.headDim / 2, inverse = rotaryFrequencies(config);
  return g.within("rotary", () => {
    const count = g.apply("Squeeze", [g.length(options.count)], { attributes: { axes: [0] } });
    const positions = g.apply("Range", [g.scalar("int64", 0), count, g.scalar("int64", 1)], {
      attributes: { length: String(options.count) },
    });
    const column = g.unsqueeze(g.cast(positions, compute), [1]); // [positions, 1]
    const angles = g.mul(column, g.constant(compute, [1, half], inverse)); // [positions, head_dim/2]
    return { cos: g.apply("Cos", [angles]), sin: g.apply("Sin", [angles]) };
  });
}
