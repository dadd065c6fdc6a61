import type { ModelConfig } from "../checkpoint/mod.ts";
import { checkOptions, type Tensor } from "../core/mod.ts";
import type { SiteName } from "../model/mod.ts";
import { EDIT_NAMES } from "../probe/mod.ts";
import {
  type AddedLayers,
  namedLayers,
  type PlannedChanges,
  plannedChanges,
  SEQUENCE_OPTIONS,
  type SequenceOptions,
  servedLayers,
} from "./additions.ts";
import type { SteeredRow } from "./steer_factors.ts";
import { checkFinite } from "./steering_vectors.ts";

/** What one run reads and changes. */
export interface RunOptions extends SequenceOptions {
  /** Sites to copy out. `@default []` */
  readonly taps?: readonly SiteName[] | undefined;
  /** Factors on vectors and operators, float [batch, seq], in place of `steerAt`. `@default` 1 everywhere */
  readonly steerFactors?: Tensor<"float32"> | undefined;
  /** A factor for each row on all that steers it. `@default` 1 */
  readonly strength?: readonly number[] | undefined;
  /** Tokens of each row that are its prompt, for `steerAt`. `@default` all of them */
  readonly promptLengths?: readonly number[] | undefined;
  /** Whether logits are computed: of every position, or of each row's last token alone. `@default true` */
  readonly logits?: boolean | "last" | undefined;
}

const RUN_OPTIONS = [
  ...SEQUENCE_OPTIONS,
  "taps",
  "steerFactors",
  "strength",
  "promptLengths",
  "logits",
] as const satisfies readonly (keyof RunOptions)[];

/** Result of a run. Rows right of a sequence's length are padding. */
export interface RunResult {
  /** float [batch, seq, vocab], or [batch, vocab] of the last tokens alone; null when not asked for. */
  readonly logits: Tensor<"float32"> | null;
  /** Tapped values by site. */
  readonly taps: ReadonlyMap<SiteName, Tensor<"float32">>;
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
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
 * A run as one of its kind: its graph also steers every layer, so that one session serves a sweep over layers. Adjoints
 * are of the layers that are named, and `layers` says so. Rows say where they are steered, and how much.
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
    readonly layers?: AddedLayers | undefined;
    readonly action?: string;
  },
): PlannedChanges {
  const { config, rows, seq = 1, action = "run" } = of, { steerFactors, strength, steerAt } = options;
  checkOptions(options, { known: RUN_OPTIONS, action });
  if (!Array.isArray(options.taps ?? [])) {
    throw new TypeError(
      `Cannot ${action} as taps must be a list: current value is ${JSON.stringify(options.taps)}`,
    );
  }
  const byPlace = steerAt !== undefined || strength !== undefined ||
    rows?.some(({ strength }) => strength !== undefined) === true;
  const { layers = { ...servedLayers(options, config), adapters: namedLayers(options).adapters } } = of;
  const factors = byPlace || steerFactors !== undefined;
  const changes = plannedChanges(options, { config, layers, rows, seq, factors, generates: false });
  if (steerFactors === undefined) return changes;
  if (byPlace) {
    throw new RangeError(
      `Cannot ${action} as steerFactors must stand alone: steerAt or strength is given beside it`,
    );
  }
  checkFinite(steerFactors, "steer by factors");
  return {
    ...changes,
    feeds: (batch) => ({ ...changes.feeds(batch), [EDIT_NAMES.steerFactors]: steerFactors }),
  };
}
