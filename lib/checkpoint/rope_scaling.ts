import { z } from "zod";
import { canonicalJson, InputError } from "../core/mod.ts";
import { validateJson } from "./files/_json_file.ts";

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
const positions = z.int("must be a whole number").min(1, "must be at least 1");
const whole = z.literal(1, "only 1 is supported").nullish();

/** Rotary parameters of one place, whatever their kind: what is read of them depends on it. */
const place = z.looseObject({
  rope_type: z.string("must be a text").nullish(),
  type: z.string("must be a text").nullish(),
  rope_theta: positive.optional(),
  partial_rotary_factor: whole,
}, "must be an object").nullish();

/** The keys of a config.json that rotary angles are made of. */
export const ropeKeys = {
  rope_theta: positive.optional(),
  rope_scaling: place,
  rope_parameters: place,
  partial_rotary_factor: whole,
  original_max_position_embeddings: positions.nullish(),
} as const;

/** The keys of the scaled kind by our names, in the order in which they are asked for. */
const SCALING_KEYS = {
  factor: "factor",
  lowFreqFactor: "low_freq_factor",
  highFreqFactor: "high_freq_factor",
  originalMaxPositions: "original_max_position_embeddings",
} as const satisfies { readonly [K in keyof RopeScaling]: string };

const scalingKeys = z.looseObject({
  factor: z.number("must be a number").min(1, "must be at least 1"),
  low_freq_factor: positive,
  high_freq_factor: positive,
  original_max_position_embeddings: positions.optional(),
});

/** Kinds that divide angles, all of them or those of longer texts, by a factor: with the factor 1 they are unscaled. */
const FACTOR_KINDS = ["linear", "dynamic"];

/** The places of a config.json that rotary parameters may be in. */
const PLACES = ["rope_scaling", "rope_parameters"] as const;

/** The rotary parts of a config.json, checked one by one. */
export interface RopeParts extends Readonly<Partial<z.infer<z.ZodObject<typeof ropeKeys>>>> {
  readonly max_position_embeddings?: number | undefined;
}

/** What is needed to make sense of them. */
interface RopeContext {
  /** The model's positions, where the file does not name those of the first training. */
  readonly maxPositions: number;
  /** Whether the class knows kinds of layer, so that parameters may be given by them. */
  readonly layerKinds: boolean;
  readonly where: string;
}

/** What one place of the file, or the file without one, says of the angles. */
interface RopeReading {
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  /** Keys that its kind does not read, by their path. */
  readonly unread: readonly string[];
}

/** Base of the rotary frequencies where a file does not say: the default of all families. */
const DEFAULT_ROPE_THETA = 10000;

/** Llama 3's scaling at a place. The first positions may stand outside of it, or be those of the model. */
function llama3Scaling(
  raw: RopeParts,
  at: RopeContext & { readonly path: string; readonly stated: unknown },
): RopeScaling {
  const { where, path } = at, what = "config.json";
  const stated = validateJson({ [path]: at.stated }, {
    schema: z.looseObject({ [path]: scalingKeys }),
    what,
    where,
  })[path] as z.infer<typeof scalingKeys>;
  const outside = raw.original_max_position_embeddings ?? undefined;
  const inside = stated.original_max_position_embeddings;
  if (outside !== undefined && inside !== undefined && outside !== inside) {
    throw new InputError(
      `config.json states different original_max_position_embeddings: ${outside} and ${inside}`,
      { where },
    );
  }
  const [low, high] = [stated.low_freq_factor, stated.high_freq_factor];
  if (high <= low) {
    throw new InputError(
      `"${path}.high_freq_factor" in config.json must be above low_freq_factor: current values are ${high} and ${low}`,
      { where },
    );
  }
  return {
    factor: stated.factor,
    lowFreqFactor: low,
    highFreqFactor: high,
    originalMaxPositions: inside ?? outside ?? at.maxPositions,
  };
}

/** What a place says; undefined where it is empty. */
function readingAt(
  name: typeof PLACES[number],
  raw: RopeParts,
  context: RopeContext,
): RopeReading | undefined {
  const { where } = context, outer = raw[name];
  if (outer === null || outer === undefined || Object.keys(outer).length === 0) return undefined;
  const byLayer = "full_attention" in outer;
  const path = byLayer ? `${name}.full_attention` : name;
  const stated = byLayer
    ? validateJson({ [path]: outer.full_attention }, {
      schema: z.looseObject({ [path]: place.unwrap().unwrap() }),
      what: "config.json",
      where,
    })[path] as NonNullable<RopeParts["rope_scaling"]>
    : outer;
  const inner = stated.rope_theta, top = raw.rope_theta;
  if (inner !== undefined && top !== undefined && inner !== top) {
    throw new InputError(`config.json states different rope_theta: ${top} and ${inner}`, { where });
  }
  const typeKey = typeof stated.rope_type === "string" ? "rope_type" : "type";
  const kind = stated[typeKey] ?? "default";
  const known = new Set<string>([typeKey, "rope_theta", "partial_rotary_factor"]);
  let ropeScaling: RopeScaling | null = null;
  if (kind === "llama3") {
    for (const key of Object.values(SCALING_KEYS)) known.add(key);
    ropeScaling = llama3Scaling(raw, { ...context, path, stated });
  } else if (FACTOR_KINDS.includes(kind) && stated.factor === 1) {
    known.add("factor");
  } else if (kind !== "default") {
    throw new InputError(
      `"${path}.${typeKey}" in config.json: only "default" or "llama3" is supported: current value is ${
        JSON.stringify(kind.slice(0, 80))
      }`,
      { where },
    );
  }
  const unread = Object.keys(stated).filter((key) => !known.has(key)).map((key) => `${path}.${key}`);
  const ropeTheta = inner ?? top ?? DEFAULT_ROPE_THETA;
  const flat = outer.rope_theta ?? top ?? DEFAULT_ROPE_THETA;
  if (byLayer && !context.layerKinds && (ropeTheta !== flat || ropeScaling !== null)) {
    throw new InputError(
      `"${path}" in config.json: a model without kinds of layer passes over it and takes rope_theta ${flat}: ` +
        `current value is ${JSON.stringify(stated).slice(0, 80)}`,
      { where },
    );
  }
  const others = byLayer ? Object.keys(outer).filter((key) => key !== "full_attention") : [];
  return {
    ropeTheta,
    ropeScaling,
    unread: [...unread, ...others.map((key) => `${name}.${key}`)],
  };
}

/**
 * θ and the scaling from whichever of their places a file uses, and the keys there that change nothing. Two places that
 * differ are a fault, since versions of one class read different ones.
 */
export function ropeOf(raw: RopeParts, context: RopeContext): RopeReading {
  const readings = PLACES.map((name) => readingAt(name, raw, context)).filter((reading) =>
    reading !== undefined
  );
  const differ = (of: (reading: RopeReading) => unknown) =>
    new Set(readings.map((reading) => canonicalJson(of(reading)))).size > 1;
  if (differ(({ ropeTheta }) => ropeTheta)) {
    const bases = readings.map(({ ropeTheta }) => ropeTheta);
    throw new InputError(`config.json states different rope_theta: ${bases.join(" and ")}`, {
      where: context.where,
    });
  }
  if (differ(({ ropeScaling }) => ropeScaling)) {
    throw new InputError('config.json states different scalings in "rope_scaling" and "rope_parameters"', {
      where: context.where,
    });
  }
  const [first] = readings;
  const ropeScaling = first?.ropeScaling ?? null;
  const outside = raw.original_max_position_embeddings !== undefined && ropeScaling === null;
  return {
    ropeTheta: first?.ropeTheta ?? raw.rope_theta ?? DEFAULT_ROPE_THETA,
    ropeScaling,
    unread: [
      ...(outside ? ["original_max_position_embeddings"] : []),
      ...readings.flatMap((reading) => reading.unread),
    ],
  };
}

/** A scaling as config.json writes it, under the name that all versions of transformers read. */
export function ropeScalingJson(scaling: RopeScaling): { readonly [key: string]: string | number } {
  const values = Object.entries(SCALING_KEYS).map(([name, key]) => [key, scaling[name as keyof RopeScaling]]);
  return { rope_type: "llama3", ...Object.fromEntries(values) };
}
