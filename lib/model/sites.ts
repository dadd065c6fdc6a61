import { architectureRow, type ModelConfig } from "../checkpoint/mod.ts";

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
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { siteKindsOf } from "./mod.ts";
 * if (siteKindsOf(tinyConfig()).includes("q_norm")) throw new Error("qwen2 has no norms of heads");
 * const kinds = siteKindsOf(tinyConfig({ architecture: "qwen3" }));
 * if (kinds.indexOf("q_norm") !== kinds.indexOf("q") + 1) throw new Error("a norm follows its projection");
 * ```
 */
export function siteKindsOf(config: ModelConfig): readonly SiteKind[] {
  if (!architectureRow(config.architecture).headNorms) return SITE_KINDS;
  return SITE_KINDS.flatMap((kind): SiteKind[] =>
    kind === "q" || kind === "k" ? [kind, `${kind}_norm`] : [kind]
  );
}

/** A named point of the model graph: `blocks.14.resid_post`. */
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
 * import { siteName } from "./mod.ts";
 * if (siteName({ layer: 14, kind: "resid_post" }) !== "blocks.14.resid_post") throw new Error("names are fixed");
 * ```
 */
export function siteName(site: Site): SiteName {
  return `blocks.${site.layer}.${site.kind}`;
}

/**
 * The parts of a site name, checked against the model's layer count. `action` is the verb of the error message.
 *
 * @example
 * ```ts
 * import { parseSite } from "./mod.ts";
 * if (parseSite("blocks.3.v", { layers: 8, action: "tap" }).kind !== "v") throw new Error("kind is v");
 * ```
 *
 * @throws {RangeError} for an unknown kind or a layer that the model lacks.
 */
export function parseSite(name: string, options: { readonly layers: number; readonly action: string }): Site {
  const match = /^blocks\.(0|[1-9]\d*)\.([a-z_]+)$/.exec(name);
  const kind = ALL_KINDS.find((known) => known === match?.[2]);
  if (match === null || kind === undefined) {
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
