import { ChatTokenizer, randomWeights, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { answerMessages, DEFAULT_CORPUS } from "../../lib/problems/mod.ts";
import { tokenizerFiles, tokenizerTexts, trainBpe } from "../../lib/train/mod.ts";
import { type Command, runCommand } from "../../tasks/command/command.ts";
import type { Flags } from "../../tasks/command/parse_flags.ts";
import { type FakeTerminal, fakeTerminal } from "./_fake_terminal.ts";

/** Tokens of the tiny models: the bytes, a few merges, three special tokens. */
export const TINY_VOCAB = 290;

/** Gives a test a folder that goes away with it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Coordinate of the residual stream that no token uses, so that only a vector sets it. */
export const FREE_COORDINATE = 31;

/**
 * Writes a model that answers every question with one boxed digit. Its blocks add nothing to the residual stream, so
 * the next token depends on the last one alone: prompt → `\\boxed{` → a digit → `}` → end. `digits` gives the logit of
 * each digit in units of 5.66; a vector along `FREE_COORDINATE` adds to the logit of 5. The tokenizer is a real one.
 */
export async function writeBoxModel(
  folder: string,
  options: { readonly digits?: Readonly<Record<string, number>>; readonly maxPositions?: number } = {},
): Promise<string> {
  const { digits = { 1: 4, 2: 4, 3: 4, 4: 4, 5: 4 }, maxPositions = 256 } = options;
  await Deno.mkdir(folder, { recursive: true });
  const texts = tokenizerTexts(DEFAULT_CORPUS, { seed: 0, documents: 30 });
  const files = tokenizerFiles(trainBpe(texts, { vocabSize: TINY_VOCAB }));
  for (const name of ["tokenizer.json", "tokenizer_config.json"] as const) {
    await Deno.writeTextFile(`${folder}/${name}`, files[name]);
  }
  const tokenizer = await ChatTokenizer.open(folder);
  const only = (text: string): number => {
    const id = tokenizer.tokenId(text);
    if (id === null) throw new Error(`"${text}" is not one token`);
    return id;
  };
  const config = tinyConfig({ vocab: TINY_VOCAB, eosTokenIds: [only("<|im_end|>")], maxPositions });
  const weights = new Map(randomWeights(config, { seed: 0 }));
  for (const [name, values] of weights) if (/(o_proj|down_proj)\.weight$/.test(name)) values.fill(0);
  const embedding = weights.get("model.embed_tokens.weight") as Float32Array; // [vocab, embed]
  const head = weights.get("lm_head.weight") as Float32Array; // [vocab, embed]
  embedding.fill(0);
  head.fill(0);
  weights.get("model.norm.weight")?.fill(1);
  let coordinate = 0;
  const follow = (tokens: readonly number[], next: Readonly<Record<number, number>>): void => {
    for (const token of tokens) embedding[token * config.embed + coordinate] = 1;
    for (const [token, logit] of Object.entries(next)) {
      head[Number(token) * config.embed + coordinate] = logit;
    }
    coordinate++;
  };
  const digitIds = Object.fromEntries(Object.entries(digits).map(([digit, logit]) => [only(digit), logit]));
  const prompt = tokenizer.encodeChat(answerMessages("?"));
  const box = tokenizer.encode("\\boxed{");
  const chain = [prompt.at(-1) as number, ...box];
  chain.slice(0, -1).forEach((token, place) => follow([token], { [chain[place + 1] as number]: 4 }));
  follow([chain.at(-1) as number], digitIds);
  follow(Object.keys(digitIds).map(Number), { [only("}")]: 4 });
  follow([only("}")], { [only("<|im_end|>")]: 4 });
  head[only("5") * config.embed + FREE_COORDINATE] = 4;
  await writeCheckpoint(folder, { config, dtype: "bfloat16", weights });
  return folder;
}

/** The pretraining config of base A made tiny; `change` may alter it before it is written. */
export async function writeTinyPretrainConfig(
  path: string,
  change: (config: TinyPretrainConfig) => void = () => {},
): Promise<string> {
  const base = new URL("../../fixtures/embedded/base-a.pretrain.json", import.meta.url);
  const config = JSON.parse(await Deno.readTextFile(base));
  Object.assign(config, { name: "tiny" });
  Object.assign(config.model, {
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: TINY_VOCAB,
    eos_token_id: TINY_VOCAB - 1,
  });
  Object.assign(config.tokenizer, { vocabSize: TINY_VOCAB, documents: 30 });
  Object.assign(config.training, { steps: 4, documentsPerStep: 4, microBatch: 2, warmupSteps: 1 });
  change(config);
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

/** What tests change in a config. */
export interface TinyPretrainConfig {
  readonly model: Record<string, unknown>;
  readonly tokenizer: Record<string, unknown>;
  readonly training: Record<string, unknown>;
}

/** A command's exit code and what it wrote. */
export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Runs a command on a terminal in memory whose clock goes on by a second at each look. */
export async function runOn<const S extends Flags>(
  command: Command<S>,
  args: readonly string[],
  options: {
    /** Ctrl-C is pressed when this text first shows up on standard error. @default {never} */
    readonly interruptAt?: string;
    /** Called when a text first shows up on standard error. @default {nothing} */
    readonly whenShown?: { readonly text: string; readonly act: () => void };
  } = {},
): Promise<Ended> {
  const screen = fakeTerminal(args, { interactive: true, columns: 400 });
  const { interruptAt, whenShown } = options;
  let waiting = [
    ...(interruptAt === undefined ? [] : [{ text: interruptAt, act: () => screen.interrupt() }]),
    ...(whenShown === undefined ? [] : [whenShown]),
  ];
  let clockMs = 0;
  const terminal: FakeTerminal = {
    ...screen,
    now: () => clockMs += 1000,
    error(text) {
      screen.error(text);
      const due = waiting.filter((entry) => text.includes(entry.text));
      waiting = waiting.filter((entry) => !due.includes(entry));
      due.forEach((entry) => entry.act());
    },
  };
  const code = await runCommand(command, terminal);
  return { code, ...screen.written };
}

/** Names of everything below a folder, sorted. */
export function namesBelow(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${prefix}`)].flatMap((entry) =>
    entry.isDirectory
      ? [`${prefix}${entry.name}/`, ...namesBelow(folder, `${prefix}${entry.name}/`)]
      : [`${prefix}${entry.name}`]
  ).sort();
}

/** The only line that bad input leaves on standard error. */
export function faultLine(ended: Ended): string {
  const lines = ended.error.trimEnd().split("\n");
  if (ended.code !== 2 || lines.length !== 1 || ended.output !== "") {
    throw new Error(`expected one line and exit 2, got ${ended.code}: ${ended.error}${ended.output}`);
  }
  return lines[0] as string;
}
