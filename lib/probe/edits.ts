import type { ModelConfig } from "../checkpoint/mod.ts";
import {
  accurateDType,
  accurateSum,
  ADAPTER_SITE_KINDS,
  type ComputeDType,
  HEAD_NORM_SITE_KINDS,
  type LastBlockRoute,
  parseSite,
  type Site,
  type SiteHandler,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import type { GraphBuilder, Shape, Value } from "../onnx/mod.ts";
import { type AppliedAdapters, applyAdapters } from "./adapter_edit.ts";
import { type AblationShape, type AppliedAblation, applyAblation } from "./feature_ablation.ts";
import {
  checkRoute,
  checkRoutedSites,
  lastBlockRoute,
  maskName,
  routeOf,
  type SteeringRoute,
} from "./steering_route.ts";
import { placeKinds } from "./vector_place.ts";

/** Edits of a model graph, declared before it is built. They apply in the order steer, ablate, patch, tap. */
export interface Edits extends SteeringRoute {
  /** Sites whose values are copied out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Sites whose values may be replaced, at the positions that a mask names. `@default []` */
  readonly patches?: readonly SiteName[];
  /** Layers that have a vector added: at `resid_post`, or at another place. `@default []` */
  readonly steer?: readonly number[];
  /** Whether steering takes a factor per row and position, instead of adding everywhere. `@default false` */
  readonly steerFactors?: boolean;
  /** Layers whose down_proj has a rank-1 adapter. `@default []` */
  readonly adapters?: readonly number[];
  /** Features that are taken out of what the additions change in the residual stream. `@default null` */
  readonly ablation?: AblationShape | null;
}

/** Names of the inputs and outputs that edits add to a graph. */
export const EDIT_NAMES = {
  /** Steering vectors, float [steered layers, embed], in the order of `Edits.steer`. */
  steering: "steering",
  /** Factors on the vectors, float [batch, seq]. */
  steerFactors: "steer_factors",
  /** New value of a patched site, in the site's shape or broadcast to it. */
  patch: (site: SiteName): string => `patch.${site}`,
  /** Where the new value holds, bool [batch, seq], or broadcast to that. */
  patchMask: (site: SiteName): string => `patch_mask.${site}`,
  /** A tapped value. */
  tap: (site: SiteName): string => `tap.${site}`,
  /** The adjoint of a tapped value. */
  adjoint: (site: SiteName): string => `adjoint.${site}`,
  /** Which heads of a part of the patched last block read the steered stream, bool [heads or kv_heads, 1]. */
  mask: maskName,
} as const;

/**
 * Shape of a site's value.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { siteShape } from "./mod.ts";
 * if (siteShape("resid_post", tinyConfig({ embed: 32 })).join() !== "batch,seq,32") throw new Error("[batch, seq, embed]");
 * ```
 */
export function siteShape(kind: SiteKind, config: ModelConfig): Shape {
  switch (kind) {
    case "q":
    case "q_norm":
    case "head_out":
      return ["batch", "seq", config.heads, config.headDim];
    case "k":
    case "k_norm":
    case "v":
      return ["batch", "seq", config.kvHeads, config.headDim];
    case "attn_weights":
      return ["batch", config.heads, "seq", "seq"];
    case "adapter_scale":
      return ["batch", "seq"];
    default:
      return ["batch", "seq", config.embed];
  }
}

/**
 * Edits made fit for a model: names checked, doubles refused, steered layers in order.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { checkEdits } from "./mod.ts";
 * const edits = checkEdits({ steer: [1, 0] }, tinyConfig());
 * if (edits.steer.join() !== "0,1") throw new Error("layers are sorted");
 * ```
 *
 * @throws {RangeError} for an unknown site, a layer that the model lacks, a site named twice, factors on nothing, a
 * route that the model cannot have, or a site of which a patched last block has two.
 */
export function checkEdits(edits: Edits, config: ModelConfig): Required<Edits> {
  const distinct = <T extends string | number>(list: readonly T[], action: string): readonly T[] => {
    const double = list.find((item, index) => list.indexOf(item) !== index);
    if (double !== undefined) throw new RangeError(`Cannot ${action} "${double}" as it must be named once`);
    return list;
  };
  const { taps = [], patches = [], steer = [], steerFactors = false, adapters = [], ablation = null } = edits;
  const checkSite = (name: SiteName, action: string) => {
    const site: Site = parseSite(name, { layers: config.layers, action });
    const needsAdapter = ADAPTER_SITE_KINDS.some((kind) => kind === site.kind);
    if (needsAdapter && !adapters.includes(site.layer)) {
      throw new RangeError(
        `Cannot ${action} "${name}" as its layer must have an adapter: current layers are ${
          adapters.length === 0 ? "none" : adapters.join(", ")
        }`,
      );
    }
    const needsHeadNorm = HEAD_NORM_SITE_KINDS.some((kind) => kind === site.kind);
    if (needsHeadNorm && !siteKindsOf(config).includes(site.kind)) {
      throw new RangeError(
        `Cannot ${action} "${name}" as the model must norm its query and key heads: current family is ${config.architecture}`,
      );
    }
  };
  const checkLayers = (layers: readonly number[], action: string) => {
    for (const layer of distinct(layers, `${action} layer`)) {
      if (!(Number.isInteger(layer) && layer >= 0 && layer < config.layers)) {
        throw new RangeError(`Cannot ${action} layer ${layer} as it must lie in [0, ${config.layers})`);
      }
    }
  };
  for (const name of distinct(taps, "tap")) checkSite(name, "tap");
  for (const name of distinct(patches, "patch")) checkSite(name, "patch");
  checkLayers(steer, "steer");
  checkLayers(adapters, "adapt");
  if (ablation !== null) checkLayers([ablation.layer], "ablate at");
  if (steerFactors && steer.length === 0) {
    throw new RangeError(
      "Cannot take steering factors as at least one layer must be steered: current value is none",
    );
  }
  checkRoute(edits, { config, layers: steer });
  checkRoutedSites(edits, { config, taps, patches });
  const sorted = (layers: readonly number[]) => [...layers].sort((a, b) => a - b);
  const additions = { steer: sorted(steer), steerFactors, adapters: sorted(adapters), ablation };
  return { taps, patches, ...additions, ...routeOf(edits) };
}

/** A graph's edits at work. */
export interface AppliedEdits extends AppliedAdapters {
  /** Handed to the decoder: sees every site, changes the ones that edits name. */
  readonly site: SiteHandler;
  /** The same over the base model's stream at the site of the ablation, which a graph with one must use. */
  readonly siteOver: (base: Value) => SiteHandler;
  /** The features that are taken out. */
  readonly ablation: AppliedAblation | null;
  /** Steering vectors by layer, [embed], or [batch, 1, embed] where each row has its own. */
  readonly vectors: ReadonlyMap<number, Value>;
  /** Tapped values by site, filled as the decoder is built. */
  readonly tapped: ReadonlyMap<SiteName, Value>;
  /** Handed to the decoder: the vector that goes through the last block on a way of its own. */
  readonly lastBlock: LastBlockRoute | null;
}

/** Kinds whose value is [batch, seq, heads or kv_heads, head_dim]. */
const PER_HEAD: ReadonlySet<SiteKind> = new Set(["q", "k", "v", "q_norm", "k_norm", "head_out"]);

/** Where a site's [batch, seq] mask goes among the axes of its value: positions of attn_weights are its queries. */
function maskAxes(kind: SiteKind): readonly number[] {
  if (kind === "attn_weights") return [1, 3]; // [batch, 1, seq, 1]
  if (kind === "adapter_scale") return [];
  return PER_HEAD.has(kind) ? [2, 3] : [2];
}

/**
 * Adds the inputs of edits to a graph and returns the handler that applies them. Steering s_l becomes part of
 * `blocks.l.resid_post`, or of the site of another place: a tap of that site sees the steered value, a patch replaces
 * it whole. Where the last block is patched, the vector of the block before it is left out there and routed instead.
 * In a 16-bit graph every sum with a vector is a float32 island, so a small vector is not rounded before it is added,
 * and its adjoint is summed over rows and positions in float32; patches and taps are float32 at the border, a tap
 * exactly.
 * Source: the paper's steered block, h_l = h_mid + MLP(norm(h_mid)) + s_l (class: code); it writes s_l for our
 * steering[layer].
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { applyEdits, checkEdits } from "./mod.ts";
 * const config = tinyConfig({ embed: 32 });
 * const g = new GraphBuilder("steered");
 * const { site, vectors } = applyEdits(g, checkEdits({ steer: [1] }, config), { config, compute: "float32" });
 * const x = g.input("x", "float32", ["batch", "seq", 32]);
 * if (site(g, "blocks.0.resid_post", x) !== x) throw new Error("layer 0 is left alone");
 * if (site(g, "blocks.1.resid_post", x) === x) throw new Error("layer 1 is steered");
 * if (vectors.get(1)?.dims[0] !== 32) throw new Error("one vector per steered layer");
 * ```
 */
export function applyEdits(
  g: GraphBuilder,
  edits: Required<Edits>,
  options: {
    readonly config: ModelConfig;
    readonly compute: ComputeDType;
    /**
     * Ones, float [batch, 1, 1]: then each row of the batch has a copy of what is added, so that each has an adjoint.
     * `@default null`
     */
    readonly perRow?: Value | null;
  },
): AppliedEdits {
  const { config, compute, perRow = null } = options, accurate = accurateDType(compute);
  const vectors = new Map<number, Value>();
  if (edits.steer.length > 0) {
    const steering = g.input(EDIT_NAMES.steering, accurate, [edits.steer.length, config.embed]);
    edits.steer.forEach((layer, row) => {
      const vector = g.gather(steering, g.scalar("int64", row), { axis: 0 });
      vectors.set(layer, perRow === null ? vector : g.mul(perRow, vector));
    });
  }
  const factors = edits.steerFactors ? g.input(EDIT_NAMES.steerFactors, accurate, ["batch", "seq"]) : null;
  const patches = new Map(edits.patches.map((name) => {
    const { kind } = parseSite(name, { layers: config.layers, action: "patch" });
    // a·z of an adapter is an island of its own
    const dtype = kind === "adapter_scale" ? accurate : compute;
    const broadcasts = { broadcasts: true };
    const fed = g.input(EDIT_NAMES.patch(name), accurate, siteShape(kind, config), broadcasts);
    const value = g.cast(fed, dtype);
    const mask = g.input(EDIT_NAMES.patchMask(name), "bool", ["batch", "seq"], broadcasts);
    return [name, { value, mask, axes: maskAxes(kind) }] as const;
  }));
  const tapped = new Map<SiteName, Value>();
  const added = (inner: GraphBuilder, vector: Value) =>
    factors === null ? vector : inner.mul(inner.unsqueeze(factors, [2]), vector);
  const kinds = placeKinds(edits.place, edits);
  const routed = edits.lastBlock === null ? null : config.layers - 2;
  const steered = new Map(
    [...vectors].flatMap(([layer, vector]) =>
      layer === routed ? [] : kinds.map((kind) => [siteName({ layer, kind }), vector] as const)
    ),
  );
  const ablation = edits.ablation === null
    ? null
    : applyAblation(g, edits.ablation, { embed: config.embed, compute });
  const siteWith = (base: Value | null): SiteHandler => (inner, name, computed) => {
    const vector = steered.get(name);
    let value = vector === undefined
      ? computed
      : accurateSum(inner, computed, { added: added(inner, vector) });
    if (base !== null && name === ablation?.site) value = ablation.apply(inner, { changed: value, base });
    const patch = patches.get(name);
    if (patch !== undefined) {
      const mask = patch.axes.length === 0 ? patch.mask : inner.unsqueeze(patch.mask, patch.axes);
      value = inner.apply("Where", [mask, patch.value, value]);
    }
    if (edits.taps.includes(name)) tapped.set(name, value);
    return value;
  };
  const lastBlock = edits.lastBlock === null ? null : lastBlockRoute(g, edits.lastBlock, {
    config,
    vector: added(g, vectors.get(config.layers - 2) as Value),
    touched: [...edits.patches, ...edits.taps],
  });
  const site = siteWith(null);
  const adapted = applyAdapters(g, edits.adapters, { config, compute, site, perRow });
  return { site, siteOver: siteWith, ablation, vectors, tapped, lastBlock, ...adapted };
}
