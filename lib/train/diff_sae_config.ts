import { z } from "zod";
import { InputError } from "../core/mod.ts";

/** Everything that decides the training of a DiffSAE, but for its rows. */
export interface DiffSaeTraining {
  /** Size of the dictionary. */
  readonly features: number;
  /** Features that may be active per row. */
  readonly active: number;
  /** Seed of the first directions, the order of rows and the revival of dead features. */
  readonly seed: number;
  /** Updates. */
  readonly steps: number;
  /** Rows per update. */
  readonly batch: number;
  /** Peak learning rate, for rows scaled to one unit of variance per value. */
  readonly learningRate: number;
  /** Share of the steps that the learning rate rises over. */
  readonly warmupShare: number;
  /** A feature that was not above 0 for so many steps is dead, and given a new direction. */
  readonly deadAfterSteps: number;
}

/** Everything that decides a DiffSAE, but for the model and its vectors: the rows that are sampled, and the training. */
export interface DiffSaeConfig extends DiffSaeTraining {
  /** The differences are read at `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** Training problems that the steered model answers, one text each. */
  readonly texts: number;
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
}

const whole = z.int().positive();
const SCHEMA = z.strictObject({
  layer: z.int().nonnegative(),
  texts: whole,
  maxNewTokens: whole,
  features: whole,
  active: whole,
  seed: z.int().nonnegative(),
  steps: whole,
  batch: whole,
  learningRate: z.number().positive(),
  warmupShare: z.number().min(0).max(1),
  deadAfterSteps: whole,
}).refine((config) => config.active <= config.features, {
  path: ["active"],
  message: "no more features can be active than there are",
});

/**
 * Checks a DiffSAE config that came from outside; `where` names it in errors. Throws an `InputError` for unknown,
 * missing and misshapen keys, by name.
 *
 * @example
 * ```ts
 * import { parseDiffSaeConfig } from "./mod.ts";
 * const rows = { layer: 4, texts: 1000, maxNewTokens: 64 };
 * const sizes = { features: 256, active: 8, seed: 0, steps: 2000, batch: 256 };
 * const given = { ...rows, ...sizes, learningRate: 0.002, warmupShare: 0.05, deadAfterSteps: 200 };
 * if (parseDiffSaeConfig(given, { where: "here" }).active !== 8) throw new Error("kept as it is");
 * ```
 */
export function parseDiffSaeConfig(value: unknown, options: { readonly where: string }): DiffSaeConfig {
  const parsed = SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(
    `bad DiffSAE config at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
    options,
  );
}
