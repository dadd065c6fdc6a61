import { z } from "zod";
import { canonicalJson, InputError } from "../core/mod.ts";

/**
 * How Llama 3 stretches its rotary angles to longer texts than it was first trained on: angles that turn fast over
 * the first length stay, slow ones are divided by `factor`, those between go over smoothly.
 */
export interface RopeScaling {
  /** What slow angles are divided by, at least 1. */
  readonly factor: number;
  /** Angles of fewer turns than this over `originalMaxPositions` are slow. */
  readonly lowFreqFactor: number;
  /** Angles of more turns than this are fast; above `lowFreqFactor`. */
  readonly highFreqFactor: number;
  /** Positions of the first training. */
  readonly originalMaxPositions: number;
}

const positive = z.number("must be a number").gt(0, "must be above 0");

/** The keys of the scaled kind by our names, in the order in which they are asked for. */
const SCALING_KEYS = {
  factor: "factor",
  lowFreqFactor: "low_freq_factor",
  highFreqFactor: "high_freq_factor",
  originalMaxPositions: "original_max_position_embeddings",
} as const satisfies { readonly [K in keyof RopeScaling]: string };

const ROPE_KINDS = ["default", "llama3"] as const;
const kind = z.literal([...ROPE_KINDS], 'only "default" or "llama3" is supported');

/** Rotary parameters of a config.json under their old and new names. */
export const ropeSchema = z.strictObject({
  rope_type: kind.optional(),
  type: kind.optional(),
  rope_theta: positive.optional(),
  partial_rotary_factor: z.literal(1, "only 1 is supported").optional(),
  factor: z.number("must be a number").min(1, "must be at least 1").optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: z.int("must be a whole number").min(1, "must be at least 1").optional(),
});

/** The rotary parts of a config.json. */
export interface RopeParts {
  readonly rope_theta?: number | undefined;
  readonly rope_scaling?: z.infer<typeof ropeSchema> | null | undefined;
  readonly rope_parameters?: z.infer<typeof ropeSchema> | null | undefined;
}

/** Base of the rotary frequencies where a file does not say: the default of both families. */
const DEFAULT_ROPE_THETA = 10000;

/** The scaling that one place of the file states; null for the unscaled kind. */
function scalingAt(place: "rope_scaling" | "rope_parameters", raw: RopeParts, where: string) {
  const stated = raw[place];
  if (stated === null || stated === undefined) return undefined;
  if (stated.rope_type !== undefined && stated.type !== undefined && stated.rope_type !== stated.type) {
    const kinds = `"${stated.rope_type}" and "${stated.type}"`;
    throw new InputError(`config.json states different types in "${place}": ${kinds}`, { where });
  }
  const keys = Object.values(SCALING_KEYS);
  if ((stated.rope_type ?? stated.type ?? "default") === "default") {
    const stray = keys.filter((key) => stated[key] !== undefined);
    if (stray.length === 0) return null;
    const names = stray.map((key) => `"${key}"`).join(", ");
    throw new InputError(`config.json has unknown keys ${names} in "${place}"`, {
      where,
      repair: "only rotary parameters of the type llama3 have them",
    });
  }
  const lacking = keys.find((key) => stated[key] === undefined);
  if (lacking !== undefined) {
    throw new InputError(`"${place}.${lacking}" is missing in config.json`, { where });
  }
  const scaling = Object.fromEntries(
    Object.entries(SCALING_KEYS).map(([name, key]) => [name, stated[key]]),
  ) as { [K in keyof RopeScaling]: number };
  if (scaling.highFreqFactor <= scaling.lowFreqFactor) {
    throw new InputError(
      `"${place}.high_freq_factor" in config.json must be above low_freq_factor: current values are ` +
        `${scaling.highFreqFactor} and ${scaling.lowFreqFactor}`,
      { where },
    );
  }
  return scaling;
}

/** θ and the scaling from whichever of their places a file uses; two places that differ are a fault. */
export function ropeOf(
  raw: RopeParts,
  where: string,
): { readonly ropeTheta: number; readonly ropeScaling: RopeScaling | null } {
  const bases = [raw.rope_theta, raw.rope_parameters?.rope_theta, raw.rope_scaling?.rope_theta]
    .filter((theta) => theta !== undefined);
  if (new Set(bases).size > 1) {
    throw new InputError(`config.json states different rope_theta: ${bases.join(" and ")}`, { where });
  }
  const scalings = (["rope_scaling", "rope_parameters"] as const)
    .map((place) => scalingAt(place, raw, where))
    .filter((scaling) => scaling !== undefined);
  const texts = new Set(scalings.map((scaling) => canonicalJson(scaling === null ? null : { ...scaling })));
  if (texts.size > 1) {
    throw new InputError('config.json states different scalings in "rope_scaling" and "rope_parameters"', {
      where,
    });
  }
  return { ropeTheta: bases[0] ?? DEFAULT_ROPE_THETA, ropeScaling: scalings[0] ?? null };
}

/** A scaling as config.json writes it, under the name that all versions of transformers read. */
export function ropeScalingJson(scaling: RopeScaling): { readonly [key: string]: string | number } {
  const values = Object.entries(SCALING_KEYS).map(([name, key]) => [key, scaling[name as keyof RopeScaling]]);
  return { rope_type: "llama3", ...Object.fromEntries(values) };
}
