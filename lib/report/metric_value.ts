/** What is known of the error of a value, in the value's unit. */
export type Uncertainty =
  /** A bootstrap or other interval with its coverage, say 0.95. */
  | { readonly kind: "interval"; readonly level: number; readonly low: number; readonly high: number }
  /** Population standard deviation over what `over` names, say "evaluation seeds". */
  | { readonly kind: "std"; readonly over: string; readonly std: number }
  /** Smallest and largest of repeated measurements over what `over` names. */
  | { readonly kind: "range"; readonly over: string; readonly low: number; readonly high: number };

/** One measured number. */
export interface MetricValue {
  /** Unique name within the item, words joined by dots: `accuracy.layer_3`. */
  readonly name: string;
  /** The number; null when it is not applicable or was not measured. */
  readonly value: number | null;
  /** Unit in words or symbols: "%", "percentage points", "probability". */
  readonly unit: string;
  /** Its error, where one is known. */
  readonly uncertainty?: Uncertainty | undefined;
  /** What a reader must know to take the number rightly. */
  readonly note?: string | undefined;
}
