import type { AnswerForm } from "./_answer_form.ts";
import { answerTokens, commaReadings, spellingOf } from "./_answer_tokens.ts";
import type { Token } from "./_token_scanner.ts";
import { FormReader } from "./_form_reader.ts";
import { closingPlaces } from "./_token_run.ts";

/** Characters of an answer that are read at all; the longest gold answers of the benchmarks have about 200. */
const ANSWER_CHARACTERS = 1000;

/** Brackets within brackets that are read at all. */
const ANSWER_DEPTH = 24;

/** What was read of an answer. */
export interface ReadAnswer {
  /** The text in one spelling. */
  readonly text: string;
  /** Null when it is no mathematics that can be read; then only equal text is equal. */
  readonly form: AnswerForm | null;
  /** Other things that the text may say: `1,000` is a number, or two. */
  readonly others: readonly AnswerForm[];
  /** Whether the text is longer or deeper than what is read. */
  readonly beyond: boolean;
}

/** `]a, b[`: brackets turned outwards are those of open ends. */
function withoutTurnedBrackets(tokens: readonly Token[]): readonly Token[] {
  const depth = tokens.reduce((sum, { text }) => sum + (text === "[" ? 1 : text === "]" ? -1 : 0), 0);
  const [first] = tokens, last = tokens.at(-1), isTurned = first?.text === "]" || last?.text === "[";
  if (!isTurned || (depth === 0 && first?.text === "[")) return tokens;
  return tokens.map((token, place): Token =>
    place === 0 && token.text === "]"
      ? { ...token, kind: "open", text: "(" }
      : place === tokens.length - 1 && token.text === "["
      ? { ...token, kind: "close", text: ")" }
      : token
  );
}

/** The form of tokens that pair their brackets. */
function formOf(tokens: readonly Token[], lettersAreUnits: boolean): AnswerForm | null {
  const closes = closingPlaces(tokens, ANSWER_DEPTH);
  return closes === null ? null : new FormReader(tokens, closes, lettersAreUnits).list([0, tokens.length]);
}

/** Reads an answer as far as its form goes; never throws, and reads a bounded number of forms. */
export function readAnswer(raw: string, options: { readonly lettersAreUnits?: boolean } = {}): ReadAnswer {
  const { lettersAreUnits = false } = options;
  if (raw.length > ANSWER_CHARACTERS) return { text: raw, form: null, others: [], beyond: true };
  const forms: AnswerForm[] = [];
  let text = "", isUsual = true, beyond = false;
  for (const commas of commaReadings(raw)) {
    const found = answerTokens(raw, commas);
    if (found === null) return { text: raw, form: null, others: [], beyond: true };
    const tokens = withoutTurnedBrackets(found), form = formOf(tokens, lettersAreUnits);
    if (isUsual) text = spellingOf(trimmed(tokens));
    if (isUsual && depthOf(tokens) > ANSWER_DEPTH) beyond = true;
    if (form !== null) forms.push(form);
    isUsual = false;
  }
  return { text, form: forms[0] ?? null, others: forms.slice(1), beyond };
}

function depthOf(tokens: readonly Token[]): number {
  let depth = 0, deepest = 0;
  for (const { kind } of tokens) {
    if (kind === "open" || kind === "begin") deepest = Math.max(deepest, ++depth);
    else if (kind === "close" || kind === "end") depth--;
  }
  return deepest;
}

/** Tokens without a mark of a sentence at the end. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  let to = tokens.length;
  while (to > 0 && tokens[to - 1]?.kind === "mark" && /^[.,;:?]$/.test(tokens[to - 1]?.text ?? "")) to--;
  return tokens.slice(0, to);
}
