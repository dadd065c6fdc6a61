import { z } from "zod";
import { checkedConfig } from "./_checked_config.ts";

/** Everything that decides a DiffSAE run, but for its rows. */
export interface DiffSaeConfig {
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

const whole = z.int().positive();
const SCHEMA = z.strictObject({
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
 */
export function parseDiffSaeConfig(value: unknown, options: { readonly where: string }): DiffSaeConfig {
  return checkedConfig(SCHEMA, value, { what: "DiffSAE config", ...options });
}
