import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Tensor } from "../core/mod.ts";
import {
  ablationFeeds,
  ablationShape,
  checkAblation,
  checkRoute,
  EDIT_NAMES,
  type Edits,
  type FeatureAblation,
  routeFeeds,
  routeOf,
  type SteeringRoute,
} from "../probe/mod.ts";
import { adapterFeeds, type Adapters, checkAdapters } from "./adapter.ts";
import { checkSteering, steeringMatrix, type SteeringVectors } from "./steering.ts";

/** What a model may have added, and on which way. */
export interface Additions extends SteeringRoute {
  /** Vectors to add, at `resid_post` unless `place` says otherwise. `@default none` */
  readonly steer?: SteeringVectors;
  /** Rank-1 adapters on down_proj. `@default none` */
  readonly adapters?: Adapters;
  /** Features taken out of what the vectors and adapters change. `@default none` */
  readonly ablation?: FeatureAblation;
}

/** Whether anything is added by adapters, which a graph must be made for. */
export function hasAdapters({ adapters }: Additions): boolean {
  return adapters !== undefined && adapters.size > 0;
}

/** Every layer of a model. */
export function allLayers({ layers }: Pick<ModelConfig, "layers">): readonly number[] {
  return Array.from({ length: layers }, (_, layer) => layer);
}

/** Layers that a graph can steer and adapt. */
export interface AddedLayers {
  readonly steer: readonly number[];
  readonly adapters: readonly number[];
}

/** The layers that additions name, in order. */
export function namedLayers({ steer, adapters }: Additions): AddedLayers {
  const sorted = (layers: Iterable<number> = []) => [...layers].sort((a, b) => a - b);
  return { steer: sorted(steer?.keys()), adapters: sorted(adapters?.keys()) };
}

/**
 * The edits of a graph that adds to the given layers, for additions that are checked to fit the model.
 *
 * @throws {RangeError} for layers that the model lacks, widths and routes that it has not, and values that are not finite.
 */
export function additionEdits(
  additions: Additions,
  options: { readonly config: ModelConfig; readonly layers: AddedLayers },
): Pick<Edits, "steer" | "adapters" | "ablation"> & Required<SteeringRoute> {
  const { steer = new Map(), adapters = new Map(), ablation } = additions, { config, layers } = options;
  checkSteering(steer, config);
  checkAdapters(adapters, config);
  checkAblation(ablation, { config, additions: steer.size + adapters.size });
  // The graph may steer more layers than there are vectors: that a patch has its vector is for the vectors to say.
  checkRoute(additions, { config, layers: [...steer.keys()] });
  return { ...layers, ablation: ablationShape(ablation), ...routeOf(additions) };
}

/** Feeds of a graph that adds to the given layers: zeros where there is nothing to add. */
export function additionFeeds(
  additions: Additions,
  options: { readonly config: ModelConfig; readonly layers: AddedLayers },
): Record<string, Tensor> {
  const { steer = new Map(), adapters = new Map() } = additions, { config, layers } = options;
  const vectors = layers.steer.length === 0
    ? {}
    : { [EDIT_NAMES.steering]: steeringMatrix(steer, { layers: layers.steer, embed: config.embed }) };
  return {
    ...vectors,
    ...adapterFeeds(adapters, { layers: layers.adapters, config }),
    ...routeFeeds(additions, config),
    ...ablationFeeds(additions.ablation),
  };
}
