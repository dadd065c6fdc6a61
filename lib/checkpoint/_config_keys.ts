import { z } from "zod";
import { validateJson } from "./files/_json_file.ts";
import { architectureRow, ARCHITECTURES } from "./architecture.ts";
import type { OwnKey } from "./architectures/architecture_row.ts";
import { ropeKeys } from "./rope_scaling.ts";

/**
 * A whole number from 1 to a limit, an order of magnitude above the largest published models. Shapes are made of
 * these numbers before any weight is looked at, so an absurd one must not get that far.
 */
const count = (limit: number) =>
  z.int("must be a whole number").min(1, "must be at least 1").max(limit, `must be at most ${limit}`);
const tokenId = z.int("must be a token id").min(0, "must be a token id").max(
  2 ** 31 - 1,
  "must be a token id",
);
const positive = z.number("must be a number").gt(0, "must be above 0");
const flag = z.boolean("must be true or false").nullish();
const window = count(2 ** 31 - 1).nullish();

function only<const T extends string | number | boolean>(...values: readonly T[]): z.ZodType<T> {
  return z.literal(
    [...values],
    `only ${values.map((value) => JSON.stringify(value)).join(" or ")} is supported`,
  );
}

/** Keys that only some classes read. */
const OWN_KEYS = {
  attention_bias: flag,
  mlp_bias: flag,
  sliding_window: window,
  attention_chunk_size: window,
  use_sliding_window: flag,
  max_window_layers: z.int("must be a whole number").min(0, "must be at least 0").nullish(),
} as const satisfies { readonly [K in OwnKey]: z.ZodType };

/** Keys that every class reads, and those of which only the value that changes nothing is supported. */
const COMMON_KEYS = {
  model_type: only(...ARCHITECTURES),
  architectures: z.array(z.string("must be the name of a class"), "must be a list of classes").nullish(),
  num_hidden_layers: count(2 ** 10),
  hidden_size: count(2 ** 18),
  num_attention_heads: count(2 ** 12),
  num_key_value_heads: count(2 ** 12).nullish(),
  head_dim: count(2 ** 13).nullish(),
  intermediate_size: count(2 ** 20),
  vocab_size: count(2 ** 24),
  max_position_embeddings: count(2 ** 31 - 1).optional(),
  rms_norm_eps: positive.optional(),
  hidden_act: only("silu", "swish").optional(),
  tie_word_embeddings: flag,
  layer_types: z.array(
    only("full_attention", "attention", "sliding_attention"),
    "must be a list of layer types",
  ).nullish(),
  ...ropeKeys,
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)], "must be a token id or a list of them").nullish(),
  quantization_config: z.null("quantised weights are not supported").optional(),
  is_encoder_decoder: only(false).nullish(),
  is_causal: only(true).optional(),
  per_layer_config: z.strictObject({}, "only an empty object is supported").nullish(),
} as const;

const SCHEMA = z.strictObject({ ...COMMON_KEYS, ...OWN_KEYS });
const FAMILY_SCHEMA = z.looseObject({ model_type: COMMON_KEYS.model_type }, "must be an object");

/** The keys of a config.json that its class reads, checked; a key that only other classes read is undefined. */
export type ConfigKeys = z.infer<typeof SCHEMA>;

/**
 * The keys of the parsed JSON of a config.json that its class reads, and the names of those that it does not. Throws an
 * `InputError` for a key that is read and holds what is not supported, by name and value.
 */
export function readConfigKeys(
  json: unknown,
  where: string,
): { readonly raw: ConfigKeys; readonly unread: readonly string[] } {
  const place = { what: "config.json", where };
  const family = validateJson(json, { schema: FAMILY_SCHEMA, ...place });
  const known = new Set<string>([...Object.keys(COMMON_KEYS), ...architectureRow(family.model_type).reads]);
  const entries = Object.entries(family);
  const read = Object.fromEntries(entries.filter(([key]) => known.has(key)));
  return {
    raw: validateJson(read, { schema: SCHEMA, ...place }),
    unread: entries.map(([key]) => key).filter((key) => !known.has(key)),
  };
}
