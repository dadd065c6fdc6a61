import type { ModelConfig } from "../checkpoint/mod.ts";
import { checkOptions, type Tensor } from "../core/mod.ts";
import type { SiteName } from "../model/mod.ts";
import { checkEdits, EDIT_NAMES, type Edits } from "../probe/mod.ts";
import {
  type AddedLayers,
  ADDITION_OPTIONS,
  additionEdits,
  additionFeeds,
  type Additions,
  namedLayers,
  servedLayers,
} from "./additions.ts";
import {
  type BatchRows,
  checkPatches,
  type Patches,
  patchesOf,
  patchFeeds,
  sitesOfTheirKinds,
} from "./patches.ts";
import { type SteeredRow, steerFactors } from "./steer_factors.ts";
import { checkFinite } from "./steering_vectors.ts";

/** What runs over whole sequences may change. */
export interface SequenceOptions extends Additions {
  /** Sites to replace. `@default none` */
  readonly patches?: Patches;
}

/** What one run reads and changes. */
export interface RunOptions extends SequenceOptions {
  /** Sites to copy out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Factors on vectors and operators, float [batch, seq], in place of `steerAt`. `@default` 1 everywhere */
  readonly steerFactors?: Tensor<"float32">;
  /** A factor for each row on all that steers it. `@default` 1 */
  readonly strength?: readonly number[];
  /** Tokens of each row that are its prompt, for `steerAt`. `@default` all of them */
  readonly promptLengths?: readonly number[];
  /** Whether logits are computed: of every position, or of each row's last token alone. `@default true` */
  readonly logits?: boolean | "last";
}

/** Names of the options of {@link SequenceOptions} and {@link RunOptions}. */
export const SEQUENCE_OPTIONS = [
  ...ADDITION_OPTIONS,
  "patches",
] as const satisfies readonly (keyof SequenceOptions)[];
const RUN_OPTIONS = [
  ...SEQUENCE_OPTIONS,
  "taps",
  "steerFactors",
  "strength",
  "promptLengths",
  "logits",
] as const;
RUN_OPTIONS satisfies readonly (keyof RunOptions)[];

/** Result of a run. Rows right of a sequence's length are padding. */
export interface RunResult {
  /** float [batch, seq, vocab], or [batch, vocab] of the last tokens alone; null when not asked for. */
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
  /** What it is fed for some of the rows. */
  readonly feeds: (batch: BatchRows) => Readonly<Record<string, Tensor>>;
}

/** A row of a run as far as steering by factors goes. */
export function steeredRows(
  rows: readonly (readonly number[])[],
  { strength, promptLengths }: Pick<RunOptions, "strength" | "promptLengths">,
): readonly SteeredRow[] {
  for (const [name, list] of [["strength", strength], ["promptLengths", promptLengths]] as const) {
    if (list === undefined || (Array.isArray(list) && list.length === rows.length)) continue;
    throw new RangeError(
      `Cannot run as ${name} must have a number for each of ${rows.length} rows: current value is ${
        JSON.stringify(list)
      }`,
    );
  }
  return rows.map(({ length }, row) => ({
    promptLength: promptLengths?.[row] ?? length,
    strength: strength?.[row],
  }));
}

/**
 * A run as one of its kind: a graph that taps or patches a kind of site does so in every layer, and steers every layer,
 * so that one session serves a sweep over layers. What this run leaves alone is fed a mask that is false, or zeros.
 * Adjoints are of the layers that are named, and `layers` says so. Rows say where they are steered, and how much.
 *
 * @throws {RangeError} for sites, layers, widths and routes that the model has not, and for values that are not finite.
 * @throws {TypeError} for options that there are not.
 */
export function plannedRun(
  options: RunOptions,
  of: {
    readonly config: ModelConfig;
    /** Null where the graph alone is asked for. */
    readonly rows: readonly SteeredRow[] | null;
    /** Positions of the longest row. */
    readonly seq?: number;
    readonly layers?: AddedLayers;
    readonly action?: string;
  },
): PlannedRun {
  const { config, rows, seq = 1, action = "run" } = of;
  checkOptions(options, { known: RUN_OPTIONS, action });
  if (!Array.isArray(options.taps ?? [])) {
    throw new TypeError(
      `Cannot ${action} as taps must be a list: current value is ${JSON.stringify(options.taps)}`,
    );
  }
  const own = namedLayers(options),
    { layers = { ...servedLayers(options, config), adapters: own.adapters } } = of;
  const { taps = [], steerFactors: factors, steerAt } = options, patches = patchesOf(options.patches);
  const added = additionEdits(options, { config, layers });
  const byPlace = steerAt !== undefined || options.strength !== undefined ||
    rows?.some(({ strength }) => strength !== undefined) === true;
  if (byPlace && factors !== undefined) {
    throw new RangeError(
      `Cannot ${action} as steerFactors must stand alone: steerAt or strength is given beside it`,
    );
  }
  const named = { taps, patches: [...patches.keys()], steerFactors: byPlace || factors !== undefined };
  checkEdits({ ...added, ...named, steer: own.steer }, config);
  const { headMasks } = checkPatches(patches, { config, rows: rows?.length ?? null, seq });
  if (factors !== undefined) checkFinite(factors, "steer by factors");
  const all = (sites: readonly SiteName[]) => sitesOfTheirKinds(sites, { config, added });
  const patched = all(named.patches), fixed = additionFeeds(options, { config, layers });
  return {
    edits: { ...added, taps: all(taps), patches: patched, headMasks, steerFactors: named.steerFactors },
    feeds: (batch) => ({
      ...fixed,
      ...(factors === undefined ? {} : { [EDIT_NAMES.steerFactors]: factors }),
      ...(byPlace
        ? {
          [EDIT_NAMES.steerFactors]: steerFactors(batch.rows.map((row) => rows?.[row] as SteeredRow), {
            steerAt,
            positions: batch.seq,
            ...(batch.places === undefined ? {} : { places: batch.places }),
          }),
        }
        : {}),
      ...patchFeeds(patches, { sites: patched, config, headMasks, batch }),
    }),
  };
}
