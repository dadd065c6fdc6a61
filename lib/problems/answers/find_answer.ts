import { readAnswer } from "./_read_answer.ts";
import { boxText, byDistance, lastBoxes } from "./_box.ts";
import { formulaGroups, type Place } from "./_formula_groups.ts";
import { numberPlaces } from "./_number_places.ts";

/** Characters that may stand between "answer" and the answer. */
const NEAR = 50;

/** Characters that may stand between "final answer" and "is", or between "answer" and the last equals sign. */
const FAR = 100;

/** Characters of a completion that are searched, from its end; longer ones say their answer last. */
const SEARCHED = 20_000;

interface Candidate extends Place {
  /** How it is announced: the lower, the sooner it is taken. */
  readonly rank: number;
}

/** What announces nothing. */
const UNANNOUNCED = 300;

/** Where a phrase ends, for each time it stands in a text. */
function endsOf(text: string, phrase: RegExp): number[] {
  return [...text.matchAll(phrase)].map(({ index, 0: found }) => index + found.length);
}

/** Places of one kind, formulas or numbers, of which a phrase announces the nearest behind it. */
class Announced {
  readonly #ranks = new Map<Place, number>();

  constructor(private readonly text: string, private readonly places: readonly Place[]) {
    const isNumbers = places[0]?.isNumber === true;
    for (const end of endsOf(text, /final answer is:?\s*/gi)) {
      const place = this.#nearest(end - 1, 1);
      if (place !== null && /^\.?\s?I hope/.test(text.slice(place.to, place.to + 10))) {
        this.#announce(place, 0);
      }
    }
    for (const end of endsOf(text, /final answer/gi)) {
      for (const is of endsOf(text.slice(end, end + FAR + 6), /\sis:?\s*/g)) {
        const place = this.#nearest(end + is - 1, 1);
        if (place === null) continue;
        this.#announce(place, 50);
        break;
      }
    }
    for (const end of endsOf(text, /answer/gi)) {
      const isColon = text[end] === ":", from = isColon ? end + 1 : end;
      const place = (isNumbers ? this.#behindLastEquals(from) : null) ?? this.#nearest(from - 1, NEAR + 1);
      if (place !== null) this.#announce(place, isColon ? 100 : 200);
    }
  }

  /** The first place that begins behind `from`, at most `within` characters away; a number in the same line. */
  #nearest(from: number, within: number): Place | null {
    const found = this.places.find((place) => place.from >= from && this.#mayFollow(place, from));
    return found !== undefined && found.from <= from + within ? found : null;
  }

  #behindLastEquals(from: number): Place | null {
    const found = this.places.findLast((place) =>
      place.from > from && place.from <= from + FAR &&
      /=\s+$/.test(this.text.slice(Math.max(0, place.from - 8), place.from)) &&
      this.#mayFollow(place, from)
    );
    return found ?? null;
  }

  #mayFollow(place: Place, from: number): boolean {
    if (!place.isNumber) return true;
    return !this.text.slice(from + 1, place.from).includes("\n") &&
      !/^\s*=/.test(this.text.slice(place.to, place.to + 20));
  }

  /** Ranks a place and those that begin where it does, which are other readings of it. */
  #announce(place: Place, rank: number): void {
    for (const other of this.places) {
      if (other.from === place.from) {
        this.#ranks.set(other, Math.min(rank, this.#ranks.get(other) ?? UNANNOUNCED));
      }
    }
  }

  candidates(): Candidate[] {
    return this.places.map((place) => ({ ...place, rank: this.#ranks.get(place) ?? UNANNOUNCED }));
  }
}

/** Whether a text says anything as an answer. */
function isReadable(text: string): boolean {
  const { form, beyond } = readAnswer(text);
  return form !== null && !beyond;
}

/** Candidates in the order in which they are tried: the best announced, of those the last, of those the longest. */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => a.rank - b.rank || b.to - a.to || a.from - b.from);
}

/**
 * The answer of a completion, looked for where math-verify looks: a formula or number behind "final answer is", or the
 * last boxes (which of them stands last in the text); then what follows "answer:", then "answer"; then the last formula
 * in dollar signs or TeX's brackets or plain number of the text. Boxes close together, or joined by a comma, "and" or
 * "or" within 70 characters, are one list, as are formulas side by side. A candidate that cannot be read gives way to the
 * next one. Null where there is none. Never throws.
 *
 * Source: the documentation and behaviour of math-verify 0.9.0.
 *
 * @example
 * ```ts
 * import { findAnswer } from "@small-vectors/steering";
 * if (findAnswer("First $x=2$, then \\boxed{3}. There were $4$ steps.") !== "3") throw new Error("the box first");
 * if (findAnswer("First $x=2$, then $y=3$.") !== "y=3") throw new Error("the last formula");
 * if (findAnswer("The final answer is 5. I took 7 steps.") !== "5") throw new Error("what is announced");
 * if (findAnswer("That makes 1,200 in all.") !== "1200") throw new Error("the last number");
 * ```
 */
export function findAnswer(completion: string): string | null {
  const text = completion.slice(-SEARCHED);
  const candidates: Candidate[] = [formulaGroups(text), numberPlaces(text)].flatMap((places) =>
    new Announced(text, places).candidates()
  );
  const boxes = lastBoxes(text, byDistance);
  if (boxes.length > 0 && boxes.at(-1)?.text !== null) {
    // A box counts as far as the last brace of the text.
    candidates.push({
      from: boxes[0]?.from ?? 0,
      to: text.lastIndexOf("}") + 1,
      text: boxText(boxes),
      isNumber: false,
      rank: 50,
    });
  }
  const ordered = inOrder(candidates);
  return (ordered.find((candidate) => isReadable(candidate.text)) ?? ordered[0])?.text ?? null;
}

/**
 * The last number of a completion: the number reading of {@link findAnswer} alone, which looks at no formula and no box.
 * Thousands marks are taken out (`1,200` and `1 200` are 1200), a decimal comma becomes a point, `28 percent` is `28%`;
 * a fraction or product of plain numbers counts as one number. Null where there is none. Never throws.
 *
 * @example
 * ```ts
 * import { lastNumber } from "@small-vectors/steering";
 * if (lastNumber("Of 30 apples 1,200 were red, or 3/4.") !== "3/4") throw new Error("the last one");
 * if (lastNumber("The answer is 7, after 3 steps.") !== "7") throw new Error("what is announced");
 * if (lastNumber("I do not know.") !== null) throw new Error("there is none");
 * ```
 */
export function lastNumber(completion: string): string | null {
  const text = completion.slice(-SEARCHED);
  return inOrder(new Announced(text, numberPlaces(text)).candidates())[0]?.text ?? null;
}
