import wrapAnsi from "wrap-ansi";
import type { SampleLine } from "../../lib/problems/mod.ts";

/**
 * What would move the cursor, colour the screen or turn the direction of the text around, were it written as it is:
 * control characters but for line breaks and tabs, and the marks of directions.
 */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/**
 * A text as a screen may show it: what would act on the screen is spelled out, as `\u{1b}`. Line ends of other systems
 * are line ends.
 */
function visibleText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(
    UNSEEN,
    (letter) => `\\u{${(letter.codePointAt(0) as number).toString(16)}}`,
  );
}

/** The colours of a screen, by what they say. */
const COLOURS = { right: "\x1b[1;32m", wrong: "\x1b[1;31m", beside: "\x1b[2m" } as const;

/** The lines that show a sample. */
export function sampleLines(
  sample: SampleLine,
  options: {
    /** Where lines break; null where they do not. */
    readonly columns: number | null;
    readonly colours: boolean;
  },
): string[] {
  const { columns, colours } = options;
  const lines: string[] = [];
  const add = (text: string, style?: keyof typeof COLOURS): void => {
    const visible = visibleText(text);
    const wrapped = columns === null ? visible : wrapAnsi(visible, columns, { hard: true, trim: false });
    for (const line of wrapped.split("\n")) {
      lines.push(colours && style !== undefined && line !== "" ? `${COLOURS[style]}${line}\x1b[0m` : line);
    }
  };
  const { correct, reason, answer, gold, grader, version } = sample;
  const condition = sample.condition === null ? "" : `, ${sample.condition}`;
  add(`${sample.problem}${condition}, seed ${sample.seed}, sample ${sample.sample}`);
  const why = reason === null ? "" : `, ${reason}`;
  const said = answer === null ? "no answer" : `answer ${answer.trim()}`;
  add(`${correct ? "right" : "wrong"}${why}: ${said}, gold ${gold}`, correct ? "right" : "wrong");
  const end = sample.finish === "end" ? "ended by itself" : "cut off";
  const judge = grader === null ? "" : `, graded by ${grader}${version === null ? "" : ` ${version}`}`;
  add(`${sample.tokens.length} tokens, ${end}${judge}, prompt ${sample.promptHash.slice(0, 12)}`, "beside");
  add("");
  add(sample.question, "beside");
  add("");
  add(sample.text);
  return lines;
}
