import { type ChatTokenizer, checkFinite } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import { LanguageModel, type OpenOptions } from "../lib/decode/mod.ts";
import { answerMessages, type Problem } from "../lib/problems/mod.ts";

/** Reading all weights of a larger model would take longer than finding out. */
const FINITE_CHECK_BYTES = 2 ** 30;

/** Opens a model that answers questions: on a device that runs it, whole, finite, with a tokenizer and a token that ends a text. */
export async function openModel(folder: string, options: OpenOptions): Promise<LanguageModel> {
  const model = await LanguageModel.open(folder, options);
  await model.checkDevice();
  const { weights } = model.checkpoint;
  const bytes = [...weights.values()].reduce((sum, entry) => sum + entry.length, 0);
  if (bytes < FINITE_CHECK_BYTES) await checkFinite(model.checkpoint);
  if (!(await model.tokenizer()).hasChatTemplate) {
    throw new InputError("the model's tokenizer has no chat template", {
      where: folder,
      repair: "use a model that answers in a conversation",
    });
  }
  if (model.config.eosTokenIds.length === 0) {
    throw new InputError("the model has no token that ends a text", {
      where: `${folder}/config.json`,
      repair: 'set "eos_token_id"',
    });
  }
  return model;
}

/** Throws an InputError unless the longest prompt and what is generated after it fit the model's positions. */
export function checkRoom(
  problems: readonly Problem[],
  options: {
    readonly model: LanguageModel;
    readonly tokenizer: ChatTokenizer;
    readonly maxNewTokens: number;
    /** `@default ""` */
    readonly answerPrefix?: string;
  },
): void {
  const { tokenizer, maxNewTokens, answerPrefix = "" } = options;
  const { maxPositions } = options.model.config;
  const longest = Math.max(
    ...problems.map(({ question }) => tokenizer.encodeChat(answerMessages(question)).length),
  ) + tokenizer.encode(answerPrefix).length;
  if (longest + maxNewTokens <= maxPositions) return;
  const room = maxPositions - longest;
  throw new InputError(
    `prompts of ${longest} tokens and ${maxNewTokens} new ones do not fit the model's ${maxPositions} positions`,
    { repair: room >= 1 ? `--max-new-tokens may be ${room} at most` : "use a model that reads longer texts" },
  );
}
