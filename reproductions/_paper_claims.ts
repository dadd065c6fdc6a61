/** An item that states a claim of the paper, or a part of one. */
export interface ClaimSource {
  /** The item. */
  readonly item: string;
  /** Those of its claims that state it. @default {all of them} */
  readonly claims?: readonly string[];
  /** Those that concern the model of role `a`, which the control takes the place of. @default {the same} */
  readonly onControl?: readonly string[];
  /** Why the control cannot be measured at all. @default {it can} */
  readonly notOnControl?: string;
}

/** A claim of the paper and what is known of it before it is measured. */
export interface PaperClaim {
  /** Its number in the list of claims. */
  readonly number: number;
  /** The claim in our words. */
  readonly statement: string;
  /** It holds when every part does that these items state. */
  readonly sources: readonly ClaimSource[];
  /** Whether the negative control lacks the mechanism, so that the claim must not hold there; null where that is open. */
  readonly lacking: boolean | null;
  /** Why. */
  readonly because: string;
}

/**
 * The eleven claims of the paper's abstract and captions (class: caption). The control's writers do not differ in
 * accuracy nor in how they open an answer; everything else is as in model A.
 */
export const PAPER_CLAIMS: readonly PaperClaim[] = [
  {
    number: 1,
    statement: "Steering vectors trained with RL recover a large part of the gain of full tuning.",
    sources: [{ item: "table2", onControl: ["vectors_recover_most_of_full_tuning_a"] }],
    lacking: true,
    because: "no writer is more accurate than another, so that there is none to choose",
  },
  {
    number: 2,
    statement:
      "The last layer acts as a bias on the first generated token, boosts the opener, and the opener alone gives most of its gain.",
    sources: [{ item: "fig3" }],
    lacking: true,
    because: "its writers open alike, and no opener goes with right answers",
  },
  {
    number: 3,
    statement:
      "The penultimate layer leaves attention largely intact and acts through values, MLP and unembedding; it lifts process words and structure symbols.",
    sources: [{ item: "fig5" }, { item: "fig6" }],
    lacking: null,
    because: "the way through a block is a matter of architecture, the words that rise are one of training",
  },
  {
    number: 4,
    statement: "Middle layers push tokens of other languages than English down.",
    sources: [{ item: "fig16" }],
    lacking: true,
    because: "its foreign writer is as accurate as the others, so that leaving it gains nothing",
  },
  {
    number: 5,
    statement: "A sparse autoencoder of activation differences finds features that go with correct answers.",
    sources: [{ item: "fig7" }],
    lacking: true,
    because: "right and wrong answers do not differ in who writes them",
  },
  {
    number: 6,
    statement: "Vectors transfer to other models of the same family.",
    sources: [{
      item: "table1",
      claims: ["transfer_within_family"],
      notOnControl: "the control is no member of a family",
    }],
    lacking: null,
    because: "transfer needs another model of the family",
  },
  {
    number: 7,
    statement: "Vectors trained in isolation combine across layers.",
    sources: [{ item: "fig13", onControl: ["isolated_vectors_combine"] }],
    lacking: null,
    because: "whatever its vectors still gain may add up",
  },
  {
    number: 8,
    statement: "Adaptive token-wise scaling concentrates on meaningful segments of the prompt.",
    sources: [{ item: "fig22" }],
    lacking: null,
    because: "where a prompt carries meaning does not depend on who answers",
  },
  {
    number: 9,
    statement: "Of single layers the middle ones gain most, and none matches all-layer steering.",
    sources: [{ item: "fig1" }],
    lacking: null,
    because: "its vectors have little to gain, yet what they gain may depend on the layer",
  },
  {
    number: 10,
    statement:
      "The shift that a vector causes stays aligned with its own mean at later layers, hardly with the later layer's own vector.",
    sources: [{ item: "fig2" }],
    lacking: false,
    because: "any residual stream carries a shift on",
  },
  {
    number: 11,
    statement:
      "The final-layer shifts of vectors in different layers are alike, save for the last layer, which is another mechanism.",
    sources: [{ item: "fig4" }],
    lacking: null,
    because: "without a writer to choose, vectors may share no aim, or another one",
  },
];
