import type { SiteKind } from "../model/mod.ts";

/** Places of a block where a steering vector can be added, each the output of one of its modules. */
export const VECTOR_PLACES = ["mlp", "attention", "input_norm", "post_attention_norm"] as const;

/** One of those places; `mlp` is where the paper's vectors are. */
export type VectorPlace = typeof VECTOR_PLACES[number];

const KINDS: { readonly [Place in VectorPlace]: SiteKind } = {
  mlp: "resid_post",
  attention: "attn_out",
  input_norm: "input_norm",
  post_attention_norm: "post_attention_norm",
};

/** Where the published rollouts add a norm's vector a second time: the output of the module that reads the norm. */
const DOUBLES: { readonly [Place in VectorPlace]?: SiteKind } = {
  input_norm: "attn_out",
  post_attention_norm: "resid_post",
};

/**
 * Kinds of site at which a vector of some place is added, in the order in which a block comes to them.
 *
 *     mlp                   r = x + A(N₁ x),          y = r + MLP(N₂ r) + s
 *     attention             r = x + A(N₁ x) + s,      y = r + MLP(N₂ r)
 *     input_norm            r = x + A(N₁ x + s),      y = r + MLP(N₂ r)
 *       as published        r = x + A(N₁ x + s) + s,  y = r + MLP(N₂ r)
 *     post_attention_norm   r = x + A(N₁ x),          y = r + MLP(N₂ r + s)
 *       as published        r = x + A(N₁ x),          y = r + MLP(N₂ r + s) + s
 *
 * Training in the published code adds once, its rollouts and evaluations twice; we add once unless told otherwise.
 * Source: Appendix C (class: code).
 *
 * @throws {RangeError} for an unknown place, and for the published form of a place that was never doubled.
 */
export function placeKinds(
  place: VectorPlace,
  options: {
    /** Add a norm's vector a second time, as the published rollouts do. `@default false` */
    readonly asPublished?: boolean;
  } = {},
): readonly SiteKind[] {
  if (!VECTOR_PLACES.includes(place)) {
    throw new RangeError(
      `Cannot steer at "${place}" as place must be ${VECTOR_PLACES.join(", ")}: current value is "${place}"`,
    );
  }
  if (options.asPublished !== true) return [KINDS[place]];
  const double = DOUBLES[place];
  if (double === undefined) {
    throw new RangeError(
      `Cannot steer as published as place must be ${
        Object.keys(DOUBLES).join(" or ")
      }: current value is "${place}"`,
    );
  }
  return [KINDS[place], double];
}
