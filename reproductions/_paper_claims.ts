import type { ModelRole } from "../lib/experiment/mod.ts";

/** An item that states a claim of the paper, or a part of one. */
export interface ClaimSource {
  /** The item. */
  readonly item: string;
  /** Those of its claims that state it. @default {all of them} */
  readonly claims?: readonly string[];
  /** The model of another role than `a` that it is about, which a profile may lack. @default {it is about that one} */
  readonly role?: ModelRole;
}

/**
 * What a claim is held against: it must not hold on the negative control, or by what an item says of another control; or
 * it has no control, and what the negative control shows is shown without being expected.
 */
interface ClaimControl {
  /** Whether it must not hold there. */
  readonly mustFail: boolean;
  /** Why, or why not. */
  readonly because: string;
  /** The control, where it is none of the same items on another model. @default {the negative control} */
  readonly source?: ClaimSource;
  /** Why the negative control cannot be measured. @default {it can} */
  readonly notMeasured?: string;
}

/** A claim of the paper, on one family of models where its text differs by family, and what is known before it is measured. */
export interface PaperClaim {
  /** Its number in the list of claims, and the family: `3_qwen`. */
  readonly id: string;
  /** The claim in our words. */
  readonly statement: string;
  /** It holds when every part does that these items state; without any it is not measured. */
  readonly sources: readonly ClaimSource[];
  /** Why nothing states it here. @default {something does} */
  readonly notMeasured?: string;
  readonly control: ClaimControl;
}

const PENULTIMATE =
  "The penultimate layer leaves attention largely intact and acts through values, MLP and unembedding";
const BLOCK_IS_ARCHITECTURE = "the way through a block is a matter of architecture, not of who writes";

/**
 * The eleven claims of the paper's abstract and captions (class: caption), three of them by family, as the text differs
 * there (class: review). The control's writers do not differ in accuracy nor in how they open an answer; everything else
 * is as in model A.
 */
export const PAPER_CLAIMS: readonly PaperClaim[] = [
  {
    id: "1",
    statement: "Steering vectors trained with RL recover a large part of the gain of full tuning.",
    sources: [{ item: "table2" }],
    control: {
      mustFail: true,
      because:
        "random rewards teach nothing; on the negative control full tuning gains by sharpening, as vectors do",
      source: { item: "control-random-reward", claims: ["random_rewards_recover_most_of_full_tuning"] },
    },
  },
  {
    id: "2",
    statement:
      "The last layer acts as a bias on the first generated token, boosts the opener, and the opener alone gives most of its gain.",
    sources: [{ item: "fig3" }],
    control: { mustFail: true, because: "its writers open alike, and no opener goes with right answers" },
  },
  {
    id: "3_qwen",
    statement: `${PENULTIMATE}; it lifts process words and structure symbols (in the paper clear in Qwen).`,
    sources: [{ item: "fig5" }, { item: "fig6" }],
    control: { mustFail: false, because: BLOCK_IS_ARCHITECTURE },
  },
  {
    id: "3_llama",
    statement: `${PENULTIMATE} (in the paper messy in Llama).`,
    sources: [{ item: "fig20", role: "b" }],
    control: {
      mustFail: false,
      because: BLOCK_IS_ARCHITECTURE,
      notMeasured: "the control takes the place of the Qwen model",
    },
  },
  {
    id: "4",
    statement: "Layers before the last push tokens of other languages than English down.",
    sources: [{ item: "fig16", claims: ["pre_final_layers_suppress_non_english"] }],
    control: {
      mustFail: true,
      because: "its foreign writer is as accurate as the others, so that leaving it gains nothing",
    },
  },
  {
    id: "5",
    statement:
      "A sparse autoencoder of activation differences finds features that go with right or with wrong answers.",
    sources: [{ item: "fig7" }],
    control: { mustFail: true, because: "right and wrong answers do not differ in who writes them" },
  },
  {
    id: "6_qwen",
    statement:
      "Vectors of the base model transfer to other models of its family (in the paper they do in Qwen).",
    sources: [{ item: "table1", claims: ["base_vectors_transfer"] }],
    control: {
      mustFail: false,
      because: "transfer needs another model of the family",
      notMeasured: "the control is no member of a family",
    },
  },
  {
    id: "6_llama",
    statement:
      "Vectors of the base model transfer to other models of its family (in the paper they do not in Llama).",
    sources: [],
    notMeasured: "the zoo has one model that stands for Llama",
    control: { mustFail: false, because: "transfer needs another model of the family" },
  },
  {
    id: "7_qwen",
    statement: "Vectors trained in isolation combine across layers (in the paper they do in Qwen).",
    sources: [{ item: "fig13", claims: ["isolated_vectors_combine"] }],
    control: { mustFail: false, because: "whatever its vectors still gain may add up" },
  },
  {
    id: "7_llama",
    statement: "Vectors trained in isolation combine across layers (in the paper they often harm in Llama).",
    sources: [{ item: "fig13", claims: ["isolated_vectors_combine_b"], role: "b" }],
    control: {
      mustFail: false,
      because: "whatever its vectors still gain may add up",
      notMeasured: "the control takes the place of the Qwen model",
    },
  },
  {
    id: "8",
    statement: "Adaptive token-wise scaling concentrates on meaningful segments of the prompt.",
    sources: [{ item: "fig22" }],
    control: { mustFail: false, because: "where a prompt carries meaning does not depend on who answers" },
  },
  {
    id: "9",
    statement: "Of single layers the middle ones gain most, and none matches all-layer steering.",
    sources: [{ item: "fig1" }],
    control: {
      mustFail: false,
      because: "its vectors have little to gain, yet what they gain may depend on the layer",
    },
  },
  {
    id: "10",
    statement:
      "The shift that a vector causes stays aligned with its own mean at later layers, hardly with the later layer's own vector.",
    sources: [{ item: "fig2" }],
    control: { mustFail: false, because: "any residual stream carries a shift on" },
  },
  {
    id: "11",
    statement:
      "The final-layer shifts of vectors in different layers are alike, save for the last layer, which is another mechanism.",
    sources: [{ item: "fig4" }],
    control: {
      mustFail: false,
      because: "without a writer to choose, vectors may share no aim, or another one",
    },
  },
];
