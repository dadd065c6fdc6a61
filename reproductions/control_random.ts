/**
 * control-random: random directions as long as the trained vectors, which must not gain what these do.
 *
 * @module
 */
import { randomDirections } from "../lib/decode/mod.ts";
import {
  type Bench,
  derivedTreatment,
  type Findings,
  type Reproduction,
  type RunName,
  setsText,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec } from "../lib/report/mod.ts";
import { pointsMetric, separated } from "./_accuracy.ts";
import { besideTrained } from "./_beside_trained.ts";
import { CONTROL_DRAWS, CONTROL_SEED, drawsAgainst, drawsNote, firstSeed } from "./_controls.ts";
import { intervalClaim } from "./_measured.ts";
import { layerRuns } from "./_single_layer.ts";

/**
 * A gain below this many points counts as none: it is wider than the interval of a mean over draws, and a small part of
 * what trained vectors gain.
 */
const NO_GAIN_POINTS = 5;

/** A run's vectors replaced by random ones of the same norms, one treatment per draw. */
async function randomised(zoo: ZooModel, run: RunName): Promise<readonly Treatment[]> {
  const { treatment, vectors } = await firstSeed(zoo, run);
  return Array.from({ length: CONTROL_DRAWS }, (_, draw) =>
    derivedTreatment(`random for ${run}`, {
      of: [treatment],
      steer: randomDirections(vectors, { seed: CONTROL_SEED, draw }),
    }));
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a"), single: (readonly Treatment[])[] = [];
  const everywhere = await randomised(zoo, "all");
  for (const name of layerRuns(zoo)) single.push(await randomised(zoo, name));
  const { base, together, alone, problems, ...beside } = await besideTrained(lab, zoo, {
    name: "random",
    what: "random directions",
    everywhere,
    single,
    note: (outcomes) => drawsNote(separated(outcomes)),
  });
  const gainAll = drawsAgainst(separated(together), base), gainAlone = drawsAgainst(alone, base);
  return {
    spec: figureSpec([beside.panel], {
      title: "Random directions as long as the trained vectors",
      subtitle: [
        `${zoo.entry.name}, mean of ${
          setsText(lab.asked)
        }, ${problems} problems of each, τ = 1. Small dots: training seeds, or`,
        `${CONTROL_DRAWS} draws of directions; bars: 95 % bootstrap over problems, evaluation seeds and these.`,
      ],
    }),
    values: [
      ...beside.accuracies,
      pointsMetric("gain.random.all_layers", gainAll, "Random directions in all layers minus base."),
      pointsMetric(
        "gain.random.single_layers",
        gainAlone,
        "Mean of random directions in one layer minus base.",
      ),
      ...beside.leads,
    ],
    claims: [
      intervalClaim(gainAll, {
        claim: "random_all_layers_gain_nothing",
        statement: "Random directions of equal norm in all layers gain nothing.",
        name: "random directions in all layers minus base",
        range: { below: NO_GAIN_POINTS },
        note: `Holds when the interval lies below ${NO_GAIN_POINTS} points.`,
      }),
      intervalClaim(gainAlone, {
        claim: "random_single_layers_gain_nothing",
        statement: "A random direction of equal norm in one layer gains nothing.",
        name: "mean over layers of a random direction minus base",
        range: { below: NO_GAIN_POINTS },
        note: `Holds when the interval lies below ${NO_GAIN_POINTS} points.`,
      }),
      ...beside.leadClaims,
    ],
  };
}

/** Control: random directions of equal norm, in one layer and in all. */
export const controlRandom: Reproduction = {
  id: "control-random",
  slug: "random-directions",
  title: "Random directions as long as the trained vectors",
  itemClass: "review",
  differences: ["The paper has no such control; reviewers asked for it."],
  run,
};
