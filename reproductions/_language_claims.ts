import type { MeanInterval } from "../lib/analysis/mod.ts";
import type { ClaimResult } from "../lib/report/mod.ts";
import { overRandom, type Suppression } from "./_languages.ts";
import { layerRange } from "./_layers.ts";
import { intervalClaim } from "./_measured.ts";

/** A difference of shares that counts; a smaller one is none. The line is ours. */
const COUNTS_ABOVE = 0.05;

/** Which layers are compared with the controls. */
type ComparedLayers = "middle_layers" | "pre_final_layers";

/** The layers' share minus that of one control. */
interface LanguageDifference {
  readonly control: string;
  readonly found: MeanInterval | null;
}

/** The share of some layers minus that of each control. */
export function languageDifferences(
  study: Suppression,
  layers: ComparedLayers,
): readonly LanguageDifference[] {
  const { randomShare, vocabulary } = study, minus = vocabulary.nonEnglish;
  const [share, overLast] = layers === "middle_layers"
    ? [study.middleShare, study.overLast]
    : [study.preFinalShare, study.preFinalOverLast];
  return [
    { control: "last_layer", found: overLast },
    { control: "random_direction", found: share === null ? null : overRandom(share.mean, randomShare) },
    {
      control: "vocabulary",
      found: share === null ? null : {
        mean: share.mean - minus,
        low: share.low - minus,
        high: share.high - minus,
        level: share.level,
      },
    },
  ];
}

const WORDS = {
  middle_layers: { statement: "middle layers push down", effect: "in middle layers" },
  pre_final_layers: { statement: "layers before the last push down", effect: "in layers before the last" },
} as const;

/** Whether some layers push more non-English tokens down than the last layer, random directions and chance do. */
export function languageClaim(study: Suppression, layers: ComparedLayers): ClaimResult {
  const found = languageDifferences(study, layers), words = WORDS[layers];
  const known = found.flatMap(({ found }) => found === null ? [] : [found]);
  const whole = known.length < found.length ? null : {
    mean: Math.min(...known.map(({ mean }) => mean)),
    low: Math.min(...known.map(({ low }) => low)),
    high: Math.min(...known.map(({ high }) => high)),
    level: 0.95,
  };
  const last = study.suppressedShares.length - 1;
  const range = layerRange(layers === "middle_layers" ? study.middle : [...Array(last).keys()]);
  return intervalClaim(whole, {
    claim: `${layers}_suppress_non_english`,
    statement: `Among the tokens that ${words.statement}, non-English ones are more than in every control.`,
    name: `share of non-English tokens ${words.effect} minus the highest of the controls`,
    unit: "share",
    range: { above: COUNTS_ABOVE },
    note:
      `Layers ${range}, mean. Holds when the intervals over the last layer, over random directions and over ` +
      `the whole vocabulary all lie above ${COUNTS_ABOVE}, fails when one lies below.`,
    why: study.why,
  });
}
