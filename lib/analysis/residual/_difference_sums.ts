import { addScaled, dot, norm } from "./_vectors.ts";

/** A cosine averaged in three ways; null where there is nothing to average. */
export interface CosineMeans {
  readonly byText: number | null;
  readonly byToken: number | null;
  readonly ofMeans: number | null;
}

/** What {@link DifferenceSums} holds, taken wherever. */
export type DifferenceTotals = Readonly<
  & Record<"sum" | "units" | "textUnits", Float64Array>
  & { /** Null where nobody compares texts with the mean of all. */ textDirections: Float64Array | null }
  & Record<
    "ownByToken" | "ownByText" | "rows" | "texts" | "directedTexts" | "fedRows" | "zeroRows",
    number
  >
>;

/**
 * Sums over rows D_t [embed] of residual differences from which every average cosine follows. Cosines are linear in the
 * unit rows: Σ_t cos(D_t, r) = (Σ_t D_t/|D_t|)·r/|r| for every reference r, also for one that is known only at the
 * end, such as the mean of all rows. So no row is kept.
 */
export class DifferenceSums {
  /** Σ D_t. */
  readonly sum: Float64Array;
  /** Σ D_t/|D_t|. */
  readonly units: Float64Array;
  /** Σ over texts of the text's units / its rows. */
  readonly textUnits: Float64Array;
  /** Σ over texts of the text's sum / its norm. */
  readonly textDirections: Float64Array;
  /** Σ over texts and rows of cos(D_t, the text's mean). */
  ownByToken = 0;
  /** Σ over texts of the text's mean of cos(D_t, the text's mean). */
  ownByText = 0;
  /** Rows that count in a mean over tokens. */
  rows = 0;
  /** Texts that count in a mean over texts. */
  texts = 0;
  /** Texts whose mean difference is not zero. */
  directedTexts = 0;
  /** All rows that were fed. */
  fedRows = 0;
  /** Of these, rows without a difference. */
  zeroRows = 0;

  constructor(embed: number) {
    this.sum = new Float64Array(embed);
    this.units = new Float64Array(embed);
    this.textUnits = new Float64Array(embed);
    this.textDirections = new Float64Array(embed);
  }

  /** Adds one text: its sums of rows and of unit rows, and how many rows count, were fed and had no difference. */
  addText(
    text: { sum: Float64Array; units: Float64Array; rows: number; fedRows: number; zeroRows: number },
  ): void {
    this.fedRows += text.fedRows;
    this.zeroRows += text.zeroRows;
    if (text.rows === 0) return;
    addScaled(this.sum, text.sum, 1);
    addScaled(this.units, text.units, 1);
    addScaled(this.textUnits, text.units, 1 / text.rows);
    this.rows += text.rows;
    this.texts++;
    const length = norm(text.sum);
    if (length === 0) return;
    addScaled(this.textDirections, text.sum, 1 / length);
    const own = dot(text.units, text.sum) / length;
    this.ownByToken += own;
    this.ownByText += own / text.rows;
    this.directedTexts++;
  }

  /** Adds the sums of other texts. */
  addSums(other: DifferenceTotals): void {
    addScaled(this.sum, other.sum, 1);
    addScaled(this.units, other.units, 1);
    addScaled(this.textUnits, other.textUnits, 1);
    if (other.textDirections !== null) addScaled(this.textDirections, other.textDirections, 1);
    this.ownByToken += other.ownByToken;
    this.ownByText += other.ownByText;
    this.rows += other.rows;
    this.texts += other.texts;
    this.directedTexts += other.directedTexts;
    this.fedRows += other.fedRows;
    this.zeroRows += other.zeroRows;
  }

  /** Cosines with a fixed reference; all null for a zero one. */
  toReference(reference: ArrayLike<number>): CosineMeans {
    const length = norm(reference), total = norm(this.sum);
    if (length === 0 || this.rows === 0) return { byText: null, byToken: null, ofMeans: null };
    return {
      byText: dot(this.textUnits, reference) / (length * this.texts),
      byToken: dot(this.units, reference) / (length * this.rows),
      ofMeans: total === 0 ? null : dot(this.sum, reference) / (length * total),
    };
  }

  /** Cosines with the mean of all rows; `ofMeans` compares the texts' means with it. */
  toDatasetMean(): CosineMeans {
    const total = norm(this.sum);
    if (total === 0 || this.rows === 0) return { byText: null, byToken: null, ofMeans: null };
    return {
      byText: dot(this.textUnits, this.sum) / (total * this.texts),
      byToken: dot(this.units, this.sum) / (total * this.rows),
      ofMeans: dot(this.textDirections, this.sum) / (total * this.directedTexts),
    };
  }

  /** Cosines of rows with the mean of their own text; a text's mean compared with itself would say nothing. */
  toTextMeans(): CosineMeans {
    if (this.rows === 0) return { byText: null, byToken: null, ofMeans: null };
    return { byText: this.ownByText / this.texts, byToken: this.ownByToken / this.rows, ofMeans: null };
  }
}
