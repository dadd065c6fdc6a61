import { closingBrace } from "./_closing_brace.ts";

/** A box of a completion. */
export interface Box {
  /** Where its command begins. */
  readonly from: number;
  /** Where its closing brace stands; null where it never closes. */
  readonly to: number | null;
  /** What it holds; null where it never closes. */
  readonly text: string | null;
}

/** What makes of `\boxed` without a brace a mere name: a word, a mark of the sentence, or the end. */
const NAMED_ONLY = /^(?:$|[\p{L}.,;:!?"'`)\]$*])/u;

/** The box of the command at a place; null where the command is only named. */
function boxAt(completion: string, [from, afterName]: readonly [number, number]): Box | null {
  let open = afterName;
  while (/\s/.test(completion[open] ?? "")) open++;
  if (completion[open] !== "{") {
    return NAMED_ONLY.test(completion[open] ?? "") ? null : { from, to: null, text: null };
  }
  const close = closingBrace(completion, open);
  return close < 0
    ? { from, to: null, text: null }
    : { from, to: close, text: completion.slice(open + 1, close) };
}

/** The last box of a command that begins before a place; null without one. */
function boxBefore(completion: string, end: number, command: string): Box | null {
  for (
    let from = completion.lastIndexOf(command, end);
    from >= 0;
    from = completion.lastIndexOf(command, from - 1)
  ) {
    const afterName = from + command.length, letter = completion.charCodeAt(afterName) | 32;
    const box = letter >= 97 && letter <= 122 ? null : boxAt(completion, [from, afterName]);
    if (box !== null || from === 0) return box;
  }
  return null;
}

/** Boxes that are one answer together. */
const BOX_LIMIT = 40;

const CONNECTION_CHARACTERS = 80;

/** Nothing but what joins two answers: marks, "and", "or", ends of formulas, and the name of the next value. */
const CONNECTION =
  /^(?:\s|\$|\\[()[\],;:!]|\\q?quad|~|[,;&]|\band\b|\bor\b|\\(?:text|mbox)\{\s*(?:,\s*)?(?:and|or)\s*\}|\b[A-Za-z](?:_\{?\d\}?)?\s*=)*$/;

/** Whether the last answers are those of both boxes, by the text between them. */
type Joins = (between: string, texts: readonly [string, string]) => boolean;

/** Two boxes give one answer together where nothing but a connection stands between them. */
const byConnection: Joins = (between) => between.length < CONNECTION_CHARACTERS && CONNECTION.test(between);

/** As math-verify joins boxes: close together, or within 70 characters with a comma, "and" or "or" between. */
export const byDistance: Joins = (between, [first, second]) =>
  between.length < 10 || (between.length < 70 && first !== second && /\b(?:and|or)\b|[,;]/.test(between));

/**
 * The boxes whose answer a completion ends with: the last `\boxed` (without one, the last `\fbox`) and those before it
 * that it is joined to. A last box that never closes stands alone; without any box there is none.
 */
export function lastBoxes(completion: string, joins: Joins = byConnection): readonly Box[] {
  const boxed = lastOf(completion, "\\boxed", joins);
  return boxed.length > 0 ? boxed : lastOf(completion, "\\fbox", joins);
}

function lastOf(completion: string, command: string, joins: Joins): Box[] {
  const last = boxBefore(completion, completion.length, command);
  if (last === null) return [];
  const found = [last];
  while (found.length < BOX_LIMIT) {
    const next = found[0] as Box,
      box = next.from === 0 ? null : boxBefore(completion, next.from - 1, command);
    // A box around the next one holds it, and is not beside it.
    if (box === null || box.to === null || box.text === null || next.text === null || box.to > next.from) {
      break;
    }
    if (!joins(completion.slice(box.to + 1, next.from), [box.text.trim(), next.text.trim()])) break;
    if (box.text.trim() !== next.text.trim()) found.unshift(box);
    else found[0] = { ...next, from: box.from };
  }
  return found;
}

/** What boxes hold, as one list. */
export function boxText(boxes: readonly Box[]): string {
  return boxes.length === 1 ? boxes[0]?.text ?? "" : boxes.map(({ text }) => (text ?? "").trim()).join(", ");
}
