import { z } from "zod";
import { InputError } from "../../lib/core/mod.ts";
import { LanguageModel, type OpenOptions, promptTokens } from "../../lib/decode/mod.ts";
import { parameterCount, type Rates, type StudyProblems } from "../../lib/experiment/mod.ts";
import { POSITIVE } from "../command/checks.ts";
import { readConfigFile } from "../command/config_file.ts";

/** The flag that names a file of rates. */
export const RATES_FLAG = {
  kind: "string",
  metavar: "FILE",
  help:
    "Rates to estimate with, as docs/cluster.md has them; without it a probe of at most a minute measures them here",
} as const;

const positive = POSITIVE as z.ZodType<number>;
const RATES = z.strictObject({
  source: z.string().min(1),
  device: z.enum(["cpu", "cuda"]),
  parameters: positive,
  generatedTokensPerSecond: positive,
  gradientTokensPerSecond: positive,
  promptTokens: positive,
  answerTokens: positive,
});

/** Rates of a file. Throws an InputError for what is missing, unknown or not above 0. */
export async function readRates(path: string): Promise<Rates> {
  const parsed = RATES.safeParse(await readConfigFile(path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(`bad rates at ${issue?.path.join(".") || "its top"}, ${issue?.message}`, {
    where: path,
  });
}

/** Most new tokens of a probed answer, and rows of the smallest and largest batch: a minute has to do. */
const NEW_TOKENS = 128;
const ROWS = { least: 8, most: 64 } as const;
/** Batches double until one takes so long. */
const LONG_ENOUGH_MS = 4000;
/** What an answer of the smallest batch may take, by the rate of one row. */
const ANSWER_MS = 15_000;
/** Tokens of the first answers, the very first of which makes the sessions. */
const FIRST_TOKENS = 8;
/** Where fewer answers came to their end, their length is not known. */
const MOSTLY = 0.9;

/**
 * Measures rates on a model of a study: its own prompts, answers at temperature 1, and the adjoints of a vector in every
 * layer along them. A slow machine is asked for shorter answers.
 */
export async function probeRates(
  folder: string,
  options: {
    readonly compute: OpenOptions;
    readonly asked: StudyProblems;
    readonly maxNewTokens: number;
    readonly now: () => number;
    readonly signal: AbortSignal;
  },
): Promise<Rates> {
  const { asked, compute, now, signal } = options, { device = "cpu" } = compute;
  const model = await LanguageModel.open(folder, compute);
  try {
    const tokenizer = await model.tokenizer(), { config } = model;
    const problems = asked.sets.flatMap(({ first }) => first(ROWS.most));
    const prompts = problems.map(({ question }) => promptTokens(tokenizer, question, asked));
    const steer = new Map(
      Array.from({ length: config.layers }, (_, layer) => [layer, new Float32Array(config.embed)] as const),
    );
    const measured = async (rows: number, maxNewTokens: number) => {
      signal.throwIfAborted();
      const requests = Array.from({ length: rows }, (_, prompt) => ({
        tokens: prompts[prompt % prompts.length] as readonly number[],
        prompt,
        sample: 0,
      }));
      const start = now(), answers = await model.generate(requests, { maxNewTokens, seed: 0 });
      const between = now();
      const texts = answers.map(({ promptTokens: asked, tokens }) => ({
        tokens: [...asked, ...tokens],
        from: asked.length,
        weight: 1e-5,
      }));
      signal.throwIfAborted();
      await model.steeringAdjoint(texts, { steer });
      return {
        generateMs: between - start,
        gradientMs: now() - between,
        generated: answers.reduce((sum, { tokens }) => sum + tokens.length, 0),
        gradient: texts.reduce((sum, { tokens }) => sum + tokens.length, 0),
        ended: answers.filter(({ finished }) => finished).length / rows,
      };
    };
    await measured(1, FIRST_TOKENS);
    const first = await measured(1, FIRST_TOKENS), tokenMs = first.generateMs / first.generated;
    const longest = Math.ceil(
      Math.min(options.maxNewTokens, NEW_TOKENS, Math.max(FIRST_TOKENS, ANSWER_MS / tokenMs)),
    );
    let rows: number = ROWS.least, found = await measured(rows, longest);
    while (rows < ROWS.most && found.generateMs + found.gradientMs < LONG_ENOUGH_MS) {
      found = await measured(rows *= 2, longest);
    }
    const cut = longest < options.maxNewTokens && found.ended < MOSTLY;
    return {
      source: `measured here, ${rows} rows of ${folder}${
        cut ? ", answers counted at their full length" : ""
      }`,
      device,
      parameters: parameterCount(config),
      generatedTokensPerSecond: 1000 * found.generated / found.generateMs,
      gradientTokensPerSecond: 1000 * found.gradient / found.gradientMs,
      promptTokens: prompts.reduce((sum, { length }) => sum + length, 0) / prompts.length,
      answerTokens: cut ? options.maxNewTokens : found.generated / rows,
    };
  } finally {
    await model.release();
  }
}
