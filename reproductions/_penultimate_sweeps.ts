import type { ModelConfig } from "../lib/checkpoint/mod.ts";
import type { LastBlockPatch } from "../lib/probe/mod.ts";

/** What is swept over heads, besides projections. */
type Swept = "q" | "k" | "v" | "head";
const PATHS = ["all", "mlp", "residual"] as const;

/** One row of panels: the vector let into one head alone, or kept out of one head alone. */
export interface Sweep {
  /** In names of metrics: `steer_v`, `skip_head_mlp`. */
  readonly name: string;
  readonly title: string;
  readonly mode: Swept;
  readonly inverse: boolean;
  /** Whether the vector is let into the part alone, on top of Skip-Attn; else it is kept out of the part alone. */
  readonly adds: boolean;
  readonly path?: typeof PATHS[number];
}

/** Vectors into, and kept out of, the heads of one projection. */
export const PROJECTIONS: readonly Sweep[] = [true, false].flatMap((inverse) =>
  (["q", "k", "v"] as const).map((mode) => ({
    name: `${inverse ? "steer" : "unsteer"}_${mode}`,
    title: inverse
      ? `Vector into one ${mode.toUpperCase()} head alone`
      : `Vector kept out of one ${mode.toUpperCase()} head`,
    mode,
    inverse,
    adds: inverse,
  }))
);
/** Heads' outputs without the vector, and with it alone, by path. */
export const OUTPUTS: readonly Sweep[] = [false, true].flatMap((inverse) =>
  PATHS.map((path) => ({
    name: `${inverse ? "steer" : "skip"}_head${path === "all" ? "" : `_${path}`}`,
    title: `${inverse ? "Steer-Head" : "Skip-Head"}${
      path === "all" ? "" : `, to the ${path === "mlp" ? "MLP" : "residual stream"} only`
    }`,
    mode: "head" as const,
    inverse,
    adds: inverse,
    path,
  }))
);

/** Heads of what is swept. */
export function headsOf({ mode }: Sweep, config: ModelConfig): readonly number[] {
  const count = mode === "q" || mode === "head" ? config.heads : config.kvHeads;
  return Array.from({ length: count }, (_, head) => head);
}

/** The patch of one head, or of several. */
export function patchOf({ mode, inverse, path }: Sweep, head: number | readonly number[]): LastBlockPatch {
  const common = { head, ...(inverse ? { inverse } : {}) };
  return mode === "head"
    ? { mode, ...common, ...(path === undefined || path === "all" ? {} : { path }) }
    : { mode, ...common };
}
