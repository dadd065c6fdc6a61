import type { ModelConfig } from "../checkpoint/mod.ts";
import {
  accurateDType,
  accurateSum,
  ADAPTER_SITE_KINDS,
  type AppliedLastBlock,
  checkLayer,
  type ComputeDType,
  HEAD_NORM_SITE_KINDS,
  parseSite,
  type Site,
  type SiteHandler,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import type { GraphBuilder, Shape, Value } from "../onnx/mod.ts";
import { type AppliedAdapters, applyAdapters } from "./apply_adapters.ts";
import { type AblationShape, type AppliedAblation, applyAblation } from "./feature_ablation.ts";
import { applyOperators, type OperatorShape } from "./apply_operators.ts";
import {
  applyLastBlock,
  checkRoute,
  checkRoutedSites,
  maskName,
  routeOf,
  type SteeringRoute,
} from "./steering_route.ts";
import { placeKinds } from "./vector_place.ts";

/** Edits of a model graph, declared before it is built. They apply in the order steer, operate, ablate, patch, tap. */
export interface Edits extends SteeringRoute {
  /** Sites whose values are copied out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Sites whose values may be replaced, at the positions that a mask names. `@default []` */
  readonly patches?: readonly SiteName[];
  /** Whether masks of sites with heads are [batch, seq, heads] in place of [batch, seq]. `@default false` */
  readonly headMasks?: boolean;
  /** Layers that have a vector added: at `resid_post`, or at another place. `@default []` */
  readonly steer?: readonly number[];
  /** Whether steering takes a factor per row and position, instead of adding everywhere. `@default false` */
  readonly steerFactors?: boolean;
  /** What is done to the stream where vectors are added, after that. `@default null` */
  readonly operators?: OperatorShape | null;
  /** Layers whose down_proj has a rank-1 adapter. `@default []` */
  readonly adapters?: readonly number[];
  /** Features that are taken out of what the additions change in the residual stream. `@default null` */
  readonly ablation?: AblationShape | null;
}

/** Names of the inputs and outputs that edits add to a graph. */
export const EDIT_NAMES = {
  /** Steering vectors, float [steered layers, embed], in the order of `Edits.steer`. */
  steering: "steering",
  /** Factors on vectors and operators, float [batch, seq]; of a rollout one for every position that it may reach. */
  steerFactors: "steer_factors",
  /** New value of a patched site, in the site's shape or broadcast to it. */
  patch: (site: SiteName): string => `patch.${site}`,
  /** Where the new value holds, bool [batch, seq] or [batch, seq, heads], or broadcast to that. */
  patchMask: (site: SiteName): string => `patch_mask.${site}`,
  /** A tapped value. */
  tap: (site: SiteName): string => `tap.${site}`,
  /** The adjoint of a tapped value. */
  adjoint: (site: SiteName): string => `adjoint.${site}`,
  /** Which heads of a part of the patched last block read the steered stream, bool [heads or kv_heads, 1]. */
  mask: maskName,
} as const;

/** Shape of a site's value. */
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
 * @throws {RangeError} for an unknown site, a layer that the model lacks, a site named twice, factors on nothing, a
 * route that the model cannot have, or a site of which a patched last block has two.
 */
export function checkEdits(edits: Edits, config: ModelConfig): Required<Edits> {
  const distinct = <T extends string | number>(list: readonly T[], action: string): readonly T[] => {
    const double = list.find((item, index) => list.indexOf(item) !== index);
    if (double !== undefined) throw new RangeError(`Cannot ${action} "${double}" as it must be named once`);
    return list;
  };
  const { taps = [], patches = [], steer = [], adapters = [], ablation = null, operators = null } = edits;
  const { steerFactors = false, headMasks = false } = edits;
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
      checkLayer(layer, { layers: config.layers, action });
    }
  };
  for (const name of distinct(taps, "tap")) checkSite(name, "tap");
  for (const name of distinct(patches, "patch")) checkSite(name, "patch");
  checkLayers(steer, "steer");
  checkLayers(adapters, "adapt");
  if (ablation !== null) checkLayers([ablation.layer], "ablate at");
  checkLayers(operators?.layers ?? [], "operate on");
  if (steerFactors && steer.length === 0 && operators === null) {
    throw new RangeError(
      "Cannot take steering factors as at least one layer must be steered: current value is none",
    );
  }
  if (operators !== null && routeOf(edits).lastBlock !== null) {
    throw new RangeError("Cannot patch the last block as no layer must have an operator beside it");
  }
  checkRoute(edits, { config, layers: steer });
  checkRoutedSites(edits, { config, taps, patches });
  const sorted = (layers: readonly number[]) => [...layers].sort((a, b) => a - b);
  const additions = { steer: sorted(steer), steerFactors, operators, adapters: sorted(adapters), ablation };
  return { taps, patches, headMasks, ...additions, ...routeOf(edits) };
}

/** What a trip of a rollout's loop reads: whole prompts the first time, then a token of each row. */
export interface Trip {
  /** The loop's body. */
  readonly g: GraphBuilder;
  /** Position of each token, int64 [rows, new]. */
  readonly positions: Value;
  /** Their numbers from 0, int64 [new]. */
  readonly offsets: Value;
  /** Which prompt each row continues, int64 [rows]: factors and patches are those of prompts. */
  readonly origins: Value;
}

/** A graph's edits at work. */
export interface AppliedEdits extends AppliedAdapters {
  /** Handed to the decoder: sees every site, changes the ones that edits name. */
  readonly site: SiteHandler;
  /**
   * The same over the base model's stream at the site of the ablation, which a graph with one must use, and over the
   * tokens of a trip.
   */
  readonly siteOver: (base: Value | null, trip?: Trip) => SiteHandler;
  /** The features that are taken out. */
  readonly ablation: AppliedAblation | null;
  /** Steering vectors by layer, [embed], or [batch, 1 or seq, embed] where each row or position has its own. */
  readonly vectors: ReadonlyMap<number, Value>;
  /** Tapped values by site, filled as the decoder is built. */
  readonly tapped: ReadonlyMap<SiteName, Value>;
  /** Handed to the decoder: the vector that goes through the last block on a way of its own. */
  readonly lastBlock: AppliedLastBlock | null;
  /** The same over the tokens of a trip. */
  readonly lastBlockOver: (trip: Trip) => AppliedLastBlock | null;
}

/** Kinds whose value is [batch, seq, heads or kv_heads, head_dim]. */
const PER_HEAD: ReadonlySet<SiteKind> = new Set(["q", "k", "v", "q_norm", "k_norm", "head_out"]);

/**
 * A site's mask [batch, seq] or [batch, seq, heads] among the axes of its value: positions of attn_weights are its
 * queries.
 */
function laidOut(g: GraphBuilder, mask: Value, kind: SiteKind): Value {
  if (kind === "adapter_scale") return mask;
  if (mask.dims.length === 3) {
    return kind === "attn_weights"
      ? g.unsqueeze(g.transpose(mask, [0, 2, 1]), [3]) // [batch, heads, seq, 1]
      : g.unsqueeze(mask, [3]); // [batch, seq, heads, 1]
  }
  return g.unsqueeze(mask, kind === "attn_weights" ? [1, 3] : PER_HEAD.has(kind) ? [2, 3] : [2]);
}

/** Heads of a site, null where it has none. */
export function siteHeads(kind: SiteKind, config: ModelConfig): number | null {
  if (kind === "attn_weights") return config.heads;
  return PER_HEAD.has(kind) ? siteShape(kind, config)[2] as number : null;
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
    /** Ones, float [batch, seq, 1]: then each position has a copy of every vector. `@default perRow` */
    readonly perPosition?: Value | null;
    /**
     * What the rows of a rollout's prompts are called: factors are fed for each and every position that it may reach.
     * `@default null`: for the rows and positions of whole sequences
     */
    readonly prompts?: string | null;
  },
): AppliedEdits {
  const { config, compute, perRow = null, prompts = null } = options, accurate = accurateDType(compute);
  const copies = options.perPosition ?? perRow;
  const vectors = new Map<number, Value>();
  if (edits.steer.length > 0) {
    const steering = g.input(EDIT_NAMES.steering, accurate, [edits.steer.length, config.embed]);
    edits.steer.forEach((layer, row) => {
      const vector = g.gather(steering, g.scalar("int64", row), { axis: 0 });
      vectors.set(layer, copies === null ? vector : g.mul(copies, vector));
    });
  }
  const factors = edits.steerFactors
    ? g.input(EDIT_NAMES.steerFactors, accurate, prompts === null ? ["batch", "seq"] : [prompts, "positions"])
    : null;
  const operate = applyOperators(g, edits.operators, { embed: config.embed, compute });
  const patches = new Map(edits.patches.map((name) => {
    const { kind } = parseSite(name, { layers: config.layers, action: "patch" });
    // a·z of an adapter is an island of its own
    const dtype = kind === "adapter_scale" ? accurate : compute;
    const broadcasts = { broadcasts: true }, batch = prompts ?? "batch";
    const shape = [batch, ...siteShape(kind, config).slice(1)];
    const value = g.cast(g.input(EDIT_NAMES.patch(name), accurate, shape, broadcasts), dtype);
    const heads = edits.headMasks ? siteHeads(kind, config) : null;
    const dims = heads === null ? [batch, "seq"] : [batch, "seq", heads];
    const mask = g.input(EDIT_NAMES.patchMask(name), "bool", dims, broadcasts);
    return [name, { value, mask, kind }] as const;
  }));
  const tapped = new Map<SiteName, Value>();
  const added = (inner: GraphBuilder, vector: Value, of: Value | null) =>
    of === null ? vector : inner.mul(inner.unsqueeze(of, [2]), vector);
  const ofRows = ({ g: body, origins }: Trip, values: Value) => body.gather(values, origins, { axis: 0 });
  const factorsOver = (trip: Trip) =>
    factors &&
    trip.g.gatherElements(ofRows(trip, factors), trip.positions, { axis: 1 }); // [rows, new]
  const kinds = placeKinds(edits.place, edits);
  const routed = edits.lastBlock === null ? null : config.layers - 2;
  const steered = new Map(
    [...vectors].flatMap(([layer, vector]) =>
      layer === routed ? [] : kinds.map((kind) => [siteName({ layer, kind }), vector] as const)
    ),
  );
  const operated = new Map(
    (edits.operators?.layers ?? []).flatMap((layer) =>
      kinds.map((kind) => [siteName({ layer, kind }), layer] as const)
    ),
  );
  const ablation = edits.ablation === null
    ? null
    : applyAblation(g, edits.ablation, { embed: config.embed, compute });
  const siteOver = (base: Value | null, trip?: Trip): SiteHandler => {
    const here = trip === undefined ? factors : factorsOver(trip);
    const masked = (
      inner: GraphBuilder,
      { mask, value, kind }: { mask: Value; value: Value; kind: SiteKind },
    ) => {
      if (trip === undefined) return { mask: laidOut(inner, mask, kind), value };
      // Prompts are read from position 0 on, and by the first trip alone.
      const first = inner.apply("Equal", [trip.positions, trip.offsets]);
      const reading = mask.dims.length === 3 ? inner.unsqueeze(first, [2]) : first;
      const now = (values: Value) => ofRows(trip, inner.gather(values, trip.offsets, { axis: 1 }));
      return { mask: laidOut(inner, inner.apply("And", [now(mask), reading]), kind), value: now(value) };
    };
    return (inner, name, computed) => {
      const vector = steered.get(name), operating = operated.get(name), patch = patches.get(name);
      let value = vector === undefined
        ? computed
        : accurateSum(inner, computed, { added: added(inner, vector, here) });
      if (operating !== undefined) {
        const perPlace = here && inner.unsqueeze(here, [2]);
        value = operate(inner, operating, { before: computed, stream: value, factors: perPlace });
      }
      if (base !== null && name === ablation?.site) value = ablation.apply(inner, { changed: value, base });
      if (patch !== undefined) {
        const { mask, value: replaced } = masked(inner, patch);
        value = inner.apply("Where", [mask, replaced, value]);
      }
      if (edits.taps.includes(name)) tapped.set(name, value);
      return value;
    };
  };
  const lastBlock = edits.lastBlock === null ? null : applyLastBlock(g, edits.lastBlock, {
    config,
    vector: added(g, vectors.get(config.layers - 2) as Value, prompts === null ? factors : null),
    touched: [...edits.patches, ...edits.taps],
  });
  const lastBlockOver = (trip: Trip) =>
    lastBlock && { ...lastBlock, vector: added(trip.g, lastBlock.vector, factorsOver(trip)) };
  const site = siteOver(null);
  const adapted = applyAdapters(g, edits.adapters, { config, compute, site, perRow });
  return { site, siteOver, ablation, vectors, tapped, lastBlock, lastBlockOver, ...adapted };
}
