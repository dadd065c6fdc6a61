/** Answers of one kind: what is to be taken for a gold answer, and what is not. */
export interface AnswerKind {
  readonly name: string;
  /** Rows of a gold answer and what says the same, parted by ` | `. */
  readonly right: string;
  /** Rows of a gold answer and what does not say it. */
  readonly wrong: string;
}

/** Rows of gold answer and answer. */
export function rowsOf(text: string): (readonly [gold: string, answer: string])[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const [gold = "", answer = ""] = line.split(" | ");
    return [gold, answer];
  });
}
