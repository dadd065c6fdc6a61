/** Which linear maps of every block add a bias. */
export interface Biases {
  /** The projections to queries, keys and values. */
  readonly qkv: boolean;
  /** The projection of head outputs back to the residual stream. */
  readonly o: boolean;
  /** The three maps of the MLP. */
  readonly mlp: boolean;
}

/** Keys of config.json that some classes read and others do not. */
export type OwnKey =
  | "attention_bias"
  | "mlp_bias"
  | "sliding_window"
  | "attention_chunk_size"
  | "use_sliding_window"
  | "max_window_layers";

/**
 * What tells one family of decoders from another, as far as a config.json and its class in transformers decide it.
 * All families share one block: RMS norms before attention and MLP, rotary attention in groups of query heads, a
 * gated MLP with SiLU.
 */
export interface ArchitectureRow {
  /** The class in transformers whose computation is followed, as `architectures` of config.json names it. */
  readonly className: string;
  /** Other spellings of it in older files. */
  readonly formerNames: readonly string[];
  /** Which of the keys that not all classes read this one reads. */
  readonly reads: readonly OwnKey[];
  /** What the class takes for keys that a config.json leaves out. */
  readonly defaults: {
    /** As many key heads as query heads; null where a file must say it. */
    readonly kvHeads: "heads" | null;
    /** Null: the width of the residual stream over the query heads. */
    readonly headDim: number | null;
    readonly maxPositions: number;
    readonly bosTokenId: number | null;
    readonly eosTokenId: number | null;
    /** Of attention in all layers (Mistral), or in those that a file says to have one (Qwen). Null: there is none. */
    readonly slidingWindow: number | null;
  };
  /** Whether the class tells kinds of layer apart, so that some may have a window and others none. */
  readonly layerKinds: boolean;
  /** Which linear maps have biases, given the two switches of a config. */
  readonly biases: (stated: { readonly attentionBias?: true; readonly mlpBias?: true }) => Biases;
  /** Whether every query and key head passes an RMS norm of its own width before rotation: sites `q_norm`, `k_norm`. */
  readonly headNorms: boolean;
}
