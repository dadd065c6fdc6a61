/** How much is measured. The quick size runs the same code on few problems, for tests. */
export interface StudySize {
  /** Held-out problems per set, where it has so many. */
  readonly problems: number;
  /** The same where many conditions are compared: the first of these problems. */
  readonly swept: number;
  /** Evaluation seeds at temperature 1, of every measurement. */
  readonly evaluationSeeds: number;
  /** Problems whose answers are traced token by token. */
  readonly traced: number;
  /** Problems whose answers are read layer by layer. */
  readonly read: number;
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
}

/** The sizes that the figures are made at. */
export const STUDY_SIZES: { readonly [Name in "full" | "quick"]: StudySize } = {
  full: { problems: 32, swept: 16, evaluationSeeds: 3, traced: 192, read: 96, maxNewTokens: 72 },
  quick: { problems: 4, swept: 2, evaluationSeeds: 2, traced: 12, read: 6, maxNewTokens: 72 },
};
