import { InputError } from "../core/mod.ts";
import { promptTokens } from "../decode/mod.ts";
import type { PromptTemplate } from "../problems/mod.ts";
import type { StudyProblem } from "./study_problems.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Tokens of a model's prompts, by system message and question, in one template. */
export type PromptLengths = WeakMap<ZooModel, Map<string, number>>;

/** Throws an InputError unless every prompt and an answer behind it fit a model's positions. */
export function checkPromptRoom(
  zoo: ZooModel,
  asked: {
    readonly problems: readonly StudyProblem[];
    readonly prefix?: string;
    readonly system?: string | undefined;
    readonly template: PromptTemplate;
    readonly maxNewTokens: number;
    /** Prompts that were measured before, and are now. */
    readonly known: PromptLengths;
  },
): void {
  const { tokenizer, model: { config: { maxPositions } } } = zoo;
  const { prefix = "", system, template, maxNewTokens, known } = asked;
  const lengths = known.get(zoo) ?? new Map<string, number>();
  known.set(zoo, lengths);
  const prompts = asked.problems.map(({ question }) => {
    const key = JSON.stringify([system, question]);
    const length = lengths.get(key) ??
      promptTokens(tokenizer, question, { template, ...(system === undefined ? {} : { system }) }).length;
    lengths.set(key, length);
    return length;
  });
  const longest = Math.max(...prompts) + (prefix === "" ? 0 : tokenizer.encode(prefix).length);
  if (longest + maxNewTokens <= maxPositions) return;
  throw new InputError(
    `prompts of ${longest} tokens and ${maxNewTokens} new ones do not fit the model's ${maxPositions} positions`,
    { where: zoo.entry.modelFolder, repair: "use a model that reads longer texts" },
  );
}
