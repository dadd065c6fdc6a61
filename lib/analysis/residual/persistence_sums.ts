import { type CosineMeans, DifferenceSums, type DifferenceTotals } from "./_difference_sums.ts";
import { addScaled, clampCosine, norm, requireVector } from "./_vectors.ts";

/** A mean cosine and how sure it is. */
export interface CosineEstimate {
  /** The mean, in [−1, 1]. */
  readonly value: number;
  /** Delete-a-group jackknife over texts; null with fewer than two groups of texts. */
  readonly standardError: number | null;
}

/** One cosine averaged in three ways. Each is null where it is not applicable. */
export interface CosineAverages {
  /** Mean over texts of the mean over the text's tokens: a long text counts no more than a short one. The default. */
  readonly byText: CosineEstimate | null;
  /** Mean over all tokens: a long text counts more (published heat maps of all samples). */
  readonly byToken: CosineEstimate | null;
  /** Mean first, cosine second; says nothing about how much single tokens differ. */
  readonly ofMeans: CosineEstimate | null;
}

/** What is left of one vector at one later layer. */
export interface PersistenceCell {
  /** The layer whose residual was read. */
  readonly layer: number;
  /** Diff-Diff: cosine of a token's difference with the mean difference. */
  readonly toMean: CosineAverages;
  /** Diff-Vector: cosine of a token's difference with the vector trained for the layer that is read. */
  readonly toTarget: CosineAverages;
  /** Rows that were fed. */
  readonly rows: number;
  /** Of these, rows without any difference: they have no direction. */
  readonly zeroRows: number;
}

/** Sizes and rules of an accumulation. */
export interface PersistenceOptions {
  /** Layers that may be read. */
  readonly layers: number;
  /** Width of the residual stream. */
  readonly embed: number;
  /** Groups of texts for the standard error; text t is in group t mod groups. @default {10} */
  readonly groups?: number;
  /**
   * The published conventions: a token is compared with the mean of its own text, which is part of what it is
   * compared with, and a token without difference counts as cosine 0. @default {false}
   */
  readonly asPublished?: boolean;
}

/** Differences of one layer summed text by text. */
export interface TextDifferences {
  /** The texts, ascending. */
  readonly texts: readonly number[];
  /** Rows of each text. */
  readonly rows: readonly number[];
  /** Σ over the rows of each text, [embed] each. */
  readonly sums: readonly Float64Array[];
}

interface OpenText {
  readonly text: number;
  readonly sum: Float64Array;
  readonly units: Float64Array;
  rows: number;
  fedRows: number;
  zeroRows: number;
}

/**
 * How the residual differences that one vector s_i causes lives on at later layers j. Rows D_t = h_steered − h_base [embed]
 * of a layer come in chunks, a text's rows one after another, texts in ascending order; no row is kept. Memory is
 * 4 · groups · layers · embed numbers for one steered layer, whatever the number of tokens.
 *
 * Two cosines are averaged, each in three ways ({@link CosineAverages}):
 * Diff-Diff cos(D_t, mean of all D), Diff-Vector cos(D_t, s_j).
 * The averages weigh texts differently and do differ; `byText` is the one to report, since texts are the independent
 * units. Which positions count is the caller's choice: the published averages include the prompt, position 0 too.
 *
 * Source: figure 2 and 14 (class: caption for the two cosines, the data-set mean and the axes; the second figure's
 * number is inferred); the three averages are those of the published code (class: code), which takes differences
 * and cosines in bfloat16 and the mean of the token's own text: `asPublished` has that mean, in float64.
 *
 * @throws RangeError for sizes below 1, rows of another width, values that are not finite, a text after a later one.
 */
export class PersistenceSums {
  /** Layers that may be read. */
  readonly layers: number;
  /** Width of the residual stream. */
  readonly embed: number;
  readonly #groups: number;
  readonly #asPublished: boolean;
  /** By layer, then group; layers that were never fed have none. */
  readonly #sums = new Map<number, (DifferenceSums | undefined)[]>();
  readonly #open = new Map<number, OpenText>();
  readonly #lastText = new Map<number, number>();

  /** Empty sums. */
  constructor(options: PersistenceOptions) {
    const { layers, embed, groups = 10, asPublished = false } = options;
    for (const [name, value] of Object.entries({ layers, embed, groups })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(
          `Cannot sum differences as ${name} must be a positive integer: current value is ${value}`,
        );
      }
    }
    this.layers = layers;
    this.embed = embed;
    this.#groups = groups;
    this.#asPublished = asPublished;
  }

  #requireLayer(layer: number): void {
    if (!Number.isInteger(layer) || layer < 0 || layer >= this.layers) {
      throw new RangeError(
        `Cannot sum differences as layer must be < ${this.layers}: current value is ${layer}`,
      );
    }
  }

  /** Adds differences [rows, embed] of one text as one layer reads them. */
  add(rows: Float32Array, at: { readonly text: number; readonly layer: number }): void {
    const { text, layer } = at, { embed } = this;
    this.#requireLayer(layer);
    if (rows.length % embed !== 0) {
      throw new RangeError(
        `Cannot sum differences as rows must have ${embed} values each: current count is ${rows.length}`,
      );
    }
    let open = this.#open.get(layer);
    const last = open?.text ?? this.#lastText.get(layer) ?? -1;
    if (!Number.isInteger(text) || text < last || (text === last && open === undefined)) {
      throw new RangeError(
        `Cannot sum differences as texts must come in ascending order, each in one go: text ${text} after ${last}`,
      );
    }
    if (open === undefined || open.text !== text) {
      this.#close(layer);
      open = {
        text,
        sum: new Float64Array(embed),
        units: new Float64Array(embed),
        rows: 0,
        fedRows: 0,
        zeroRows: 0,
      };
      this.#open.set(layer, open);
    }
    for (let start = 0; start < rows.length; start += embed) {
      const row = rows.subarray(start, start + embed), length = norm(row);
      if (!Number.isFinite(length)) {
        throw new RangeError(
          `Cannot sum differences as values must be finite: row ${start / embed} of text ${text} is not`,
        );
      }
      open.fedRows++;
      if (length === 0) {
        open.zeroRows++;
        if (this.#asPublished) open.rows++;
        continue;
      }
      open.rows++;
      addScaled(open.sum, row, 1);
      addScaled(open.units, row, 1 / length);
    }
  }

  /**
   * Adds what was summed elsewhere over texts of one group, by the rules of these sums; a RangeError for another width
   * or values that are not finite.
   */
  addGroup(totals: DifferenceTotals, at: { readonly group: number; readonly layer: number }): void {
    this.#requireLayer(at.layer);
    requireVector(totals.units, { what: "the sums of a group", embed: this.embed });
    this.#sumsOf(at.layer, at.group).addSums(totals);
  }

  #sumsOf(layer: number, group: number): DifferenceSums {
    let groups = this.#sums.get(layer);
    if (groups === undefined) this.#sums.set(layer, groups = new Array(this.#groups).fill(undefined));
    return groups[group % this.#groups] ??= new DifferenceSums(this.embed);
  }

  #close(layer: number): void {
    const open = this.#open.get(layer);
    if (open === undefined) return;
    this.#open.delete(layer);
    this.#lastText.set(layer, open.text);
    this.#sumsOf(layer, open.text).addText(open);
  }

  #total(groups: readonly (DifferenceSums | undefined)[]): DifferenceSums {
    const total = new DifferenceSums(this.embed);
    for (const group of groups) if (group !== undefined) total.addSums(group);
    return total;
  }

  /**
   * The mean difference D̄ [embed] of a layer over all rows that were fed; null when there were none. Closes the open
   * text: what is added afterwards is the next one.
   */
  meanDifference(layer: number): Float64Array | null {
    this.#requireLayer(layer);
    this.#close(layer);
    const groups = this.#sums.get(layer);
    if (groups === undefined) return null;
    const total = this.#total(groups);
    return total.fedRows === 0 ? null : total.sum.map((value) => value / total.fedRows);
  }

  /**
   * Every layer that was fed, ascending. `targets` are the vectors s_j by layer; where one is missing or zero,
   * `toTarget` is null. Rows without any difference, as at layers before the steered one, have no cosine: null there,
   * where the published matrices show 0. Closes the open texts.
   */
  read(targets: ReadonlyMap<number, ArrayLike<number>>): readonly PersistenceCell[] {
    for (const layer of [...this.#open.keys()]) this.#close(layer);
    for (const [layer, target] of targets) {
      this.#requireLayer(layer);
      requireVector(target, { what: `the vector of layer ${layer}`, embed: this.embed });
    }
    const none = new Float64Array(this.embed);
    return [...this.#sums].sort(([a], [b]) => a - b).map(([layer, groups]) => {
      const total = this.#total(groups), target = targets.get(layer) ?? none;
      const toMean = (sums: DifferenceSums) => this.#asPublished ? sums.toTextMeans() : sums.toDatasetMean();
      return {
        layer,
        toMean: this.#estimate(toMean, { groups, total }),
        toTarget: this.#estimate((sums) => sums.toReference(target), { groups, total }),
        rows: total.fedRows,
        zeroRows: total.zeroRows,
      };
    });
  }

  #estimate(
    measure: (sums: DifferenceSums) => CosineMeans,
    parts: { readonly groups: readonly (DifferenceSums | undefined)[]; readonly total: DifferenceSums },
  ): CosineAverages {
    const filled = parts.groups.filter((group) => group !== undefined && group.texts > 0) as DifferenceSums[];
    const without = filled.length < 2
      ? []
      : filled.map((group) => measure(this.#total(filled.filter((other) => other !== group))));
    return estimates(measure(parts.total), without);
  }
}

/** Values with the jackknife error sqrt((G − 1)/G · Σ (v_g − v̄)²) of the values without each group. */
function estimates(all: CosineMeans, without: readonly CosineMeans[]): CosineAverages {
  const estimate = (key: keyof CosineMeans): CosineEstimate | null => {
    const value = all[key];
    if (value === null) return null;
    const others = without.map((part) => part[key]);
    if (others.length === 0 || others.includes(null)) {
      return { value: clampCosine(value), standardError: null };
    }
    const values = others as number[], count = values.length;
    const centre = values.reduce((sum, part) => sum + part, 0) / count;
    const squares = values.reduce((sum, part) => sum + (part - centre) ** 2, 0);
    return { value: clampCosine(value), standardError: Math.sqrt((count - 1) / count * squares) };
  };
  return { byText: estimate("byText"), byToken: estimate("byToken"), ofMeans: estimate("ofMeans") };
}
