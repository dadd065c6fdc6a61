import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Tensor } from "../core/mod.ts";
import {
  type AppliedLastBlock,
  doubleSites,
  type MaskedPart,
  maskedParts,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import {
  checkLastBlockPatch,
  lastBlockLayout,
  lastBlockMasks,
  type LastBlockPatch,
} from "./last_block_patch.ts";
import { placeKinds, type VectorPlace } from "./vector_place.ts";

/** How steering vectors enter a model: part of the edits of every kind of graph. */
export interface SteeringRoute {
  /** Where in their blocks vectors are added. `@default "mlp"` */
  readonly place?: VectorPlace;
  /** Add the vector of a norm a second time, as the published rollouts do; see {@link placeKinds}. `@default false` */
  readonly asPublished?: boolean;
  /** What of the last block sees the vector of the block before it. `@default null`: all of it */
  readonly lastBlock?: LastBlockPatch | null;
}

/** The route that options hold, everything said. */
export function routeOf(options: SteeringRoute): Required<SteeringRoute> {
  const { place = "mlp", asPublished = false, lastBlock = null } = options;
  return { place, asPublished, lastBlock };
}

/**
 * Checks a route for vectors of the given layers.
 *
 * @throws {RangeError} for places and patches that the model cannot have, and for a patch without the vector of the
 * block before the last, or with vectors at another place than `mlp`.
 */
export function checkRoute(
  route: SteeringRoute,
  options: { readonly config: ModelConfig; readonly layers: readonly number[] },
): void {
  const { place, asPublished, lastBlock } = routeOf(route);
  const { config, layers } = options;
  placeKinds(place, { asPublished });
  if (lastBlock === null) return;
  checkLastBlockPatch(lastBlock, config);
  if (place !== "mlp") {
    throw new RangeError(`Cannot patch the last block as place must be "mlp": current value is "${place}"`);
  }
  const routed = config.layers - 2;
  if (!layers.includes(routed)) {
    throw new RangeError(
      `Cannot patch the last block as the vector of layer ${routed} must be given: current layers are ${
        layers.join(", ") || "none"
      }`,
    );
  }
}

/** What of a route decides a graph: routes with equal keys run on one graph, whatever heads they name. */
export function routeKey(route: SteeringRoute): unknown {
  const { lastBlock, ...rest } = routeOf(route);
  return { ...rest, lastBlock: lastBlock === null ? null : lastBlockLayout(lastBlock) };
}

/** Throws a RangeError for edits of sites of which a patched last block has two. */
export function checkRoutedSites(
  route: SteeringRoute,
  edits: {
    readonly config: ModelConfig;
    readonly taps: readonly SiteName[];
    readonly patches: readonly SiteName[];
  },
): void {
  const { lastBlock } = routeOf(route), layer = edits.config.layers - 1;
  if (lastBlock === null) return;
  const doubles = doubleSites(lastBlockLayout(lastBlock)).map((kind) => siteName({ layer, kind }));
  for (const [action, names] of [["tap", edits.taps], ["patch", edits.patches]] as const) {
    const double = doubles.find((name) => names.includes(name));
    if (double === undefined) continue;
    throw new RangeError(
      `Cannot ${action} "${double}" as the last block must have one of it: current mode is "${lastBlock.mode}"`,
    );
  }
}

/** Adds the mask inputs of a patch to a graph, and tells the decoder how its vector goes through the last block. */
export function applyLastBlock(
  g: GraphBuilder,
  patch: LastBlockPatch,
  options: {
    readonly config: ModelConfig;
    /** s, of a shape that broadcasts to [batch, seq, embed]. */
    readonly vector: Value;
    /** Every site that is tapped or patched. */
    readonly touched: readonly SiteName[];
  },
): AppliedLastBlock {
  const { config: { layers, heads, kvHeads }, vector, touched } = options;
  const layout = lastBlockLayout(patch);
  const masks = new Map(
    maskedParts(layout).map((part) => {
      const count = part === "k" || part === "v" ? kvHeads : heads;
      return [part, g.input(maskName(part), "bool", [count, 1])] as const;
    }),
  );
  const layer = layers - 1;
  return { layout, vector, masks, touched: (kind) => touched.includes(siteName({ layer, kind })) };
}

/** Name of the graph input that holds the mask of a part of the last block. */
export function maskName(part: MaskedPart): string {
  return `last_block.${part}`;
}

/** What a graph with this route is fed beside its vectors, by input name. */
export function routeFeeds(
  route: SteeringRoute,
  config: ModelConfig,
): Readonly<Record<string, Tensor<"bool">>> {
  const { lastBlock } = routeOf(route);
  if (lastBlock === null) return {};
  return Object.fromEntries(
    [...lastBlockMasks(lastBlock, config)].map(([part, mask]) => [maskName(part), mask]),
  );
}
