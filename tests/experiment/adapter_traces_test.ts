import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import {
  adapterTraces,
  derivedTreatment,
  promptSegments,
  sharedTextMagnitudes,
  ZooModel,
} from "../../lib/experiment/mod.ts";
import { additionsOf } from "../../lib/experiment/treatment.ts";
import { EMBEDDED_SYSTEM_PROMPT } from "../../lib/problems/mod.ts";
import { tinyBench } from "./_tiny_additions.ts";
import { answersInTurn, withTinyZoo, withZooModel } from "./_tiny_zoo.ts";

/** A model of random weights, whose MLPs are at work. */
async function withRandomModel(body: (zoo: ZooModel) => Promise<void>): Promise<void> {
  await withTinyZoo(async ({ entry, folder }) => {
    const modelFolder = `${folder}/random`;
    const config = tinyConfig({ vocab: 423, eosTokenIds: [422], maxPositions: 512 });
    await writeRandomCheckpoint(modelFolder, { config, dtype: "float32", seed: 0 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`${entry.modelFolder}/${name}`, `${modelFolder}/${name}`);
    }
    const zoo = await ZooModel.open({ ...entry, modelFolder }, { threads: 1 });
    await body(zoo).finally(() => zoo.release());
  });
}

function randomTreatment({ model: { config } }: ZooModel, layer: number) {
  const random = new RandomStream(5, "adapter", layer);
  const values = (length: number) => Float32Array.from({ length }, () => random.normal() / 4);
  const adapter = { input: values(config.neurons), output: values(config.embed) };
  const adapters = new Map([[layer, adapter]]);
  return { adapter, treatment: derivedTreatment(`adapter ${layer}`, { of: [], adapters }) };
}

Deno.test("sharedTextMagnitudes() is how far the adapter moves down_proj's output along its direction", () =>
  withRandomModel(async (zoo) => {
    const { lab } = tinyBench(zoo), [problem] = lab.problems(1);
    const made = [0, 1].map((layer) => ({ layer, ...randomTreatment(zoo, layer) }));
    const { tokens, segments, rows } = await sharedTextMagnitudes(lab, {
      zoo,
      adapters: made,
      problem: problem as NonNullable<typeof problem>,
    });
    assertEquals(segments.at(-1)?.to, tokens.length);
    for (const { layer, adapter, treatment } of made) {
      const taps = [`blocks.${layer}.mlp_out`, `blocks.${layer}.down_out`] as const;
      const read = await zoo.model.run([tokens], { ...additionsOf(treatment), taps });
      const [moved, still] = taps.map((site) => read.taps.get(site)?.data as Float32Array);
      const { embed } = zoo.model.config, length = Math.hypot(...adapter.output);
      tokens.forEach((_, t) => {
        let along = 0;
        for (let e = 0; e < embed; e++) {
          const at = t * embed + e;
          along += ((moved?.[at] as number) - (still?.[at] as number)) * (adapter.output[e] as number) /
            length;
        }
        // Five digits are kept, and the difference of float32 numbers near 1 is known to 1e-6.
        assertAlmostEquals(rows[layer]?.[t] as number, along, 1e-5 + 1e-4 * Math.abs(along));
      });
    }
  }));

Deno.test("adapterTraces() reads every position but the last of each answer, and names its segments", () =>
  withRandomModel(async (zoo) => {
    const { lab } = tinyBench(zoo), problems = lab.problems(5), layer = 1;
    const { adapter, treatment } = randomTreatment(zoo, layer);
    const traces = await adapterTraces(lab, { zoo, treatment, layer, problems });
    assertEquals(traces.length, 5);
    const { maxNewTokens } = lab.size;
    const rollouts = await answersInTurn(zoo, { problems, seeds: lab.seeds, maxNewTokens, treatment });
    for (const [text, trace] of traces.entries()) {
      const rollout = rollouts[text] as typeof rollouts[number];
      const tokens = [...rollout.promptTokens, ...rollout.tokens.slice(0, -1)];
      const lengths = [trace.magnitudes, trace.outputNorms, trace.alignments].map(({ length }) => length);
      assertEquals(lengths, [tokens.length, tokens.length, tokens.length]);
      assertEquals(trace.segments.at(-1)?.to, tokens.length);
      const site = `blocks.${layer}.down_out` as const;
      const { taps } = await zoo.model.run([tokens], { ...additionsOf(treatment), taps: [site] });
      const { embed } = zoo.model.config, outputs = taps.get(site)?.data as Float32Array;
      for (const t of [0, tokens.length - 1]) {
        const y = outputs.subarray(t * embed, (t + 1) * embed), norm = Math.hypot(...y);
        const along = y.reduce((sum, value, e) => sum + value * (adapter.output[e] as number), 0);
        assertAlmostEquals(trace.outputNorms[t] as number, norm, 1e-4 * norm);
        assertAlmostEquals(
          trace.alignments[t] as number,
          along / (norm * Math.hypot(...adapter.output)),
          1e-4,
        );
      }
    }
  }));

Deno.test("adapterTraces() refuses a treatment without an adapter at the layer", () =>
  withZooModel(async (zoo) => {
    const { lab } = tinyBench(zoo), [treatment] = await zoo.trained("all");
    const options = { zoo, treatment: treatment as NonNullable<typeof treatment>, layer: 1 };
    await assertRejects(
      () => adapterTraces(lab, { ...options, problems: lab.problems(1) }),
      InputError,
      '"all.seed-0" has no adapter at layer 1',
    );
  }));

Deno.test("promptSegments() gives each part of the prompt its own tokens", () =>
  withZooModel((zoo) => {
    const { tokenizer } = zoo;
    for (const { question } of tinyBench(zoo).lab.problems(6)) {
      const tokens = promptTokens(tokenizer, question),
        ranges = promptSegments(tokenizer, question, { template: "embedded" });
      const textOf = (name: string) =>
        ranges.filter(({ segment }) => segment === name)
          .map(({ from, to }) => tokenizer.decode(tokens.slice(from, to))).join("|");
      assertEquals([textOf("system"), textOf("question")], [EMBEDDED_SYSTEM_PROMPT, question]);
      assert(textOf("template").startsWith("<|im_start|>system\n|"), textOf("template"));
      assertEquals([ranges[0]?.from, ranges.at(-1)?.to], [0, tokens.length]);
      ranges.slice(1).forEach(({ from }, place) => assertEquals(from, ranges[place]?.to));
    }
    return Promise.resolve();
  }));
