import { architectureRow, type ModelConfig } from "../checkpoint/mod.ts";
import { isIndex } from "../onnx/mod.ts";

/** Kinds of site that every block has, in the order in which they are computed. */
export const SITE_KINDS = [
  "resid_pre",
  "input_norm",
  "q",
  "k",
  "v",
  "attn_weights",
  "head_out",
  "attn_out",
  "resid_mid",
  "post_attention_norm",
  "mlp_out",
  "resid_post",
] as const;

/**
 * Kinds of site that only a block with norms of query and key heads has: `q` and `k` behind them, as they are rotated.
 * Without such norms that is what `q` and `k` are.
 */
export const HEAD_NORM_SITE_KINDS = ["q_norm", "k_norm"] as const;

/**
 * Kinds of site that only a block with an adapter has: W_down z before the adapter's term, which without an adapter is
 * `mlp_out`, and the token-wise factor a·z of that term.
 */
export const ADAPTER_SITE_KINDS = ["down_out", "adapter_scale"] as const;

/** One kind of site. */
export type SiteKind =
  | typeof SITE_KINDS[number]
  | typeof HEAD_NORM_SITE_KINDS[number]
  | typeof ADAPTER_SITE_KINDS[number];

/** Every kind, those of some blocks last. */
const ALL_KINDS: readonly SiteKind[] = [...SITE_KINDS, ...HEAD_NORM_SITE_KINDS, ...ADAPTER_SITE_KINDS];

/**
 * The kinds of site that every block of a model has, in the order in which they are computed; those of adapters are
 * not among them.
 *
 * @example
 * ```ts
 * import { loadModel, siteKindsOf } from "@small-vectors/steering";
 * const { config } = await loadModel("./fixtures/embedded/base-a");
 * if (siteKindsOf(config).includes("q_norm")) throw new Error("qwen2 has no norms of heads");
 * ```
 */
export function siteKindsOf(config: ModelConfig): readonly SiteKind[] {
  if (!architectureRow(config.architecture).headNorms) return SITE_KINDS;
  return SITE_KINDS.flatMap((kind): SiteKind[] =>
    kind === "q" || kind === "k" ? [kind, `${kind}_norm`] : [kind]
  );
}

/** What other programs call kinds of site, below `blocks.LAYER.` or `model.layers.LAYER`. */
const FOREIGN_KINDS: Readonly<Record<string, SiteKind>> = {
  ".hook_resid_pre": "resid_pre",
  ".ln1.hook_normalized": "input_norm",
  ".attn.hook_q": "q",
  ".attn.hook_k": "k",
  ".attn.hook_v": "v",
  ".attn.hook_pattern": "attn_weights",
  ".attn.hook_z": "head_out",
  ".hook_attn_out": "attn_out",
  ".hook_resid_mid": "resid_mid",
  ".ln2.hook_normalized": "post_attention_norm",
  ".hook_mlp_out": "mlp_out",
  ".hook_resid_post": "resid_post",
  ".self_attn": "attn_out",
  ".mlp": "mlp_out",
  "": "resid_post",
};

/** The site that a name of TransformerLens or of a module of transformers means, if it is one. */
function foreignSite(name: string): SiteName | null {
  const [, layer, place = ""] = /^(?:blocks|model\.layers)\.(\d+)(\..+)?$/.exec(name) ?? [];
  const kind = FOREIGN_KINDS[place];
  return layer === undefined || kind === undefined ? null : siteName({ layer: Number(layer), kind });
}

/**
 * A named point of the model graph: `blocks.14.resid_post`. Layers count from 0. In the order of a block:
 *
 * | kind                                              | shape                                       |
 * | ------------------------------------------------- | ------------------------------------------- |
 * | `resid_pre`, `input_norm`                         | [batch, seq, embed]                         |
 * | `q` (`q_norm` behind it in a model with norms)    | [batch, seq, heads, head_dim]               |
 * | `k`, `v` (`k_norm` behind `k`)                    | [batch, seq, kv_heads, head_dim]            |
 * | `attn_weights`                                    | [batch, heads, seq of queries, seq of keys] |
 * | `head_out`                                        | [batch, seq, heads, head_dim]               |
 * | `attn_out`, `resid_mid`, `post_attention_norm`    | [batch, seq, embed]                         |
 * | `down_out`, of a block with an adapter            | [batch, seq, embed]                         |
 * | `adapter_scale`, of a block with an adapter       | [batch, seq]                                |
 * | `mlp_out`, `resid_post`                           | [batch, seq, embed]                         |
 */
export type SiteName = `blocks.${number}.${SiteKind}`;

/** A site's parts. */
export interface Site {
  /** Block, counted from zero. */
  readonly layer: number;
  /** Which value of the block. */
  readonly kind: SiteKind;
}

/**
 * The name of a site.
 *
 * @example
 * ```ts
 * import { siteName } from "@small-vectors/steering";
 * if (siteName({ layer: 14, kind: "resid_post" }) !== "blocks.14.resid_post") throw new Error("names are fixed");
 * ```
 */
export function siteName(site: Site): SiteName {
  return `blocks.${site.layer}.${site.kind}`;
}

/**
 * The parts of a site name, checked against the model's layer count. `action` is the verb of the error message.
 *
 * @throws {RangeError} for an unknown kind or a layer that the model lacks.
 */
export function parseSite(name: string, options: { readonly layers: number; readonly action: string }): Site {
  const match = /^blocks\.(0|[1-9]\d*)\.([a-z_]+)$/.exec(String(name));
  const kind = ALL_KINDS.find((known) => known === match?.[2]);
  if (match === null || kind === undefined) {
    const meant = foreignSite(String(name));
    if (meant !== null) {
      throw new RangeError(
        `Cannot ${options.action} "${name}" as sites have other names here: that one is "${meant}"`,
      );
    }
    throw new RangeError(
      `Cannot ${options.action} "${name}" as a site is blocks.LAYER.KIND with kind ${ALL_KINDS.join(", ")}`,
    );
  }
  const layer = Number(match[1]);
  if (layer >= options.layers) {
    throw new RangeError(
      `Cannot ${options.action} "${name}" as layer must be < ${options.layers}: current value is ${layer}`,
    );
  }
  return { layer, kind };
}

/** Throws a RangeError for a layer that a model lacks; `action` is the verb of its message. */
export function checkLayer(
  layer: number,
  options: { readonly layers: number; readonly action: string },
): void {
  const { layers, action } = options;
  if (isIndex(layer, layers)) return;
  throw new RangeError(`Cannot ${action} layer ${layer} as it must lie in [0, ${layers})`);
}
