import { spellingOf } from "./_answer_tokens.ts";
import { isFunctionName } from "./_function_names.ts";
import type { Token } from "./_token_scanner.ts";

/** A name before an equals sign. */
export interface Label {
  readonly name: string;
  /** Whether it names one thing: a letter, a function, a point, length or tuple of letters, or words. */
  readonly pure: boolean;
}

/** Commands that stand for operations, so that a run with one of them names nothing. */
const OPERATIONS = /^(?:frac|sqrt|surd|cbrt|qdrt|binom|infty|sum|int|prod|lim|mod|pi|mathbb\{[RZNQC]\})$/;

/** Whether a run is made of names alone: no operation, and no number outside of subscripts and arguments. */
function isOfNames(tokens: readonly Token[]): boolean {
  let depth = 0, hasName = false;
  // The sine of a number is a number, and no name for what it equals.
  const isFunction = tokens.some(({ kind, text }) => kind === "command" && isFunctionName(text));
  if (isFunction && tokens.some(({ kind, text }) => kind === "number" || /^[-+*]$/.test(text))) return false;
  for (const [place, { kind, text }] of tokens.entries()) {
    const before = tokens[place - 1];
    if (kind === "open") {
      const isArgument = before?.kind === "letter" || before?.kind === "command" || before?.text === "_";
      depth += isArgument || depth > 0 ? 1 : 0;
    } else if (kind === "close") depth = Math.max(0, depth - 1);
    else if (kind === "number") {
      if (depth === 0 && before?.text !== "_") return false;
    } else if (kind === "command") {
      if (OPERATIONS.test(text)) return false;
      hasName = true;
    } else if (kind === "mark") {
      const isNameMark = /^['_|:,/‖∪∩]$/.test(text) ||
        (text === "^" && /^['{]$/.test(tokens[place + 1]?.text ?? ""));
      if (depth === 0 && !isNameMark) return false;
    } else if (kind === "begin" || kind === "end") return false;
    else hasName = true;
  }
  return hasName;
}

/** Whether a run of names names one thing. */
function isPure(tokens: readonly Token[]): boolean {
  const bare = tokens.filter(({ text, kind }) =>
    kind !== "mark" && kind !== "open" && kind !== "close" && text !== ""
  );
  if (tokens.some(({ text }) => text === "/")) return false;
  if (bare.some(({ kind }) => kind === "text") || tokens[0]?.kind === "open") return true;
  if (/^(?:\||‖|⟨\|)$/.test(tokens[0]?.text ?? "")) return true;
  const heads: Token[] = [];
  let depth = 0;
  for (const [place, token] of tokens.entries()) {
    if (token.kind === "open") depth++;
    else if (token.kind === "close") depth--;
    else if (depth === 0 && token.kind !== "mark" && tokens[place - 1]?.text !== "_") heads.push(token);
  }
  if (heads.length === 1) {
    const [{ kind, text }] = heads as [Token];
    return kind !== "word" || /^[A-Z]{2,3}$/.test(text) || /^[A-Za-z][a-z]{3,}$/.test(text);
  }
  return heads.some(({ kind, text }) =>
    (kind === "command" && /^(?:angle|triangle|overline|operatorname)$/.test(text)) ||
    kind === "word" && text.length > 3
  ) || tokens.some(({ text }) => text === ":");
}

function isUnevaluated(run: readonly Token[]): boolean {
  const [first, open, ...rest] = run;
  if (first?.kind !== "command") return false;
  if (/^(?:sum|int|prod|lim)$/.test(first.text)) return true;
  if (first.text !== "frac" || open?.text !== "{") return false;
  const bottom = rest.findIndex(({ text }, place) => text === "}" && rest[place + 1]?.text === "{");
  return [rest[0], rest[bottom + 2]].every((token) => /^(?:d[a-zA-Z]?|partial)$/.test(token?.text ?? ""));
}

/** The name that a run of tokens is; null where it is an expression, or nothing. */
export function labelOf(tokens: readonly Token[], [from, to]: readonly [number, number]): Label | null {
  const run = tokens.slice(from, to);
  if (run.length === 0 || run.length > 40) return null;
  // A derivative, sum, integral or limit stands for what it equals.
  if (isUnevaluated(run)) return { name: spellingOf(run), pure: true };
  if (!isOfNames(run)) return null;
  const bare = run.filter(({ kind, text }) =>
    text !== "{" && text !== "}" && text !== "|" && kind !== "open" && kind !== "close" && text !== "overline"
  );
  const hasBrackets = run.some(({ text }) => text === "(");
  return {
    name: spellingOf(hasBrackets ? run.filter(({ text }) => text !== "{" && text !== "}") : bare),
    pure: isPure(run),
  };
}
