import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Tensor } from "../core/mod.ts";
import type { SiteName } from "../model/mod.ts";
import { isIndex } from "../onnx/mod.ts";
import { padRight } from "./padded_batch.ts";
import type { SequenceOptions } from "./additions.ts";
import type { TargetBatch } from "./target_batches.ts";

/** A token whose log-probability counts in an objective. */
export interface ObjectiveTarget {
  /** Position that predicts it, counted from the row's first token. */
  readonly position: number;
  /** Its id. */
  readonly token: number;
  /** Its weight w in Σ w·log p. */
  readonly weight: number;
}

/** A row of tokens that are all read, and what is asked of it. */
export interface ObjectiveRow {
  /** Token ids. */
  readonly tokens: readonly number[];
  /** The objective Σ w·log p of the row. */
  readonly targets: readonly ObjectiveTarget[];
  /** Tokens that are its prompt, for `steerAt`. `@default` all of them */
  readonly promptLength?: number | undefined;
  /** Factor on all that steers it. `@default` 1 */
  readonly strength?: number | undefined;
}

/** What {@link LanguageModel.siteAdjoints} reads beside the rows. */
export interface SiteAdjointOptions extends SequenceOptions {
  /** Sites whose values and adjoints are wanted. */
  readonly sites: readonly SiteName[];
}

/** Values of sites and how the objective depends on them. */
export interface SiteAdjoints {
  /** d objective / d value by site, in the site's shape: [batch, seq, …]; below 1e-16 right of a row's tokens. */
  readonly adjoints: ReadonlyMap<SiteName, Tensor<"float32">>;
  /** The values themselves, of the same run and in the same shapes. */
  readonly taps: ReadonlyMap<SiteName, Tensor<"float32">>;
  /** log p of every target of every row, at temperature 1. */
  readonly logProbs: readonly (readonly number[])[];
}

/**
 * The difference of two logits at one position as an objective: log p of one token minus that of another, in which the
 * normaliser falls out.
 *
 * @example
 * ```ts
 * import { logitDifference } from "@small-vectors/steering";
 * const targets = logitDifference({ position: 3, plus: 17, minus: 4 });
 * if (targets.map(({ weight }) => weight).join() !== "1,-1") throw new Error("one minus the other");
 * ```
 */
export function logitDifference(
  of: { readonly position: number; readonly plus: number; readonly minus: number },
): readonly ObjectiveTarget[] {
  const { position, plus, minus } = of;
  return [{ position, token: plus, weight: 1 }, { position, token: minus, weight: -1 }];
}

/**
 * Rows with their objectives as one batch. The graph's loss is Σ −w·log p, so weights change their sign.
 *
 * @throws {RangeError} for a position outside a row, an id outside the vocabulary, or a weight that is not finite.
 */
export function objectiveBatch(rows: readonly ObjectiveRow[], config: ModelConfig): TargetBatch {
  const { tokens, seq } = padRight(rows.map((row) => row.tokens), config);
  const targets = rows.flatMap(({ tokens: row, targets }, r) =>
    targets.map(({ position, token, weight }) => {
      const fault = !isIndex(position, row.length)
        ? `positions must lie in [0, ${row.length}): current value is ${position}`
        : !isIndex(token, config.vocab)
        ? `token ids must lie in [0, ${config.vocab}): current value is ${token}`
        : Number.isFinite(weight)
        ? null
        : `weights must be finite: current value is ${weight}`;
      if (fault !== null) throw new RangeError(`Cannot take the objective of row ${r} as ${fault}`);
      return { place: r * seq + position, token, row: r, weight: -weight };
    })
  );
  if (targets.length === 0) {
    throw new RangeError("Cannot take adjoints as a row must have a target: current count is 0");
  }
  return { tokens, rows: rows.map((_, row) => row), weights: rows.map(() => 1), targets };
}
