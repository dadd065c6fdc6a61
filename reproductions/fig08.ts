/**
 * fig8: texts with the activations of the features that fig7 ranks first.
 *
 * @module
 */
import { featureExamples } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, type MetricValue, type Panel, tokenText } from "../lib/report/mod.ts";
import { activationsOf, type FeatureStudy, featureStudy } from "./_features.ts";

/** Features shown: the two most associated with right answers, and the two with wrong ones. */
const PER_SIDE = 2;
/** Texts per feature and kind of answer. */
const PER_KIND = 2;

/** Features by sign of their association, strongest first; the first of all where all answers are of one kind. */
function chosenFeatures({ frequencies, traces }: FeatureStudy): readonly { feature: number; side: string }[] {
  if (frequencies === null) {
    const often = [...traces.firingShare.keys()].sort((x, y) =>
      (traces.firingShare[y] as number) - (traces.firingShare[x] as number) || x - y
    );
    return often.slice(0, 2 * PER_SIDE).map((feature) => ({ feature, side: "most frequent" }));
  }
  const ofSign = (sign: number, side: string) =>
    frequencies.top.filter(({ z }) => Math.sign(z) === sign).slice(0, PER_SIDE)
      .map(({ feature }) => ({ feature, side }));
  return [...ofSign(1, "more often on right answers"), ...ofSign(-1, "more often on wrong answers")];
}

async function run(bench: Bench): Promise<Findings> {
  const study = await featureStudy(bench), { a, difference, traces, problems } = study;
  const chosen = chosenFeatures(study);
  const values: MetricValue[] = [];
  const panels: Panel[] = [];
  for (let place = 0; place < 2 * PER_SIDE; place++) {
    const entry = chosen[place];
    const name = (what: string) => `example_${place + 1}.${what}`;
    const examples = entry === undefined ? [] : featureExamples(
      traces.generations.map((generation) => ({
        tokens: generation.tokens,
        correct: generation.correct,
        activations: activationsOf(generation, entry.feature),
      })),
      { perKind: PER_KIND, reach: 24 },
    );
    const peak = examples.reduce<number | null>((most, example) => Math.max(most ?? 0, example.peak), null);
    const open = { note: "Not applicable: there is no such feature." };
    values.push(
      {
        name: name("feature"),
        value: entry?.feature ?? null,
        unit: "index",
        ...(entry === undefined ? open : {}),
      },
      { name: name("peak"), value: peak, unit: "activation", ...(peak === null ? open : {}) },
      {
        name: name("firing_share"),
        value: entry === undefined ? null : traces.firingShare[entry.feature] ?? null,
        unit: "share",
        ...(entry === undefined ? open : {}),
      },
    );
    if (entry === undefined || examples.length === 0) continue;
    panels.push(tokenText({
      title: `feature ${entry.feature}: ${entry.side}`,
      blocks: examples.map((example) => {
        const { problem } = traces.generations[example.generation] as typeof traces.generations[number];
        return {
          heading: `${example.correct ? "Right" : "Wrong"}: ${problems[problem]?.question}`,
          tokens: example.tokens.map((token, at) => ({
            text: a.tokenizer.tokenText(token),
            value: example.activations[at] as number,
          })),
        };
      }),
      barTitle: "Activation",
      mostLines: 4,
    }));
  }
  const spec = figureSpec(
    panels.length > 0 ? panels : [tokenText({
      blocks: [{ heading: "No feature is ever active.", tokens: [{ text: " ", value: 0 }] }],
      barTitle: "Activation",
    })],
    {
      title: "Answers with the activations of features",
      subtitle: [
        `${a.entry.name} under all-layer steering, autoencoder at layer ${difference.layer}: the features of fig7.`,
        [...new Set(chosen.map(({ side }) => side))].map((side) =>
          `${side}: ${chosen.filter((entry) => entry.side === side).map(({ feature }) => feature).join(", ")}`
        ).join("; ") + ".",
        "The answers in which a feature is strongest, right and wrong ones; a token's colour is what was read at it.",
      ],
      columns: 1,
    },
  );
  return { spec, values, claims: [] };
}

/** Fig 8: texts with the activations of DiffSAE features. */
export const fig08: Reproduction = {
  id: "fig8",
  slug: "diffsae-examples",
  title: "Answers with the activations of features",
  itemClass: "review",
  differences: [
    "The strongest examples are shown, as many right as wrong ones; how the published ones were picked is not known.",
  ],
  run,
};
