import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Tensor } from "../core/mod.ts";
import type { SiteName } from "../model/mod.ts";
import {
  ablationFeeds,
  ablationShape,
  checkAblation,
  checkEdits,
  checkOperators,
  checkRoute,
  EDIT_NAMES,
  type Edits,
  type FeatureAblation,
  type Operator,
  operatorFeeds,
  type Operators,
  operatorShape,
  routeFeeds,
  routeKey,
  routeOf,
  type SteeringRoute,
} from "../probe/mod.ts";
import { type Adapter, adapterFeeds, type Adapters, checkAdapters } from "./adapter.ts";
import { allLayers, type ByLayer, byLayer } from "./by_layer.ts";
import {
  type BatchRows,
  checkPatches,
  type Patches,
  patchesOf,
  patchFeeds,
  sitesOfTheirKinds,
} from "./patches.ts";
import { type SteerAt, type SteeredRow, steerFactors } from "./steer_factors.ts";
import { checkSteering, layerMatrix, type SteeringVectors } from "./steering_vectors.ts";

/** What a model may have added, where, and on which way. */
export interface Additions extends SteeringRoute {
  /** Vectors to add, at `resid_post` unless `place` says otherwise. `@default none` */
  readonly steer?: ByLayer<Float32Array> | undefined;
  /** What is done to the stream where a layer's vector is added, after that. `@default none` */
  readonly operators?: ByLayer<Operator> | undefined;
  /** At which tokens vectors and operators act, and how much. `@default` everywhere, whole */
  readonly steerAt?: SteerAt | undefined;
  /** Rank-1 adapters on down_proj. `@default none` */
  readonly adapters?: ByLayer<Adapter> | undefined;
  /** Features taken out of what the vectors and adapters change. `@default none` */
  readonly ablation?: FeatureAblation | undefined;
}

/** What runs and rollouts may change. */
export interface SequenceOptions extends Additions {
  /**
   * Sites to replace; of rollouts while their prompts are read, in the shape of all prompts together, right-padded, and
   * neither `attn_weights` nor those of adapters. `@default none`
   */
  readonly patches?: Patches | undefined;
}

/** Names of the options of {@link SequenceOptions}. */
export const SEQUENCE_OPTIONS = [
  "steer",
  "operators",
  "steerAt",
  "adapters",
  "ablation",
  "place",
  "asPublished",
  "lastBlock",
  "patches",
] as const satisfies readonly (keyof SequenceOptions)[];

/** What is added by layer, as maps. */
function added(additions: Additions): {
  readonly steer: SteeringVectors;
  readonly operators: Operators;
  readonly adapters: Adapters;
} {
  const { steer, operators, adapters } = additions;
  return {
    steer: byLayer(steer, "steer"),
    operators: byLayer(operators, "operators"),
    adapters: byLayer(adapters, "adapters"),
  };
}

/** Layers that a graph can steer, operate on and adapt. */
export interface AddedLayers {
  /** May have a vector. */
  readonly steer: readonly number[];
  /** May have an operator. */
  readonly operators: readonly number[];
  /** May have an adapter. */
  readonly adapters: readonly number[];
}

/** The layers that additions name, in order. */
export function namedLayers(additions: Additions): AddedLayers {
  const { steer, operators, adapters } = added(additions);
  const sorted = (layers: Iterable<number>) => [...layers].sort((a, b) => a - b);
  return {
    steer: sorted(steer.keys()),
    operators: sorted(operators.keys()),
    adapters: sorted(adapters.keys()),
  };
}

/**
 * Layers of a graph that serves these additions and all others of their kinds: every layer may have a vector, and an
 * operator or adapter where any has one, for they cost a product per layer and token.
 */
export function servedLayers(additions: Additions, config: Pick<ModelConfig, "layers">): AddedLayers {
  const named = namedLayers(additions), every = allLayers(config);
  const served = (layers: readonly number[]) => layers.length === 0 ? [] : every;
  return { steer: every, operators: served(named.operators), adapters: served(named.adapters) };
}

/** What additions ask of a graph. */
export type AdditionEdits =
  & Pick<Edits, "steer" | "operators" | "adapters" | "ablation">
  & Required<SteeringRoute>;

/**
 * The edits of a graph that adds to the given layers, for additions that are checked to fit the model.
 *
 * @throws {RangeError} for layers that the model lacks, widths and routes that it has not, and values that are not finite.
 */
export function additionEdits(
  additions: Additions,
  options: { readonly config: ModelConfig; readonly layers: AddedLayers },
): AdditionEdits {
  const { steer, operators, adapters } = added(additions), { ablation } = additions;
  const { config } = options;
  checkSteering(steer, config);
  checkOperators(operators, config);
  checkAdapters(adapters, config);
  checkAblation(ablation, { config, additions: steer.size + adapters.size });
  // The graph may steer more layers than there are vectors: that a patch has its vector is for the vectors to say.
  checkRoute(additions, { config, layers: [...steer.keys()] });
  return editsOf(additions, options.layers);
}

/** The same for additions of which the kinds alone are given. */
export function editsOf(additions: Additions, layers: AddedLayers): AdditionEdits {
  return {
    steer: layers.steer,
    operators: operatorShape(added(additions).operators, layers.operators),
    adapters: layers.adapters,
    ablation: ablationShape(additions.ablation),
    ...routeOf(additions),
  };
}

/** Names the edits of a graph: which heads a patch of the last block names is fed to it. */
export function editsKey(edits: Edits): unknown {
  return { edits: { ...edits, lastBlock: null }, route: routeKey(edits) };
}

/** Feeds of a graph that adds to the given layers: zeros where there is nothing to add. */
export function additionFeeds(
  additions: Additions,
  options: { readonly config: ModelConfig; readonly layers: AddedLayers },
): Record<string, Tensor> {
  const { steer, operators, adapters } = added(additions), { config, layers } = options, { embed } = config;
  const vectors: Record<string, Tensor> = layers.steer.length === 0
    ? {}
    : { [EDIT_NAMES.steering]: layerMatrix(steer, { layers: layers.steer, width: embed, action: "steer" }) };
  return {
    ...vectors,
    ...operatorFeeds(operators, { layers: layers.operators, embed }),
    ...adapterFeeds(adapters, { layers: layers.adapters, config }),
    ...routeFeeds(additions, config),
    ...ablationFeeds(additions.ablation),
  };
}

/** What a graph must be able to do for some changes and all others of their kinds, and what these feed it. */
export interface PlannedChanges {
  /** Edits of the graph. */
  readonly edits: Edits;
  /** What it is fed for some of the rows. */
  readonly feeds: (batch: BatchRows) => Readonly<Record<string, Tensor>>;
}

/**
 * Changes as those of their kind: a graph that taps or patches a kind of site does so in every layer. What these leave
 * alone is fed a mask that is false, or zeros.
 *
 * @throws {RangeError} for sites, layers, widths and routes that the model has not, and for values that are not finite.
 */
export function plannedChanges(
  options: SequenceOptions & { readonly taps?: readonly SiteName[] | undefined },
  of: {
    readonly config: ModelConfig;
    readonly layers: AddedLayers;
    /** Rows of the call; null where the graph alone is asked for. */
    readonly rows: readonly SteeredRow[] | null;
    /** Positions of the longest row. */
    readonly seq: number;
    /** Whether the graph takes a factor for each row and position. */
    readonly factors: boolean;
    /** Whether rows are prompts that go on: patches hold at them alone, and factors may be of nothing. */
    readonly generates: boolean;
  },
): PlannedChanges {
  const { config, layers, rows, seq, factors, generates } = of, { taps = [], steerAt } = options;
  const added = additionEdits(options, { config, layers }), patches = patchesOf(options.patches);
  const steer = generates ? layers.steer : namedLayers(options).steer;
  checkEdits({ ...added, taps, patches: [...patches.keys()], steerFactors: factors, steer }, config);
  const { headMasks } = checkPatches(patches, { config, rows: rows?.length ?? null, seq });
  const all = (sites: readonly SiteName[]) => sitesOfTheirKinds(sites, { config, added });
  const sites = all([...patches.keys()]), fixed = additionFeeds(options, { config, layers });
  return {
    edits: { ...added, taps: all(taps), patches: sites, headMasks, steerFactors: factors },
    feeds(batch) {
      const steered = batch.rows.map((row) => rows?.[row] as SteeredRow);
      const promptLengths = generates ? steered.map(({ promptLength }) => promptLength) : undefined;
      return {
        ...fixed,
        ...(factors ? { [EDIT_NAMES.steerFactors]: steerFactors(steered, { steerAt, ...batch }) } : {}),
        ...patchFeeds(patches, { sites, config, headMasks, batch, promptLengths }),
      };
    },
  };
}
