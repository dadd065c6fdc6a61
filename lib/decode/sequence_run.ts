import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import {
  ADAPTER_SITE_KINDS,
  doubleSites,
  parseSite,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import { checkEdits, EDIT_NAMES, type Edits, lastBlockLayout, siteShape } from "../probe/mod.ts";
import {
  type AddedLayers,
  additionEdits,
  additionFeeds,
  type Additions,
  allLayers,
  namedLayers,
} from "./additions.ts";
import { infiniteValue } from "./steering.ts";

/** A replaced site value. */
export interface Patch {
  /** The new value, in the site's shape for this batch; a length of 1 is broadcast. */
  readonly value: Tensor<"float32">;
  /** Where it holds, bool [batch, seq]; a length of 1 is broadcast. `@default` everywhere */
  readonly mask?: Tensor<"bool">;
}

/** What one run reads and changes. */
export interface RunOptions extends Additions {
  /** Sites to copy out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Factors on the vectors, float [batch, seq]. `@default` 1 everywhere */
  readonly steerFactors?: Tensor<"float32">;
  /** Sites to replace. `@default none` */
  readonly patches?: ReadonlyMap<SiteName, Patch>;
  /** Whether logits are computed. `@default true` */
  readonly logits?: boolean;
}

/** Result of a run. Rows right of a sequence's length are padding. */
export interface RunResult {
  /** float [batch, seq, vocab]; null when not asked for. */
  readonly logits: Tensor<"float32"> | null;
  /** Tapped values by site. */
  readonly taps: ReadonlyMap<SiteName, Tensor<"float32">>;
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
}

/** What a graph must be able to do for a run, and what the run feeds it beside its tokens. */
export interface PlannedRun {
  /** Edits of a graph for this run and all others of its kind. */
  readonly edits: Edits;
  /** What it is fed. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/**
 * A run as one of its kind: a graph that taps or patches a kind of site does so in every layer, and steers every layer,
 * so that one session serves a sweep over layers. What this run leaves alone is fed a mask that is false, or zeros.
 *
 * @throws {RangeError} for sites, layers, widths and routes that the model has not, and for values that are not finite.
 */
export function plannedRun(options: RunOptions, config: ModelConfig): PlannedRun {
  const { taps = [], patches = new Map<SiteName, Patch>(), steerFactors } = options;
  const layers: AddedLayers = { ...namedLayers(options), steer: allLayers(config) };
  const added = additionEdits(options, { config, layers });
  const named = { taps, patches: [...patches.keys()], steerFactors: steerFactors !== undefined };
  checkEdits({ ...added, ...named, steer: namedLayers(options).steer }, config);
  for (const [site, { value }] of patches) checkFinite(value, `patch "${site}"`);
  if (steerFactors !== undefined) checkFinite(steerFactors, "steer by factors");
  const all = (sites: readonly SiteName[]) => sitesOfTheirKinds(sites, { config, added });
  const patched = all(named.patches);
  return {
    edits: { ...added, taps: all(taps), patches: patched, steerFactors: named.steerFactors },
    feeds: {
      ...additionFeeds(options, { config, layers }),
      ...(steerFactors === undefined ? {} : { [EDIT_NAMES.steerFactors]: steerFactors }),
      ...Object.fromEntries(patched.flatMap((site) => patchFeeds(site, patches.get(site), config))),
    },
  };
}

/** The sites of every layer that are of a kind with the given ones, as far as the model and its additions have them. */
function sitesOfTheirKinds(
  sites: readonly SiteName[],
  options: { readonly config: ModelConfig; readonly added: Edits },
): readonly SiteName[] {
  const { config, added: { adapters = [], lastBlock = null } } = options, { layers } = config;
  const kinds = new Set(sites.map((site) => parseSite(site, { layers, action: "use" }).kind));
  const doubles = lastBlock === null ? [] : doubleSites(lastBlockLayout(lastBlock));
  const has = (layer: number, kind: SiteKind) =>
    ADAPTER_SITE_KINDS.some((one) => one === kind)
      ? adapters.includes(layer)
      : layer < layers - 1 || !doubles.includes(kind);
  return [...siteKindsOf(config), ...ADAPTER_SITE_KINDS].filter((kind) => kinds.has(kind)).flatMap((kind) =>
    allLayers(config).filter((layer) => has(layer, kind)).map((layer) => siteName({ layer, kind }))
  );
}

function patchFeeds(
  site: SiteName,
  patch: Patch | undefined,
  config: ModelConfig,
): readonly (readonly [string, Tensor])[] {
  const everywhere = (holds: 0 | 1) => tensor("bool", [1, 1], [holds]);
  const { kind } = parseSite(site, { layers: config.layers, action: "patch" });
  const nothing = () => tensor("float32", siteShape(kind, config).map(() => 1), [0]);
  return [
    [EDIT_NAMES.patch(site), patch?.value ?? nothing()],
    [EDIT_NAMES.patchMask(site), patch === undefined ? everywhere(0) : patch.mask ?? everywhere(1)],
  ];
}

/** Throws a RangeError for a tensor of which a value is not finite: nothing that comes of it would be. */
function checkFinite({ data }: Tensor<"float32">, action: string): void {
  const infinite = infiniteValue(data);
  if (infinite !== null) throw new RangeError(`Cannot ${action} as values must be finite: ${infinite}`);
}
