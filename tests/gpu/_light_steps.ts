import { fileURLToPath } from "node:url";
import { parity, readParityGolden, writeGoldenModel } from "../../lib/analysis/mod.ts";
import {
  type Architecture,
  ARCHITECTURES,
  type ModelConfig,
  writeRandomCheckpoint,
  writeSyntheticCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel, type OpenOptions, type Rollout, type SteeringVectors } from "../../lib/decode/mod.ts";
import { type Device, float32Products, runtimeReport } from "../../lib/runtime/mod.ts";
import { deviceFinding, float32Finding, providerFinding } from "../../tasks/doctor.ts";
import { CONFORMANCE_CASES } from "../decode/_conformance.ts";
import { TOLERANCES } from "../tolerances.ts";
import { usedMiB } from "./_card.ts";
import type { Outcome, Step } from "./_light_runner.ts";
import { bandwidthOf, LIGHT_SIZES, modelBytes } from "./_light_sizes.ts";

/** What the steps work on. */
export interface LightSetting {
  readonly device: Device;
  /** An empty folder for models. */
  readonly folder: string;
  /** Name of the card; null where there is none. */
  readonly card: string | null;
  /** A real model in place of the deep random one. @default {none} */
  readonly deepFolder?: string;
  /** Seconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Opens a model, hands it to `use`, and frees it. */
async function withModel<T>(
  folder: string,
  options: OpenOptions,
  use: (model: LanguageModel) => Promise<T>,
): Promise<T> {
  const model = await LanguageModel.open(folder, options);
  try {
    return await use(model);
  } finally {
    await model.release();
  }
}

function largest(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Number.isNaN(value) ? Infinity : Math.abs(value));
  return most;
}

const differences = (a: readonly number[], b: readonly number[]): number[] =>
  a.length === b.length ? a.map((value, index) => value - (b[index] as number)) : [Infinity];

/** What a card holds behind a step, for its line and its values; nothing on the CPU. */
async function memoryOf(
  device: Device,
): Promise<{ readonly text: string; readonly values: Readonly<Record<string, number>> }> {
  const memoryMiB = device === "cuda" ? await usedMiB() : null;
  return memoryMiB === null
    ? { text: "", values: {} }
    : { text: `; ${(memoryMiB / 1024).toFixed(1)} GiB of the card in use`, values: { memoryMiB } };
}

/** Log-probabilities of completions by the graph of whole sequences, of their prompts' last `keep` tokens. */
async function scored(
  model: LanguageModel,
  rollouts: readonly Rollout[],
  keep = Infinity,
): Promise<number[]> {
  const rows = rollouts.map(({ promptTokens, tokens }) => {
    const prompt = promptTokens.slice(Math.max(0, promptTokens.length - keep));
    return { tokens: [...prompt, ...tokens], from: prompt.length };
  });
  return (await model.logProbs(rows, { maxTokens: 1 })).flat();
}

const places = (value: number): string => value.toExponential(1);

/** The libraries and the variable that CUDA needs, and a graph of one sum. */
function deviceSteps({ device }: LightSetting): readonly Step[] {
  const judged = ({ found, verdict, repair }: ReturnType<typeof float32Finding>): Outcome => ({
    right: verdict === "ok",
    found: repair === undefined ? found : `${found}: ${repair}`,
  });
  const cuda: readonly Step[] = [
    { name: "the provider and its libraries", run: () => judged(providerFinding(runtimeReport().folder)) },
    { name: "float32 products are exact", run: () => judged(float32Finding(float32Products())) },
  ];
  return [
    ...(device === "cuda" ? cuda : []),
    { name: "a session runs", run: async () => judged(await deviceFinding(device)) },
  ];
}

/** A rollout knows the beginning of its prompt, which a cache that lost it would not. */
function promptStep({ device, folder }: LightSetting, at: typeof LIGHT_SIZES.cpu.conformance[number]): Step {
  const [dtype, tolerance] = at, bound = 4 * TOLERANCES[tolerance].bound; // log-probabilities are near −4
  return {
    name: `a rollout remembers its prompt, ${dtype}`,
    async run() {
      const place = `${folder}/prompt`;
      await writeRandomCheckpoint(place, { config: tinyConfig({ layers: 3 }), dtype: "bfloat16", seed: 4 });
      const random = new RandomStream(1, "first light");
      const requests = Array.from({ length: 6 }, (_, prompt) => ({
        tokens: Array.from({ length: 12 + prompt }, () => random.integer({ below: 61 })),
        prompt,
        sample: 0,
      }));
      const rollouts = await withModel(
        place,
        { device, dtype },
        (model) => model.generate(requests, { maxNewTokens: 10, seed: 2 }),
      );
      const own = rollouts.flatMap(({ logProbs }) => logProbs);
      return await withModel(place, {}, async (reference) => {
        const error = largest(differences(own, await scored(reference, rollouts)));
        const forgotten = largest(differences(own, await scored(reference, rollouts, 1)));
        return {
          right: error <= bound && forgotten > 3 * bound,
          found: `log-probabilities within ${places(error)} nats of the CPU's (bound ${places(bound)}); ` +
            `without the prompt they would lie ${places(forgotten)} off`,
          values: { error, bound, forgotten },
        };
      });
    },
  };
}

/** The suite that every device runs, over one architecture with biases and one with norms of heads. */
function conformanceStep(setting: LightSetting, at: typeof LIGHT_SIZES.cpu.conformance[number]): Step {
  const [dtype, tolerance] = at, { device, folder } = setting;
  return {
    name: `conformance, ${dtype}`,
    async run() {
      for (const architecture of ["qwen2", "qwen3"] as const) {
        const place = `${folder}/conformance-${architecture}`;
        const config = tinyConfig({ architecture, eosTokenIds: [0] });
        await writeRandomCheckpoint(place, { config, dtype: "bfloat16", seed: 4 });
        await withModel(
          place,
          { threads: 1 },
          (reference) =>
            withModel(place, { device, dtype, threads: 1 }, async (candidate) => {
              for (const { name, check } of CONFORMANCE_CASES) {
                await check({ reference, candidate, tolerance }).catch((error: Error) => {
                  throw new Error(`${architecture}, ${name}: ${error.message}`);
                });
              }
            }),
        );
      }
      const cases = 2 * CONFORMANCE_CASES.length;
      return {
        right: true,
        found: `${cases} cases within ${TOLERANCES[tolerance].bound}`,
        values: { cases },
      };
    },
  };
}

/** The golden of an architecture's float32 model with grouped queries. */
async function floatGolden(architecture: Architecture): Promise<string> {
  const goldens = fileURLToPath(new URL(`../../fixtures/golden/${architecture}/`, import.meta.url));
  const names = (await Array.fromAsync(Deno.readDir(goldens))).map(({ name }) => name);
  const found = names.find((name) => name.startsWith("gqa_24_float32"));
  if (found === undefined) throw new Error(`no golden of a float32 model in ${goldens}`);
  return `${goldens}${found}`;
}

/** One golden of each architecture, in float32: what transformers says of every site, decoding and adjoints. */
function parityStep({ device, folder }: LightSetting, bound: number): Step {
  return {
    name: "parity with transformers, float32",
    async run() {
      let worst = 0, values = 0;
      for (const architecture of ARCHITECTURES) {
        const golden = await floatGolden(architecture);
        const place = `${folder}/parity-${architecture}`;
        await writeGoldenModel(golden, place);
        const rows = await withModel(
          place,
          { device, dtype: "float32" },
          async (model) => await parity(model, await readParityGolden(golden, model)),
        );
        values += rows.length;
        worst = Math.max(worst, largest(rows.map(({ relativeError }) => relativeError)));
        const other = rows.find(({ name, argmaxAgreement }) =>
          name.endsWith("decode") && argmaxAgreement !== 1
        );
        if (other !== undefined) {
          return { right: false, found: `${architecture}: other tokens in ${other.name}` };
        }
      }
      return {
        right: worst <= bound,
        found: `${values} values within ${places(worst)} of their largest (bound ${places(bound)})`,
        values: { worst, bound, values },
      };
    },
  };
}

/** Tokens of a sequence that is the same in every run. */
function tokensOf(config: ModelConfig, length: number, name: string): number[] {
  const random = new RandomStream(0, "first light", name);
  // The last tokens of a vocabulary may end a text.
  return Array.from({ length }, () => random.integer({ below: Math.floor(config.vocab * 0.9) }));
}

/** Rollouts of random prompts: their rate, and whether whole sequences give the same log-probabilities. */
async function rolloutOutcome(model: LanguageModel, setting: LightSetting): Promise<Outcome> {
  const { rollout: { rows, prompt, newTokens }, logProbNats } = LIGHT_SIZES[setting.device],
    { now } = setting;
  const { config } = model;
  const requests = Array.from({ length: rows }, (_, row) => ({
    tokens: tokensOf(config, prompt, `prompt ${row}`),
    prompt: row,
    sample: 0,
  }));
  const start = now();
  await model.generate(requests, { maxNewTokens: 2, batchSize: rows });
  const cold = now() - start, begin = now();
  const rollouts = await model.generate(requests, {
    maxNewTokens: newTokens,
    batchSize: rows,
    stragglerShare: 0,
  });
  const seconds = now() - begin, tokens = rollouts.reduce((sum, row) => sum + row.tokens.length, 0);
  const checked = rollouts.slice(0, 2);
  const error = largest(differences(checked.flatMap((row) => row.logProbs), await scored(model, checked)));
  const steps = Math.max(...rollouts.map((row) => row.tokens.length));
  const memory = await memoryOf(setting.device);
  const bandwidth = setting.card === null ? null : bandwidthOf(setting.card);
  const floor = bandwidth === null ? null : modelBytes(config).decoded / bandwidth;
  const stepMs = 1000 * seconds / steps, share = floor === null ? null : floor / (stepMs / 1000);
  return {
    right: error <= logProbNats && tokens > 0,
    found: `${rows} × (${prompt} + ${newTokens}): ${Math.round(tokens / seconds)} tokens/s, ` +
      `${stepMs.toFixed(2)} ms a step${
        share === null ? "" : `, ${(100 * share).toFixed(0)} % of the floor's rate`
      }; ` +
      `session and first tokens ${cold.toFixed(1)} s; within ${
        places(error)
      } nats of whole sequences${memory.text}`,
    values: {
      tokensPerSecond: tokens / seconds,
      stepMs,
      coldSeconds: cold,
      error,
      ...memory.values,
      ...(share === null ? {} : { share }),
    },
  };
}

const zeroVectors = ({ layers, embed }: ModelConfig): SteeringVectors =>
  new Map(Array.from({ length: layers }, (_, layer) => [layer, new Float32Array(embed)] as const));

/** All layers' adjoints of one row, end to end. */
async function adjointOf(model: LanguageModel, tokens: readonly number[]): Promise<number[]> {
  const row = { tokens, from: 1, weight: 1 / tokens.length };
  const { adjoints } = await model.steeringAdjoint([row], {
    steer: zeroVectors(model.config),
  });
  return [...adjoints.values()].flatMap((vector) => [...vector]);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The gradient of one row: its rate, and, where a reference is given, its direction next to the CPU's in float32. */
async function gradientOutcome(
  model: LanguageModel,
  setting: LightSetting,
  reference: string | null,
): Promise<Outcome> {
  const { gradient: { seq, checked } } = LIGHT_SIZES[setting.device], { now } = setting, { config } = model;
  const long = tokensOf(config, seq + 1, "gradient");
  await adjointOf(model, long);
  const begin = now(), whole = await adjointOf(model, long), seconds = now() - begin;
  const size = largest(whole), finite = size > 0 && size < Infinity;
  const memory = await memoryOf(setting.device);
  const rate = `1 × ${seq}, all layers: ${Math.round(seq / seconds)} tokens/s${memory.text}`;
  const values = { tokensPerSecond: seq / seconds, largest: size, ...memory.values };
  if (reference === null) return { right: finite, found: rate, values };
  const [short, other] = ["checked", "other"].map((name) => tokensOf(config, checked + 1, name));
  const own = await adjointOf(model, short as number[]);
  const [alike, unlike] = await withModel(reference, { threads: 4 }, async (cpu) => [
    cosine(own, await adjointOf(cpu, short as number[])),
    cosine(own, await adjointOf(cpu, other as number[])),
  ]) as [number, number];
  return {
    right: finite && alike >= 0.99 && unlike < 0.9,
    found: `${rate}; cosine ${alike.toFixed(5)} with the CPU's in float32 (${
      unlike.toFixed(2)
    } with another row's)`,
    values: { ...values, alike, unlike },
  };
}

/** Rates and right answers of the wide model of two layers, then of one as deep as the real ones. */
function rateSteps(setting: LightSetting): readonly Step[] {
  const { device, folder } = setting, { wide, layers, dtype, deepSeconds } = LIGHT_SIZES[device];
  const [two, deep] = [`${folder}/two`, setting.deepFolder ?? `${folder}/deep`];
  const open = { device, dtype };
  return [
    {
      name: `rollouts of 2 layers, ${dtype}`,
      async run() {
        await writeSyntheticCheckpoint(two, { config: wide, seed: 0 });
        return await withModel(two, open, (model) => rolloutOutcome(model, setting));
      },
    },
    {
      name: `gradient of 2 layers, ${dtype}`,
      run: () => withModel(two, open, (model) => gradientOutcome(model, setting, two)),
    },
    {
      name: `rollouts of ${layers} layers, ${dtype}`,
      seconds: deepSeconds,
      async run() {
        if (setting.deepFolder === undefined) {
          await writeSyntheticCheckpoint(deep, { config: { ...wide, layers }, seed: 0 });
        }
        return await withModel(deep, open, (model) => rolloutOutcome(model, setting));
      },
    },
    {
      name: `gradient of ${layers} layers, ${dtype}`,
      seconds: deepSeconds / 4,
      run: () => withModel(deep, open, (model) => gradientOutcome(model, setting, null)),
    },
  ];
}

/** Everything, in the order in which each thing rests on those before it. */
export function lightSteps(setting: LightSetting): readonly Step[] {
  const sizes = LIGHT_SIZES[setting.device];
  return [
    ...deviceSteps(setting),
    ...sizes.conformance.map((at) => promptStep(setting, at)),
    ...sizes.conformance.map((at) => conformanceStep(setting, at)),
    parityStep(setting, sizes.parity),
    ...rateSteps(setting),
  ];
}
