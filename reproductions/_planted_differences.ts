import {
  type PersistenceCell,
  PersistenceSums,
  type TextDifferences,
  type TokenLanguage,
  TokenLens,
} from "../lib/analysis/mod.ts";
import { type RandomStream, tensor } from "../lib/core/mod.ts";
import { type PlantedDraw, streamOf } from "./_planted_outcomes.ts";

const EMBED = 32, LAYERS = 6;
/** Texts of a study, and far too few. */
const TEXTS = { study: 40, weak: 4 } as const;
const ROWS = 5;

const textsOf = ({ kind }: PlantedDraw) => TEXTS[kind === "weak" ? "weak" : "study"];

/** The unit vector along one axis: vectors of different axes have nothing in common. */
function axis(place: number): Float64Array {
  const vector = new Float64Array(EMBED);
  vector[place] = 1;
  return vector;
}

function sum(...parts: readonly (readonly [factor: number, vector: ArrayLike<number>])[]): Float64Array {
  return Float64Array.from(
    { length: EMBED },
    (_, at) => parts.reduce((total, [factor, vector]) => total + factor * (vector[at] as number), 0),
  );
}

const noise = (stream: RandomStream) => Float64Array.from({ length: EMBED }, () => stream.normal());

/** Shifts of one layer that are a direction in every text, and something of their own. */
function textDifferences(
  at: PlantedDraw,
  options: {
    readonly layer: number;
    readonly direction: (text: number) => ArrayLike<number>;
    readonly spread: number;
  },
): TextDifferences {
  const { layer, direction, spread } = options, stream = streamOf(at, "shifts", layer);
  const texts = Array.from({ length: textsOf(at) }, (_, text) => text);
  return {
    texts,
    rows: texts.map(() => ROWS),
    sums: texts.map((text) => sum([ROWS, direction(text)], [ROWS * spread, noise(stream)])),
  };
}

/** A common direction of all layers but the last (claim 11); or every layer with its own; or one or the other by text. */
export function plantedFinalDifferences(at: PlantedDraw): readonly (readonly TextDifferences[])[] {
  const common = (text: number) => at.kind === "there" || (at.kind === "weak" && text % 2 === 0);
  return [Array.from({ length: LAYERS }, (_, layer) => {
    const direction = (text: number) =>
      layer < LAYERS - 1 && common(text) ? sum([1, axis(LAYERS)], [0.3, axis(layer)]) : axis(layer);
    return textDifferences(at, { layer, direction, spread: 0.1 });
  })];
}

/** Tokens of two scripts, those of one with something in common, along the axis of that number. */
const CYRILLIC_AXIS = EMBED - 1;
const VOCABULARY = { tokens: 240, cyrillic: 48 } as const;

/** A vocabulary of two scripts; the rows of one share a direction. */
export function plantedVocabulary(at: PlantedDraw): {
  readonly lens: TokenLens;
  readonly languages: readonly TokenLanguage[];
} {
  const stream = streamOf(at, "vocabulary"), { tokens, cyrillic } = VOCABULARY;
  const rows = Array.from(
    { length: tokens },
    (_, token) => sum([0.3, noise(stream)], [token < cyrillic ? 1 : 0, axis(CYRILLIC_AXIS)]),
  );
  const data = Float32Array.from(rows.flatMap((row) => [...row]));
  return {
    lens: new TokenLens(tensor("float32", [tokens, EMBED], data)),
    languages: rows.map((_, token) => token < cyrillic ? "cyrillic" : "latin"),
  };
}

/** Shifts that lie against one script in all layers but the last (claim 4); in none; or that differ from text to text. */
export function plantedSuppression(at: PlantedDraw): readonly (readonly TextDifferences[])[] {
  const against = at.kind === "there" ? -1 : at.kind === "weak" ? -0.35 : 0;
  const spread = at.kind === "weak" ? 0.3 : 0.05;
  return [Array.from({ length: LAYERS }, (_, layer) => {
    const part = layer === LAYERS - 1 ? 0 : against;
    const direction = sum([1 - Math.abs(part), axis(layer)], [part, axis(CYRILLIC_AXIS)]);
    return textDifferences(at, { layer, direction: () => direction, spread });
  })];
}

/**
 * What vectors of their own axes leave in later layers: themselves (claim 10); the later layer's vector, by turns of the
 * draws as it is or with signs that change from token to token; or one or the other by text.
 */
export function plantedPersistence(
  at: PlantedDraw,
): readonly (readonly { readonly cells: readonly PersistenceCell[] }[])[] {
  const vectors = new Map(Array.from({ length: LAYERS }, (_, layer) => [layer, axis(layer)]));
  const sources = Array.from({ length: LAYERS }, (_, source) => {
    const sums = new PersistenceSums({ layers: LAYERS, embed: EMBED });
    const stream = streamOf(at, "persistence", source);
    for (let text = 0; text < textsOf(at); text++) {
      // Weak evidence keeps some texts and turns the others.
      const kept = at.kind === "there" || (at.kind === "weak" && text % 2 === 0);
      const turned = () => at.draw % 2 === 0 && stream.uniform() < 0.5 ? -1 : 1;
      for (let layer = source; layer < LAYERS; layer++) {
        const rows = Array.from({ length: ROWS }, () => {
          if (layer === source) return axis(source);
          const own = kept ? axis(source) : sum([turned(), axis(layer)]);
          return sum([1, own], [0.03, noise(stream)]);
        });
        sums.add(Float32Array.from(rows.flatMap((row) => [...row])), { text, layer });
      }
    }
    return { cells: sums.read(vectors) };
  });
  return [sources];
}
