/**
 * The work that benchmarks and the memory program have in common, each checked to have really been done.
 *
 * @module
 */
import { ChatTokenizer, type ModelConfig, openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  additionFeeds,
  LanguageModel,
  rolloutGraph,
  type RolloutRequest,
  sampleRollouts,
  servedLayers,
  type SteeringVectors,
  type WeightedRow,
} from "../../lib/decode/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import { type FreshConfig, pretrain, tokenizerFiles, tokenizerTexts, trainBpe } from "../../lib/train/mod.ts";
import { basePretrainConfig } from "../../tasks/model/bench_model.ts";
import type { Setting } from "./_setting.ts";
import type { RolloutSize } from "./_work.ts";

/** Rows of random token ids; `key` names the rows, so that a workload is the same in every run. */
export function randomRows(
  key: string,
  options: { readonly rows: number; readonly seq: number; readonly vocab: number },
): readonly (readonly number[])[] {
  const stream = new RandomStream(0, "bench", key);
  const row = () => Array.from({ length: options.seq }, () => stream.integer({ below: options.vocab }));
  return Array.from({ length: options.rows }, row);
}

/** A model ready to sample rollouts of a given size, in one batch. */
export interface RolloutRunner {
  readonly config: ModelConfig;
  readonly run: (size: RolloutSize) => Promise<Awaited<ReturnType<typeof sampleRollouts>>>;
  readonly release: () => Promise<void>;
}

/**
 * Opens a model for rollouts that never stop early: the stop token is one that the model cannot give, so that every
 * row has exactly the new tokens asked for and a rate means the same for every model.
 */
export async function openRollouts(setting: Pick<Setting, "folder" | "threads">): Promise<RolloutRunner> {
  const checkpoint = await openCheckpoint(setting.folder);
  const { config } = checkpoint;
  const stopTokens = [config.vocab];
  const layers = servedLayers({}, config);
  const session = await Session.create(
    rolloutGraph({ config, checkpoint, edits: { steer: layers.steer }, stopTokens }),
    { threads: setting.threads, weightsFolder: checkpoint.weightsFolder },
  );
  return {
    config,
    run: async ({ rows, prompt, newTokens }) => {
      const prompts = randomRows("prompts", { rows, seq: prompt, vocab: config.vocab });
      const requests = prompts.map((tokens, index): RolloutRequest => ({ tokens, prompt: index, sample: 0 }));
      const rollouts = await sampleRollouts(
        { session, config, stopTokens, edits: {}, feeds: () => additionFeeds({}, { config, layers }) },
        requests,
        { maxNewTokens: newTokens, batchSize: rows },
      );
      const made = rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0);
      if (made !== rows * newTokens) throw new Error(`made ${made} tokens, not ${rows} × ${newTokens}`);
      return rollouts;
    },
    release: () => session.release(),
  };
}

/** A model with one zero vector in each of `layers`, and rows to take the adjoint over. */
export interface SteeringRunner {
  readonly model: LanguageModel;
  readonly steerAll: SteeringVectors;
  /** Steers one late layer, where the way back is short. */
  readonly steerLate: SteeringVectors;
  /** Rows whose targets begin at token `from`, all of one weight. */
  readonly rowsOf: (size: {
    readonly rows: number;
    readonly seq: number;
    readonly from: number;
  }) => readonly WeightedRow[];
}

/** The layer steered when it is only one: late, but not the last. */
export function lateLayer(layers: number): number {
  return Math.max(0, layers - 2);
}

/** Opens a model for steering adjoints. A row of `seq` positions has `seq + 1` tokens: the last is a target alone. */
export async function openSteering(setting: Pick<Setting, "folder" | "threads">): Promise<SteeringRunner> {
  const model = await LanguageModel.open(setting.folder, { threads: setting.threads });
  const { layers, embed, vocab } = model.config;
  const zero = (layer: number) => [layer, new Float32Array(embed)] as const;
  return {
    model,
    steerAll: new Map(Array.from({ length: layers }, (_, layer) => zero(layer))),
    steerLate: new Map([zero(lateLayer(layers))]),
    rowsOf: ({ rows, seq, from }) => {
      const weight = 1 / (rows * (seq + 1 - from));
      return randomRows("rows", { rows, seq: seq + 1, vocab }).map((tokens) => ({ tokens, from, weight }));
    },
  };
}

/** Pretraining from scratch in the shape of a model, a few steps at a time. */
export interface PretrainingRunner {
  readonly config: FreshConfig;
  /** Real tokens and documents of the steps that are timed. */
  readonly tokens: number;
  readonly documents: number;
  /** Runs one untimed step and then `steps` more, telling when the first of those begins and the last one ends. */
  readonly run: (clock?: { readonly start: () => void; readonly end: () => void }) => Promise<void>;
}

/** The model's own tokenizer, or one trained on a little of the corpus where the folder has none. */
async function benchTokenizer(setting: Setting, config: FreshConfig): Promise<ChatTokenizer> {
  const { vocab } = config.model;
  const own = await Deno.stat(`${setting.folder}/tokenizer.json`).then(() => true, () => false);
  if (own) return await ChatTokenizer.open(setting.folder, { vocab });
  const texts = tokenizerTexts(config.corpus, { seed: config.training.seed, documents: 2000 });
  const folder = `${setting.scratch}/tokenizer`;
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(tokenizerFiles(trainBpe(texts, { vocabSize: vocab })))) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return await ChatTokenizer.open(folder, { vocab });
}

/** Prepares pretraining with base A's settings in the shape of the model at hand. */
export async function openPretraining(setting: Setting): Promise<PretrainingRunner> {
  const { sizes } = setting;
  const base = await basePretrainConfig();
  const config: FreshConfig = {
    ...base,
    model: (await openCheckpoint(setting.folder)).config,
    training: { ...base.training, steps: sizes.steps + 1, documentsPerStep: sizes.documentsPerStep },
  };
  const tokenizer = await benchTokenizer(setting, config);
  const lines: { readonly step: number; readonly tokens: number }[] = [];
  const run: PretrainingRunner["run"] = async (clock) => {
    lines.length = 0;
    const folder = await Deno.makeTempDir({ dir: setting.scratch });
    await pretrain(config, {
      tokenizer,
      folder,
      threads: setting.threads,
      onStep: (line) => {
        lines.push(line);
        if (line.step === 0) clock?.start();
        if (line.step === sizes.steps) clock?.end();
      },
    });
  };
  await run();
  return {
    config,
    tokens: lines.slice(1).reduce((sum, line) => sum + line.tokens, 0),
    documents: sizes.steps * sizes.documentsPerStep,
    run,
  };
}
