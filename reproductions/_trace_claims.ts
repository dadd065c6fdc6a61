import {
  type FeatureFrequencies,
  type MeanInterval,
  meanInterval,
  type SegmentRange,
  SegmentShares,
  type TextSegment,
} from "../lib/analysis/mod.ts";
import type { ClaimResult } from "../lib/report/mod.ts";
import { intervalClaim } from "./_measured.ts";

/** Why features cannot be compared. */
export const NO_CONTRAST = "Not applicable: all generations are right, or all wrong.";
/** Chance of any feature's reaching as far, below which one counts. */
const SIGNIFICANT = 0.05;
/** A difference of firing frequency that the data must be able to rule out before the claim fails: one token in twenty. */
const RULED_OUT = 0.05;

function featureClaim(
  frequencies: FeatureFrequencies | null,
  words: { readonly claim: string; readonly statement: string; readonly where: string },
): ClaimResult {
  const { claim, statement, where } = words, best = frequencies?.top[0] ?? null;
  const effect = `difference of firing frequency${where}, right minus wrong within problems`;
  if (frequencies === null || best === null) {
    const none = { name: effect, value: null, unit: "% of tokens" };
    return { claim, statement, holds: null, effect: none, interval: null, note: NO_CONTRAST };
  }
  const { beyondNull, nullZ, level, top } = frequencies;
  const found = beyondNull > 0 && best.adjustedP < SIGNIFICANT;
  const ruledOut = top.every(({ low, high }) => low > -RULED_OUT && high < RULED_OUT);
  const sides = ["right", "wrong"].map((kind) => {
    const sign = kind === "right" ? 1 : -1;
    return `${top.filter(({ z }) => sign * z > nullZ).length} with ${kind} answers`;
  });
  return {
    claim,
    statement,
    holds: found ? true : ruledOut ? false : null,
    effect: {
      name: `feature ${best.feature}, which goes with ${best.z > 0 ? "right" : "wrong"} answers: ${effect}`,
      value: 100 * best.difference,
      unit: "% of tokens",
    },
    interval: { level, low: 100 * best.low, high: 100 * best.high },
    note:
      `Holds when the largest |z| of all features, of either sign, lies beyond what 95 % of 1,000 shuffles of ` +
      `correctness within problems reach (${nullZ.toFixed(2)}): ${beyondNull} features do, ${
        sides.join(", ")
      }. ` +
      `Fails when none does and the intervals of all features lie within ${
        100 * RULED_OUT
      } % of tokens of 0.`,
  };
}

/** The claims of figure 7, on all positions and on those before a first result. */
export function featureClaims(
  frequencies: { readonly all: FeatureFrequencies | null; readonly early: FeatureFrequencies | null },
): readonly ClaimResult[] {
  return [
    featureClaim(frequencies.all, {
      claim: "features_of_correctness",
      statement:
        "Some features of the DiffSAE are associated with right or with wrong generations beyond chance.",
      where: "",
    }),
    featureClaim(frequencies.early, {
      claim: "features_foretell_correctness",
      statement:
        "Some are so before a first result is written, when no slip can have been made that they might follow from.",
      where: " before a first result",
    }),
  ];
}

/** What an instruction consists of. */
const SALIENT: readonly TextSegment[] = ["system", "question"];
/** Magnitude per token concentrates from this ratio on. The line is ours. */
const CONCENTRATES = 1.1;

/** What an adapter did along texts. */
interface MagnitudeLayer {
  readonly traces: readonly {
    readonly magnitudes: readonly number[];
    readonly segments: readonly SegmentRange[];
  }[];
}

/** Mean |m| on salient tokens over that on all, per text, mean of the layers; texts without magnitude are left out. */
function concentrations(
  layers: readonly MagnitudeLayer[],
  options: { readonly within: "text" | "prompt" },
): readonly number[] {
  const texts = layers[0]?.traces.length ?? 0;
  return Array.from({ length: texts }, (_, text) => {
    const found = layers.flatMap(({ traces }) => {
      const { magnitudes, segments } = traces[text] as MagnitudeLayer["traces"][number];
      const shares = new SegmentShares();
      shares.add(magnitudes, segments);
      const read = shares.read({ without: options.within === "prompt" ? ["answer"] : [] });
      const salient = read.filter(({ segment }) => SALIENT.includes(segment));
      const tokens = (rows: typeof read) => rows.reduce((sum, row) => sum + row.tokens, 0);
      const share = salient.reduce((sum, row) => sum + (row.share ?? 0), 0);
      return read.some((row) => row.share === null) || tokens(salient) === 0
        ? []
        : [share / (tokens(salient) / tokens(read))];
    });
    return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0) / found.length;
  }).filter((value) => value !== null);
}

/** The concentration on salient tokens within whole texts and within prompts; null where nothing is added. */
export function concentrated(
  layers: readonly MagnitudeLayer[],
): { readonly text: MeanInterval | null; readonly prompt: MeanInterval | null } {
  const effect = (within: "text" | "prompt") => {
    const found = concentrations(layers, { within });
    return found.length === 0 ? null : meanInterval(found);
  };
  return { text: effect("text"), prompt: effect("prompt") };
}

/** The claims of figure 22. */
export function magnitudeClaims(layers: readonly MagnitudeLayer[]): readonly ClaimResult[] {
  const { text, prompt } = concentrated(layers);
  const concentrates = (of: string) => ({
    name: `mean |magnitude| per instruction token over that per token of the ${of}`,
    unit: "ratio",
    range: { above: CONCENTRATES },
    note: `Holds when the interval over texts lies above ${CONCENTRATES}, fails when it lies below.`,
    why: "Not applicable: the adapter adds nothing, or there is no such token.",
  });
  return [
    intervalClaim(text, {
      claim: "magnitude_concentrates_on_instruction",
      statement:
        "Magnitude concentrates on instruction-salient segments: the system message and the question.",
      ...concentrates("whole text"),
    }),
    intervalClaim(prompt, {
      claim: "magnitude_concentrates_within_prompt",
      statement:
        "Within the prompt, magnitude concentrates on system message and question, not on the template.",
      ...concentrates("prompt"),
    }),
  ];
}
