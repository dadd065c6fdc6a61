import type { SegmentRange, TextSegment } from "../analysis/mod.ts";
import type { ChatTokenizer } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { promptTokens } from "../decode/mod.ts";
import { type PromptTemplate, questionPrompt } from "../problems/mod.ts";

/**
 * Which tokens of a prompt are what the system message says, the question, and the template around them; what a chat
 * template says of itself is of the template. A token belongs to the segment in which its first character stands. Ranges follow each other and cover the prompt.
 *
 * Source: the published figure's lines at the ends of the system message and of the question (class: code); there the
 * ends of turns count to what is before them, here to the template.
 *
 * @throws InputError for a tokenizer without a chat template, and when the prompt does not say the two texts.
 */
export function promptSegments(
  tokenizer: ChatTokenizer,
  question: string,
  options: { readonly template: PromptTemplate },
): readonly SegmentRange[] {
  const { template } = options, chat = tokenizer.hasChatTemplate;
  const tokens = promptTokens(tokenizer, question, options), text = tokenizer.decode(tokens);
  const prompt = questionPrompt(question, { template, chat, bos: "" });
  const said = prompt?.kind === "conversation" ? prompt.messages : [];
  const system = said.find(({ role }) => role === "system")?.content ?? "";
  const systemAt = text.indexOf(system), questionAt = text.indexOf(question, systemAt + system.length);
  if (systemAt < 0 || questionAt < 0) {
    throw new InputError("the prompt does not say the system message and then the question", {
      repair: "use a model whose chat template writes both as they are",
    });
  }
  const segmentAt = (character: number): TextSegment =>
    character >= systemAt && character < systemAt + system.length
      ? "system"
      : character >= questionAt && character < questionAt + question.length
      ? "question"
      : "template";
  const ranges: SegmentRange[] = [];
  tokens.forEach((_, position) => {
    const segment = segmentAt(tokenizer.decode(tokens.slice(0, position)).length), last = ranges.at(-1);
    if (last?.segment === segment) ranges[ranges.length - 1] = { ...last, to: position + 1 };
    else ranges.push({ segment, from: position, to: position + 1 });
  });
  return ranges;
}
