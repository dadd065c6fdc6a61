import { type ChatTokenizer, checkFinite } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { LanguageModel, type OpenOptions, positionsText, promptTokens } from "../../lib/decode/mod.ts";
import { type PromptTemplate, questionPrompt } from "../../lib/problems/mod.ts";

/** Reading all weights of a larger model would take longer than finding out. */
const FINITE_CHECK_BYTES = 2 ** 30;

/** Throws an InputError unless a template is for a model. */
export async function checkTemplate(model: LanguageModel, template: PromptTemplate): Promise<void> {
  const chat = (await model.tokenizer()).hasChatTemplate;
  if (questionPrompt("", { template, chat, bos: "" }) !== null) return;
  throw new InputError(`the model's tokenizer has ${chat ? "a" : "no"} chat template`, {
    where: model.checkpoint.folder,
    repair: chat ? `"${template}" is for models without one` : "use a model that answers in a conversation",
  });
}

/**
 * Opens a model that answers questions put by a template: on a device that runs it, whole, finite, with a tokenizer
 * and a token that ends a text. Where the template is null, {@link checkTemplate} is yet to come.
 *
 * `@default {template: "embedded", runs: true}`
 */
export async function openModel(
  folder: string,
  options: OpenOptions & {
    readonly template?: PromptTemplate | null;
    /** Whether it will run; a plan only looks at it, where there may be no such device. */
    readonly runs?: boolean;
  },
): Promise<LanguageModel> {
  const { template = "embedded", runs = true, ...opening } = options;
  const model = await LanguageModel.open(folder, opening);
  if (runs) await model.checkDevice();
  const { weights } = model.checkpoint;
  const bytes = [...weights.values()].reduce((sum, entry) => sum + entry.length, 0);
  if (runs && bytes < FINITE_CHECK_BYTES) await checkFinite(model.checkpoint);
  if (template !== null) await checkTemplate(model, template);
  if (model.config.eosTokenIds.length === 0) {
    throw new InputError("the model has no token that ends a text", {
      where: `${model.checkpoint.folder}/config.json`,
      repair: 'set "eos_token_id"',
    });
  }
  return model;
}

/** Tokens of the longest prompt, the start of the answer included. */
export function longestPrompt(
  problems: readonly { readonly question: string }[],
  options: {
    readonly tokenizer: ChatTokenizer;
    /** `@default` the template's */
    readonly system?: string;
    /** `@default ""` */
    readonly answerPrefix?: string;
    /** `@default "embedded"` */
    readonly template?: PromptTemplate;
  },
): number {
  const { tokenizer, answerPrefix = "", template = "embedded" } = options;
  const asking = options.system === undefined ? {} : { system: options.system };
  const lengths = problems.map(({ question }) =>
    promptTokens(tokenizer, question, { template, ...asking }).length
  );
  return lengths.reduce((most, length) => Math.max(most, length), 0) + tokenizer.encode(answerPrefix).length;
}

/** Throws an InputError unless the longest prompt and what is generated after it fit the model's positions. */
export function checkRoom(
  problems: readonly { readonly question: string }[],
  options: Parameters<typeof longestPrompt>[1] & {
    readonly model: LanguageModel;
    readonly maxNewTokens: number;
  },
): void {
  const { maxNewTokens, model } = options, { maxPositions } = model.config;
  const longest = longestPrompt(problems, options), room = maxPositions - longest;
  if (maxNewTokens >= 1 && maxNewTokens <= room) return;
  throw new InputError(
    `prompts of ${longest} tokens and ${Math.max(maxNewTokens, 1)} new ones do not fit the model's ${
      positionsText(model.config)
    }`,
    { repair: room >= 1 ? `--max-new-tokens may be ${room} at most` : "use a model that reads longer texts" },
  );
}
