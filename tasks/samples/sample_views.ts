import { InputError } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { additionsOf, type Treatment, type ZooAutoencoder, type ZooModel } from "../../lib/experiment/mod.ts";
import type { PromptTemplate, SampleLine } from "../../lib/problems/mod.ts";
import { encodeTopK, residualDifferences } from "../../lib/train/mod.ts";
import { answerShifts, type SampleIndex, type SampleView } from "../../site/mod.ts";
import { readSamples } from "./sample_reader.ts";

/** Problems of each family that are shown: enough to read, little to load. */
const MOST_PROBLEMS = 8;

/** Features of a token that are kept, and of a model that can be chosen. */
const TOKEN_FEATURES = 3, OFFERED_FEATURES = 12;

/** The samples of a profile as its pages show them. */
export interface SampleViews {
  readonly index: SampleIndex;
  readonly byFamily: ReadonlyMap<string, readonly SampleView[]>;
}

const rounded = (value: number): number => Number(value.toPrecision(3));

/** The samples of a model by condition, of files in their order; what several files hold is taken once. */
async function samplesOf(
  files: readonly string[],
  options: { readonly model: string; readonly conditions: readonly string[] },
): Promise<readonly SampleLine[]> {
  const { model, conditions } = options, seen = new Set<string>(), found: SampleLine[] = [];
  const problems = new Map<string, Set<string>>();
  for await (const { sample } of readSamples(files)) {
    const { condition, suite, problem, seed, sample: number } = sample;
    const name = conditions.find((name) => condition === `${model} ${name} sampling`);
    if (name === undefined || number !== 0) continue;
    const ofFamily = problems.get(suite) ?? new Set();
    problems.set(suite, ofFamily);
    if (!ofFamily.has(problem) && ofFamily.size >= MOST_PROBLEMS) continue;
    ofFamily.add(problem);
    const key = [condition, problem, seed].join("\n");
    if (seen.has(key)) continue;
    seen.add(key);
    found.push({ ...sample, condition: name });
  }
  return found;
}

/** Trained vectors by the names of their conditions, those of all layers first; what was not trained is left out. */
async function treatments(zoo: ZooModel): Promise<readonly Treatment[]> {
  const runs = [
    "all",
    ...Array.from({ length: zoo.layers }, (_, layer) => `layer-${layer}`),
  ] as ("all" | `layer-${number}`)[];
  const found: Treatment[] = [];
  for (const run of runs) {
    try {
      const [first] = await zoo.trained(run);
      if (first !== undefined) found.push(first);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
  return found;
}

/** What is to be shown of samples files, with what vectors change at each token; null where they hold nothing of it. */
export async function sampleViews(
  files: readonly string[],
  options: {
    readonly zoo: ZooModel;
    readonly template: PromptTemplate;
    readonly onProgress: (done: number) => void;
  },
): Promise<SampleViews | null> {
  const { zoo, template, onProgress } = options, { model, tokenizer } = zoo;
  const added = await treatments(zoo), [first] = added;
  if (first === undefined) return null;
  const conditions = ["base", ...added.map(({ name }) => name)];
  const samples = await samplesOf(files, { model: zoo.entry.name, conditions });
  const byCondition = new Set(samples.map(({ condition }) => condition));
  if (!byCondition.has("base") || byCondition.size < 2) return null;
  const difference: ZooAutoencoder | null = await zoo.differenceAutoencoder().catch((error) => {
    if (error instanceof InputError) return null;
    throw error;
  });
  const counts = new Map<number, number>(), byFamily = new Map<string, SampleView[]>();
  for (const [done, sample] of samples.entries()) {
    const treatment = added.find(({ name }) => name === sample.condition) ?? first;
    const prompt = promptTokens(tokenizer, sample.question, { template }),
      text = [...prompt, ...sample.tokens];
    const additions = additionsOf(treatment);
    const { shift, kl } = await answerShifts(model, { prompt, tokens: sample.tokens }, additions);
    const features: (readonly (readonly [number, number])[])[] = [];
    if (difference !== null && difference.treatment.name === treatment.name) {
      const { autoencoder, layer } = difference, { active, embed } = autoencoder;
      const [rows = new Float32Array()] = await residualDifferences(model, [text.slice(0, -1)], {
        ...additions,
        layer,
      });
      const { indices, values } = encodeTopK(autoencoder, rows.subarray((prompt.length - 1) * embed));
      for (let at = 0; at < indices.length; at += active) {
        const fired = Array.from(
          { length: TOKEN_FEATURES },
          (_, k) => [indices[at + k] as number, rounded(values[at + k] as number)] as const,
        )
          .filter(([, value]) => value > 0);
        for (const [feature] of fired) counts.set(feature, (counts.get(feature) ?? 0) + 1);
        features.push(fired);
      }
    }
    const { suite, problem, question, gold, condition, seed, correct, reason } = sample;
    const views = byFamily.get(suite) ?? [];
    byFamily.set(suite, views);
    views.push({
      problem,
      question,
      gold,
      condition: condition ?? "base",
      seed,
      correct,
      reason: reason ?? "",
      tokens: sample.tokens.map((token) => tokenizer.tokenText(token)),
      shift: shift.map(rounded),
      kl: kl.map(rounded),
      features,
    });
    onProgress(done + 1);
  }
  return {
    index: {
      families: [...byFamily.keys()],
      conditions: added.map(({ name }) => name).filter((name) => byCondition.has(name)),
      colouredBy: first.name,
      features: [...counts].sort((a, b) => b[1] - a[1]).slice(0, OFFERED_FEATURES).map(([feature]) =>
        feature
      ),
      problems: MOST_PROBLEMS,
    },
    byFamily,
  };
}
