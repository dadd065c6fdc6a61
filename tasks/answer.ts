import { InputError } from "../lib/core/mod.ts";
import { promptTokens, scaleVectors, sumVectors } from "../lib/decode/mod.ts";
import { parseLastBlockPatch } from "../lib/probe/mod.ts";
import {
  answerModeOf,
  graderNamed,
  PROBLEM_SETS,
  PROMPT_TEMPLATES,
  type PromptTemplate,
} from "../lib/problems/mod.ts";
import { loadVectors } from "../lib/vectors/mod.ts";
import { NOT_NEGATIVE, wholeNumber } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { COMPUTE_FLAGS, computeOptions, MODEL_FLAG, tellNotices } from "./command/compute_flags.ts";
import { checkRoom, openModel } from "./model/model_input.ts";

const USUAL = PROBLEM_SETS.embedded;

/** `FILE` or `FILE*FACTOR`. */
function scaledFile(text: string): { readonly path: string; readonly factor: number } {
  const [, path = text, factor = "1"] = /^(.+)\*([^*/]*)$/.exec(text) ?? [];
  if (factor.trim() !== "" && Number.isFinite(Number(factor))) return { path, factor: Number(factor) };
  throw new InputError(`"${factor}" is no factor`, {
    where: `--vectors ${text}`,
    repair: `write ${path}*0.5`,
  });
}

/** One answer of a model. */
export const answer = defineCommand({
  name: "answer",
  summary: "Asks a model one question, with or without steering vectors, and prints what it says.",
  positionals: { metavar: "QUESTION", help: "What to ask", least: 1, most: 1 },
  flags: {
    model: MODEL_FLAG,
    vectors: {
      kind: "list",
      metavar: "FILE*X",
      help: "Steering vectors to add, several files as their sum; *X is a factor, 1 without it",
    },
    patch: {
      kind: "string",
      metavar: "MODE",
      help: "What of the last block sees the vector before it: v:1, inverse-v:1, head:3/mlp, skip-attn, ...",
    },
    template: {
      kind: "string",
      choices: PROMPT_TEMPLATES as readonly [PromptTemplate, ...PromptTemplate[]],
      default: USUAL.template,
      help: "How the question is put",
    },
    prefix: { kind: "string", default: "", metavar: "TEXT", help: "Text put at the start of the answer" },
    temperature: { kind: "number", default: 1, metavar: "T", check: NOT_NEGATIVE, help: "0 is greedy" },
    seed: { kind: "number", default: 0, metavar: "N", check: wholeNumber(0), help: "Seed of the draws" },
    gold: { kind: "string", metavar: "TEXT", help: "The right answer: says whether the model's is" },
    "max-new-tokens": {
      kind: "number",
      default: USUAL.maxNewTokens,
      metavar: "N",
      check: wholeNumber(1),
      help: "Most tokens of the answer",
    },
    tokens: { kind: "boolean", help: "Also print the token ids" },
    ...COMPUTE_FLAGS,
  },
  examples: [
    [
      'deno task answer "If 3n + 32 = 47, what is n?" --model fixtures/embedded/base-a --seed 3',
      "What the base model says",
    ],
    [
      'deno task answer "If 3n + 32 = 47, what is n?" --model fixtures/embedded/base-a --seed 3 --gold 5 ' +
      "--vectors 'fixtures/embedded/vectors/base-a/all.seed-0.safetensors*0.5'",
      "The same with half of the vectors of all layers, graded",
    ],
  ],
  async run({ flags, positionals: [question = ""], terminal, print }) {
    const { template, prefix, patch, temperature, seed, gold, "max-new-tokens": maxNewTokens } = flags;
    const files = flags.vectors.map(scaledFile);
    const model = await openModel(flags.model, { ...computeOptions(flags, terminal), template });
    try {
      tellNotices(model, { verbose: flags.verbose, terminal });
      const { config } = model, sets = [];
      for (const { path, factor } of files) {
        const { vectors, place } = await loadVectors(path, config);
        if (place !== "mlp") {
          throw new InputError(`these vectors belong to the place "${place}"`, {
            where: path,
            repair: "deno task evaluate adds vectors of any place",
          });
        }
        sets.push(scaleVectors(vectors, factor));
      }
      const steer = sumVectors(sets), routed = config.layers - 2;
      const lastBlock = patch === undefined ? null : parseLastBlockPatch(patch, { config, where: "--patch" });
      if (lastBlock !== null && !steer.has(routed)) {
        throw new InputError(`--patch routes the vector of layer ${routed}, and there is none`, {
          repair: `give --vectors with one for layer ${routed}`,
        });
      }
      const tokenizer = await model.tokenizer();
      checkRoom([{ question }], { tokenizer, answerPrefix: prefix, template, model, maxNewTokens });
      const tokens = [
        ...promptTokens(tokenizer, question, { template }),
        ...prefix === "" ? [] : tokenizer.encode(prefix),
      ];
      const sampling = { maxNewTokens, temperature, seed, steer, lastBlock };
      const [rollout] = await model.generate([{ tokens, prompt: 0, sample: 0 }], sampling);
      const { tokens: drawn = [], finished = false } = rollout ?? {};
      const text = prefix + tokenizer.decode(finished ? drawn.slice(0, -1) : drawn);
      print(text);
      if (flags.tokens) print(`tokens: ${drawn.join(" ")}`);
      if (!finished) terminal.error(`note: cut off after ${maxNewTokens} tokens\n`);
      if (gold === undefined) return;
      const grader = template === USUAL.template ? USUAL.grader : "box";
      const { correct, reason } = graderNamed(grader, { mode: answerModeOf(template) }).grade(text, gold);
      print(correct ? "right" : `wrong: ${reason}`);
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(answer);
