import { weightShapes, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { elementCount } from "../../lib/core/mod.ts";
import { promptTokens, type Rollout } from "../../lib/decode/mod.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import { generatedProblems, type StudyProblem, type ZooEntry, ZooModel } from "../../lib/experiment/mod.ts";
import { additionsOf, type Treatment } from "../../lib/experiment/treatment.ts";
import { FAMILIES, PROBLEM_SETS, testSet } from "../../lib/problems/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { tinyTokenizer } from "../train/_tiny_models.ts";

const TOKENIZER_FOLDER = decodeURIComponent(
  new URL("../../fixtures/golden/tokenizers/qwen", import.meta.url).pathname,
);
const VOCAB = 423, STOP = 422, WIDTH = 20, LAYERS = 4, HEADS = 4, HEAD_DIM = 16;
const AXES = {
  answer: 0,
  opener: 1,
  slash: 2,
  box: 3,
  ed: 4,
  open: 5,
  digit: 6,
  close: 7,
  push: 8,
  hint: 9,
} as const;

/** Chances at the first answer position, unsteered: the opener "To", a box at once, nothing at all. */
export const FIRST = { opener: 0.2, box: 0.1, stop: 0.7 };
/** Chance of a box after the opener; it stops otherwise. */
const BOX_AFTER_OPENER = 0.8;
/** The digit that the model boxes in nine of ten boxes. */
export const USUAL_DIGIT = "7";
/** Logit of the opener per unit of the steering vector. */
const PUSH_PER_UNIT = 80;

/** Strength of the shipped vector of each layer; layers 0 and 2 learnt nothing. */
export const STRENGTHS = [0, 0.05, 0, 0.1] as const;

/** P("To") at the first position under a vector of a strength: the arithmetic of the weights written here. */
export function openerProbability(strength: number): number {
  // The last norm divides by the length of the residual, which the vector makes longer.
  const scale = 1 / Math.sqrt(1 + strength * strength), sure = 30;
  const logits = [
    sure + Math.log(FIRST.opener) + PUSH_PER_UNIT * strength,
    sure + Math.log(FIRST.box),
    sure + Math.log(FIRST.stop),
  ];
  const weights = logits.map((logit) => Math.exp(scale * logit - sure));
  return (weights[0] as number) / weights.reduce((sum, weight) => sum + weight, 0);
}

/** Percent of problems whose answer is a text: mean of the families. */
export function percentWith(answer: string, perFamily: number): number {
  const shares = FAMILIES.map((family) => {
    const set = testSet(family, { size: perFamily });
    return set.filter((problem) => problem.answer === answer).length / set.length;
  });
  return 100 * shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** What the last block makes of a vector along the axis `hint`. */
export type HintReader =
  /** Nothing: a block of zeros. */
  | "none"
  /** Values read it and push the opener, whatever attends to what. */
  | "values"
  /** Queries read it and then attend to line breaks alone, whose values push the opener. */
  | "queries";

/** Adds a last block that reads the hint, in its first query head and its first key-value head. */
function writeHintReader(weights: ReadonlyMap<string, Float32Array>, reader: HintReader): void {
  if (reader === "none") return;
  const part = (kind: string) =>
    weights.get(`model.layers.${LAYERS - 1}.self_attn.${kind}_proj.weight`) as Float32Array;
  // The last pair of a head turns by 10000^(−14/16) = 0.0003 radians per position: as good as not at all.
  const still = 7;
  part("o")[AXES.push * HEADS * HEAD_DIM] = reader === "values" ? 1 : 0.02; // [embed, heads · head_dim]
  const value = part("v"); // [kv_heads · head_dim, embed]
  if (reader === "values") {
    // The norm makes a hint alone √20 long, whatever its strength; beside an embedding it stays small.
    value[AXES.hint] = 0.02;
    return;
  }
  value[AXES.answer] = 1;
  part("q")[still * WIDTH + AXES.hint] = 200;
  part("k")[still * WIDTH + AXES.answer] = 10;
}

/** Another row of the unembedding: what one axis adds to a token's logit, over √embed. */
export interface ExtraRow {
  readonly token: number;
  readonly axis: number;
  readonly value: number;
}

async function writeModel(
  folder: string,
  options: { maxPositions: number; reader: HintReader; rows: readonly ExtraRow[] },
): Promise<void> {
  const { maxPositions, reader, rows } = options;
  const config = tinyConfig({
    layers: LAYERS,
    embed: WIDTH,
    heads: HEADS,
    headDim: HEAD_DIM,
    neurons: 16,
    vocab: VOCAB,
    eosTokenIds: [STOP],
    maxPositions,
  });
  const tokenizer = await tinyTokenizer();
  const id = (text: string) => tokenizer.tokenId(text) as number;
  const [slash, box, ed, open] = tokenizer.encode("\\boxed{7}.") as [number, number, number, number];
  const weights = new Map<string, Float32Array>();
  // Blocks of zeros leave the residual alone: the next token depends on the last one and the vector.
  for (const [name, dims] of weightShapes(config)) {
    weights.set(name, new Float32Array(elementCount(dims)).fill(name.endsWith("norm.weight") ? 1 : 0));
  }
  const embedding = weights.get("model.embed_tokens.weight") as Float32Array; // [vocab, embed]
  const unembedding = weights.get("lm_head.weight") as Float32Array; // [vocab, embed]
  const embed = (token: number, axis: number) => embedding[token * WIDTH + axis] = 1;
  const link = (from: number, token: number, share: number) =>
    unembedding[token * WIDTH + from] = (30 + Math.log(share)) / Math.sqrt(WIDTH);
  embed(id("\n"), AXES.answer);
  link(AXES.answer, id("To"), FIRST.opener);
  link(AXES.answer, slash, FIRST.box);
  link(AXES.answer, STOP, FIRST.stop);
  embed(id("To"), AXES.opener);
  link(AXES.opener, slash, BOX_AFTER_OPENER);
  link(AXES.opener, STOP, 1 - BOX_AFTER_OPENER);
  const chain = [[slash, AXES.slash, box], [box, AXES.box, ed], [ed, AXES.ed, open]] as const;
  for (const [token, axis, next] of chain) {
    embed(token, axis);
    link(axis, next, 1);
  }
  embed(open, AXES.open);
  for (let digit = 0; digit < 10; digit++) {
    link(AXES.open, id(String(digit)), String(digit) === USUAL_DIGIT ? 0.9 : 0.1 / 9);
    embed(id(String(digit)), AXES.digit);
  }
  link(AXES.digit, id("}."), 1);
  embed(id("}."), AXES.close);
  link(AXES.close, STOP, 1);
  unembedding[id("To") * WIDTH + AXES.push] = PUSH_PER_UNIT / Math.sqrt(WIDTH);
  writeHintReader(weights, reader);
  for (const { token, axis, value } of rows) unembedding[token * WIDTH + axis] = value;
  await writeCheckpoint(folder, { config, dtype: "float32", weights });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${TOKENIZER_FOLDER}/${name}`, `${folder}/${name}`);
  }
}

/** Axes that no weight reads or writes: vectors along them change no text. */
export const FREE_AXES = [10, 11, 12, 13] as const;

/** Writes one run of vectors: each layer pushes the opener by its strength, hints to a block that reads hints, or another axis. */
export async function writeVectors(
  path: string,
  strengths: Readonly<Record<number, number>>,
  options: { readonly axis?: "push" | "hint" | number } = {},
): Promise<void> {
  const vectors = new Map(
    Object.entries(strengths).map(([layer, strength]) => {
      const vector = new Float32Array(WIDTH);
      const { axis = "push" } = options;
      vector[typeof axis === "number" ? axis : AXES[axis]] = strength;
      return [Number(layer), vector];
    }),
  );
  await saveVectors(path, { vectors, metadata: {} });
}

/** A zoo of one model whose numbers are arithmetic, in the layout of `fixtures/`. */
export interface TinyZoo {
  readonly entry: ZooEntry;
  /** Holds `embedded/base-a`, `embedded/vectors/base-a`, `profiles/embedded.json` and `paper/`. */
  readonly fixtures: string;
  /** Empty, for everything else. */
  readonly folder: string;
}

/**
 * Runs a body with a zoo whose model says "To" or nothing, then boxes a 7. A vector along one axis pushes "To".
 * Layers 0 and 2 have zero vectors; the last layer has two training seeds.
 */
export async function withTinyZoo(
  body: (zoo: TinyZoo) => Promise<void>,
  options: {
    readonly maxPositions?: number;
    readonly reader?: HintReader;
    readonly rows?: readonly ExtraRow[];
  } = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const fixtures = `${folder}/fixtures`, vectorsFolder = `${fixtures}/embedded/vectors/base-a`;
    const modelFolder = `${fixtures}/embedded/base-a`;
    const { maxPositions = 512, reader = "none", rows = [] } = options;
    await writeModel(modelFolder, { maxPositions, reader, rows });
    await Deno.mkdir(vectorsFolder, { recursive: true });
    await Deno.mkdir(`${fixtures}/profiles`);
    const profile = JSON.parse(await Deno.readTextFile("fixtures/profiles/embedded.json"));
    profile.sizes = { full: TINY_SIZE, quick: QUICK_TINY_SIZE };
    await Deno.writeTextFile(`${fixtures}/profiles/embedded.json`, JSON.stringify(profile));
    for (const [layer, strength] of STRENGTHS.entries()) {
      await writeVectors(`${vectorsFolder}/layer-${layer}.seed-0.safetensors`, { [layer]: strength });
    }
    await writeVectors(`${vectorsFolder}/layer-3.seed-1.safetensors`, { 3: 0.08 });
    await writeVectors(`${vectorsFolder}/all.seed-0.safetensors`, { ...STRENGTHS });
    await Deno.mkdir(`${fixtures}/paper`);
    for (const id of ["fig1", "fig3"]) {
      await Deno.copyFile(
        new URL(`../../fixtures/paper/${id}.json`, import.meta.url),
        `${fixtures}/paper/${id}.json`,
      );
    }
    await Deno.mkdir(`${folder}/work`);
    const { opener, openers, systems } = profile.models[0];
    const entry = { name: "base-a", modelFolder, vectorsFolder, opener, openers, systems };
    await body({ entry, fixtures, folder: `${folder}/work` });
  });
}

/** As {@link withTinyZoo}, the model opened on one thread. */
export async function withZooModel(
  body: (zoo: ZooModel, tiny: TinyZoo) => Promise<void>,
  options: Parameters<typeof withTinyZoo>[1] = {},
): Promise<void> {
  await withTinyZoo(async (tiny) => {
    const zoo = await ZooModel.open(tiny.entry, { threads: 1 });
    await body(zoo, tiny).finally(() => zoo.release());
  }, options);
}

/** What the tiny model is asked: the families of the embedded zoo. */
export const EMBEDDED = generatedProblems(PROBLEM_SETS.embedded);

/** The roles that the embedded zoo has models of. */
export const ROLES = ["a", "a_instruct", "b", "control"] as const;

/** A study that takes the tiny model a moment. */
export const TINY_SIZE = { problems: 3, swept: 2, evaluationSeeds: 2, traced: 9, read: 4, maxNewTokens: 12 };

/** A smaller one, which the tiny profile calls quick. */
const QUICK_TINY_SIZE = { ...TINY_SIZE, problems: 2, traced: 6, read: 3 };

/**
 * One answer per problem, each drawn alone, in a run of its own: problem p under seed p mod S, which is how the
 * evaluation seeds take turns.
 */
export async function answersInTurn(
  zoo: ZooModel,
  options: {
    readonly problems: readonly StudyProblem[];
    readonly seeds: readonly number[];
    readonly maxNewTokens: number;
    readonly treatment: Treatment | undefined;
  },
): Promise<readonly Rollout[]> {
  const { problems, seeds, maxNewTokens, treatment } = options;
  const answers: Rollout[] = [];
  for (const [prompt, { question }] of problems.entries()) {
    const request = { tokens: promptTokens(zoo.tokenizer, question), prompt, sample: 0 };
    const seed = seeds[prompt % seeds.length] as number;
    answers.push(
      ...await zoo.model.generate([request], { maxNewTokens, seed, ...additionsOf(treatment ?? null) }),
    );
  }
  return answers;
}
