import type { ModelConfig } from "../checkpoint/mod.ts";
import { InputError, type Tensor, tensor } from "../core/mod.ts";
import { type LastBlockLayout, type MaskedPart, maskedParts, type StreamChoice } from "../model/mod.ts";

/**
 * What of the last block sees the vector s of the block before it. Words of the paper's code: `q`, `k`, `v` are
 * `q_proj`, `k_proj`, `v_proj`; `inverse` is the prefix `inverse_`; `all_v` is `all_v_proj`; `skip_attn` and
 * `skip_layer` are also `all_attn` and `all_layer`; `group` is a name there alone.
 *
 * | mode         | effect                                                                                  |
 * | ------------ | --------------------------------------------------------------------------------------- |
 * | `q` `k` `v`  | everything steered but that projection of the listed heads                               |
 * | `group`      | everything steered but all projections of the listed groups of query heads               |
 * | `all_v`      | everything steered but all values                                                        |
 * | `head`       | everything steered but the outputs of the listed query heads, on one `path` or all       |
 * | `inverse`    | attention unsteered but for what is listed; residual stream and MLP steered              |
 * | `skip_attn`  | attention reads x; residual stream and MLP x + s                                         |
 * | `skip_layer` | the block reads x, and s is added to what it gives back                                  |
 * | `no_patch`   | ordinary steering                                                                        |
 * | `base`       | s is left out                                                                            |
 */
export type LastBlockPatch =
  | {
    /** Query heads for `q`; key and value heads for `k`, `v` and `group`. */
    readonly mode: "q" | "k" | "v" | "group";
    /** Which, counted from zero. */
    readonly head: number | readonly number[];
    /** Steer what is listed instead of unsteering it. `@default false` */
    readonly inverse?: boolean;
  }
  | {
    /** Outputs of query heads, before W_O. */
    readonly mode: "head";
    /** Which query heads, counted from zero. */
    readonly head: number | readonly number[];
    /** Steer what is listed instead of unsteering it. `@default false` */
    readonly inverse?: boolean;
    /** Where the mixture goes; the other route carries the fully steered attention. `@default "all"` */
    readonly path?: "all" | "residual" | "mlp";
  }
  | {
    /** All values together. */
    readonly mode: "all_v";
    /** Steer them instead of unsteering them. `@default false` */
    readonly inverse?: boolean;
  }
  | {
    /** A block without a choice of heads. */
    readonly mode: "skip_attn" | "skip_layer" | "no_patch" | "base";
  };

/** What each mode takes. */
const MODES: {
  readonly [Mode in LastBlockPatch["mode"]]: {
    readonly heads: "query" | "key" | null;
    readonly inverse: boolean;
  };
} = {
  q: { heads: "query", inverse: true },
  k: { heads: "key", inverse: true },
  v: { heads: "key", inverse: true },
  group: { heads: "key", inverse: true },
  head: { heads: "query", inverse: true },
  all_v: { heads: null, inverse: true },
  skip_attn: { heads: null, inverse: false },
  skip_layer: { heads: null, inverse: false },
  no_patch: { heads: null, inverse: false },
  base: { heads: null, inverse: false },
};
const PATHS = ["all", "residual", "mlp"] as const;

/** A patch with everything said. */
interface Plan {
  readonly mode: LastBlockPatch["mode"];
  readonly inverse: boolean;
  readonly path: typeof PATHS[number] | undefined;
  /** Null where the mode has no choice of heads. */
  readonly heads: readonly number[] | null;
}

function planOf(patch: LastBlockPatch): Plan {
  const { mode, inverse = false, path, head } = patch as LastBlockPatch & {
    readonly inverse?: boolean;
    readonly path?: typeof PATHS[number];
    readonly head?: number | readonly number[];
  };
  const heads = head === undefined ? null : typeof head === "number" ? [head] : head;
  return { mode, inverse, path, heads };
}

/** Heads that a mode counts among, or null where it has no choice. */
function headCount(mode: LastBlockPatch["mode"], config: ModelConfig): number | null {
  const { heads } = MODES[mode];
  return heads === null ? null : heads === "query" ? config.heads : config.kvHeads;
}

/**
 * Checks a patch against a model.
 *
 * @throws {RangeError} for an unknown mode, options that it does not take, heads that are missing, named twice or
 * that the model lacks, and for a model of one layer.
 */
export function checkLastBlockPatch(patch: LastBlockPatch, config: ModelConfig): void {
  const { mode, inverse, path, heads } = planOf(patch);
  const rule = (MODES as Readonly<Record<string, typeof MODES[keyof typeof MODES] | undefined>>)[mode];
  const refuse = (must: string, current: unknown): never => {
    throw new RangeError(`Cannot patch "${mode}" as ${must}: current value is ${current}`);
  };
  if (rule === undefined) return refuse(`mode must be ${Object.keys(MODES).join(", ")}`, `"${mode}"`);
  if (config.layers < 2) refuse("the model must have a block before the last", `${config.layers} block`);
  if (inverse && !rule.inverse) refuse("this mode has no inverse", "inverse");
  if (path !== undefined && mode !== "head") refuse('only mode "head" has a path', `"${path}"`);
  if (path !== undefined && !PATHS.includes(path)) refuse(`path must be ${PATHS.join(", ")}`, `"${path}"`);
  const count = headCount(mode, config);
  if (count === null) {
    if (heads !== null) refuse("this mode has no choice of heads", `head ${heads.join(", ")}`);
    return;
  }
  if (heads === null || heads.length === 0) return refuse("it must name a head", "none");
  for (const head of heads) {
    if (!(Number.isInteger(head) && head >= 0 && head < count)) refuse(`head must be < ${count}`, head);
    if (heads.indexOf(head) !== heads.lastIndexOf(head)) refuse("a head must be named once", head);
  }
}

/** How a patch puts the last block together; all patches of one mode, inverse and path have one layout. */
export function lastBlockLayout(patch: LastBlockPatch): LastBlockLayout {
  const { mode, inverse, path = "all" } = planOf(patch);
  const rest: StreamChoice = inverse ? "base" : "steered",
    chosen: StreamChoice = inverse ? "steered" : "base";
  const projections = { kind: "projections", q: rest, k: rest, v: rest } as const;
  switch (mode) {
    case "q":
    case "k":
    case "v":
      return { ...projections, [mode]: "mixed" };
    case "group":
      return { kind: "projections", q: "mixed", k: "mixed", v: "mixed" };
    case "all_v":
      return { ...projections, v: chosen };
    case "skip_attn":
      return { kind: "projections", q: "base", k: "base", v: "base" };
    case "head":
      return { kind: "heads", path };
    case "skip_layer":
      return { kind: "single", input: "base", addAfter: true };
    case "no_patch":
      return { kind: "single", input: "steered", addAfter: false };
    case "base":
      return { kind: "single", input: "base", addAfter: false };
  }
}

/**
 * The masks that a patch feeds its graph, by part: true where a head reads x + s, bool [heads or kv_heads, 1].
 */
export function lastBlockMasks(
  patch: LastBlockPatch,
  config: ModelConfig,
): ReadonlyMap<MaskedPart, Tensor<"bool">> {
  const { mode, inverse, heads } = planOf(patch);
  const group = config.heads / config.kvHeads;
  return new Map(
    maskedParts(lastBlockLayout(patch)).map((part) => {
      const perHead = part === "q" || part === "heads";
      const count = perHead ? config.heads : config.kvHeads;
      const listed = (head: number) =>
        heads?.includes(mode === "group" && perHead ? Math.floor(head / group) : head) === true;
      const values = Array.from({ length: count }, (_, head) => listed(head) === inverse ? 1 : 0);
      return [part, tensor("bool", [count, 1], values)] as const;
    }),
  );
}

/**
 * A patch in one word: `skip-attn`, `inverse-v:1`, `head:0,3/mlp`. {@link parseLastBlockPatch} reads it.
 *
 * @example
 * ```ts
 * import { lastBlockPatchText } from "@small-vectors/steering";
 * if (lastBlockPatchText({ mode: "head", head: 3, path: "mlp" }) !== "head:3/mlp") throw new Error("one word");
 * ```
 */
export function lastBlockPatchText(patch: LastBlockPatch): string {
  const { mode, inverse, path = "all", heads } = planOf(patch);
  return (inverse ? "inverse-" : "") + mode.replaceAll("_", "-") +
    (heads === null ? "" : `:${heads.join(",")}`) + (path === "all" ? "" : `/${path}`);
}

/**
 * The patch that a word names, checked against a model; `where` names the flag or file in errors.
 *
 * @example
 * ```ts
 * import { loadModel, parseLastBlockPatch } from "@small-vectors/steering";
 * const { config } = await loadModel("./fixtures/embedded/base-a");
 * const patch = parseLastBlockPatch("inverse-v:1", { config, where: "--patch" });
 * if (patch.mode !== "v" || patch.head !== 1) throw new Error("values of head 1");
 * ```
 *
 * @throws {InputError} for a word that names no patch of this model.
 */
export function parseLastBlockPatch(
  text: string,
  options: { readonly config: ModelConfig; readonly where: string },
): LastBlockPatch {
  const { config, where } = options;
  const fault = (what: string, repair: string) =>
    new InputError(`patch "${text}" ${what}`, { where, repair });
  const match = /^(inverse[-_])?([a-z_-]+)(?::([^/]*))?(?:\/(.*))?$/.exec(text);
  const named = match?.[2]?.replaceAll("-", "_");
  const mode = (Object.keys(MODES) as LastBlockPatch["mode"][]).find((known) => known === named);
  if (match === null || mode === undefined) {
    const known = Object.keys(MODES).map((name) => name.replaceAll("_", "-")).join(", ");
    throw fault("is of no known mode", `modes are ${known}; write v:1, inverse-v:1, head:3/mlp or skip-attn`);
  }
  const shown = mode.replaceAll("_", "-"), [, prefix, , list, path] = match;
  const inverse = prefix !== undefined;
  const { inverse: invertible } = MODES[mode];
  if (inverse && !invertible) throw fault("has no inverse", `write ${shown}`);
  if (path !== undefined && mode !== "head") throw fault("has no path", "only head:N has one");
  const way = PATHS.find((known) => known === path);
  if (path !== undefined && way === undefined) {
    throw fault(`has the unknown path "${path}"`, `paths are ${PATHS.join(", ")}`);
  }
  const count = headCount(mode, config);
  if (count === null && list !== undefined) {
    throw fault("has no choice of heads", `write ${prefix ?? ""}${shown}`);
  }
  const heads = (list ?? "").split(",").map((item) => /^\d+$/.test(item) ? Number(item) : NaN);
  if (count !== null && heads.some((head) => !Number.isInteger(head))) {
    throw fault("does not name its heads", `write ${prefix ?? ""}${shown}:0`);
  }
  const outside = count === null ? undefined : heads.find((head) => head >= count);
  if (outside !== undefined) {
    throw fault(`names head ${outside}`, `${shown} has heads 0 to ${(count as number) - 1} in this model`);
  }
  if (new Set(heads).size < heads.length) throw fault("names a head twice", "name each head once");
  if (config.layers < 2) throw fault("needs a block before the last", "use a deeper model");
  const patch = {
    mode,
    ...(count === null ? {} : { head: heads.length === 1 ? heads[0] as number : heads }),
    ...(inverse ? { inverse } : {}),
    ...(way === undefined || way === "all" ? {} : { path: way }),
  } as LastBlockPatch;
  checkLastBlockPatch(patch, config);
  return patch;
}
