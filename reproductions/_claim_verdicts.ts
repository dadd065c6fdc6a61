import { type ClaimResult, jointVerdict } from "../lib/report/mod.ts";
import type { ClaimSource } from "./_paper_claims.ts";

/** What an item says of claims, or why it says nothing. */
export type StatedClaims = { readonly claims: readonly ClaimResult[] } | { readonly absent: string };

/** One part of a claim: what an item claims, or that it said nothing. */
export interface ClaimPart {
  readonly item: string;
  readonly result: ClaimResult | null;
  /** Why there is no result. */
  readonly absent: string | null;
}

/** How verdicts are said; a verdict's number is its place. */
export const VERDICTS = [
  "does not hold",
  "holds",
  "open",
  "cannot be read",
  "not measured",
  "not built",
] as const;

/** One of the words. */
export type VerdictWord = typeof VERDICTS[number];

/** A claim as measured on one model, or on planted evidence. */
export interface ClaimVerdict {
  readonly holds: boolean | null;
  readonly word: VerdictWord;
  readonly parts: readonly ClaimPart[];
  /** The part that decides: the first that fails, else the first that is open, else the first. */
  readonly deciding: ClaimPart;
}

/** The parts of a claim that one item states; `asked` names them, all by default. */
export function partsOf(
  source: ClaimSource,
  outcome: StatedClaims,
  asked: readonly string[] | undefined,
): readonly ClaimPart[] {
  const { item } = source;
  if ("absent" in outcome) return [{ item, result: null, absent: outcome.absent }];
  const names = asked ?? outcome.claims.map(({ claim }) => claim);
  return names.map((name): ClaimPart => {
    const result = outcome.claims.find(({ claim }) => claim === name);
    if (result === undefined) {
      const known = outcome.claims.map(({ claim }) => claim).join(", ");
      throw new RangeError(`Cannot read claim "${name}" of ${item} as it must be one of ${known}`);
    }
    return { item, result, absent: null };
  });
}

/** A part's verdict in a word. */
export function wordOf({ result, absent }: ClaimPart): VerdictWord {
  if (result === null) return absent === "not built" ? absent : "not measured";
  if (result.unreadable !== undefined) return "cannot be read";
  return result.holds === null ? "open" : result.holds ? "holds" : "does not hold";
}

/** The verdict on a claim of several parts: what cannot be read anywhere decides nothing. */
export function verdictOf(parts: readonly ClaimPart[]): ClaimVerdict {
  const words = parts.map(wordOf), unread = words.indexOf("cannot be read");
  const holds = unread >= 0 ? null : jointVerdict(parts.map(({ result }) => result?.holds ?? null));
  const first = unread >= 0 ? unread : parts.findIndex(({ result }) => (result?.holds ?? null) === holds);
  const missing = words.find((word) => word === "not built") ?? words.find((word) => word === "not measured");
  const word = holds !== null
    ? (holds ? "holds" : "does not hold")
    : unread >= 0
    ? "cannot be read"
    : missing ?? "open";
  return { holds, word, parts, deciding: parts[first] as ClaimPart };
}
