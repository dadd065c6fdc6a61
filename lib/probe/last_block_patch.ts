import type { ModelConfig } from "../checkpoint/mod.ts";
import { InputError, type Tensor, tensor } from "../core/mod.ts";
import { isIndex } from "../onnx/mod.ts";
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
    /** Where the mixture goes; the other path carries the fully steered attention. `@default "all"` */
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

/** Heads that each mode chooses among. */
const HEADS: { readonly [Mode in LastBlockPatch["mode"]]: "query" | "key" | null } = {
  q: "query",
  k: "key",
  v: "key",
  group: "key",
  head: "query",
  all_v: null,
  skip_attn: null,
  skip_layer: null,
  no_patch: null,
  base: null,
};
const MODES = Object.keys(HEADS) as readonly LastBlockPatch["mode"][];
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
  const heads = HEADS[mode];
  return heads === null ? null : heads === "query" ? config.heads : config.kvHeads;
}

/** What a patch of a known mode must keep. */
type Rule = "depth" | "inverse" | "path" | "known path" | "no heads" | "heads" | "inside" | "once";

/** The first rule that a patch breaks, with the head that breaks it; null where it keeps all. */
function brokenRule({ mode, inverse, path, heads }: Plan, config: ModelConfig): [Rule, head?: number] | null {
  if (config.layers < 2) return ["depth"];
  if (inverse && HEADS[mode] === null && mode !== "all_v") return ["inverse"];
  if (path !== undefined && mode !== "head") return ["path"];
  if (path !== undefined && !PATHS.includes(path)) return ["known path"];
  const count = headCount(mode, config);
  if (count === null) return heads === null ? null : ["no heads"];
  if (heads === null || heads.length === 0) return ["heads"];
  const outside = heads.find((head) => !isIndex(head, count));
  if (outside !== undefined) return ["inside", outside];
  const twice = heads.find((head, at) => heads.indexOf(head) !== at);
  return twice === undefined ? null : ["once", twice];
}

/**
 * Checks a patch against a model.
 *
 * @throws {RangeError} for an unknown mode, options that it does not take, heads that are missing, named twice or
 * that the model lacks, and for a model of one layer.
 */
export function checkLastBlockPatch(patch: LastBlockPatch, config: ModelConfig): void {
  const plan = planOf(patch), { mode, path, heads } = plan;
  const refusal = (must: string, current: unknown) =>
    new RangeError(`Cannot patch "${mode}" as ${must}: current value is ${current}`);
  if (!MODES.includes(mode)) throw refusal(`mode must be ${MODES.join(", ")}`, `"${mode}"`);
  const broken = brokenRule(plan, config);
  if (broken === null) return;
  const [rule, head] = broken;
  const rules: Readonly<Record<Rule, readonly [must: string, current: unknown]>> = {
    depth: ["the model must have a block before the last", `${config.layers} block`],
    inverse: ["this mode has no inverse", "inverse"],
    path: ['only mode "head" has a path', `"${path}"`],
    "known path": [`path must be ${PATHS.join(", ")}`, `"${path}"`],
    "no heads": ["this mode has no choice of heads", `head ${heads?.join(", ")}`],
    heads: ["it must name a head", "none"],
    inside: [`head must be < ${headCount(mode, config)}`, head],
    once: ["a head must be named once", head],
  };
  throw refusal(...rules[rule]);
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
  const refusal = (what: string, repair: string) =>
    new InputError(`patch "${text}" ${what}`, { where, repair });
  const [, prefix = "", name, list, path] = /^(inverse[-_])?([a-z_-]+)(?::([^/]*))?(?:\/(.*))?$/.exec(text) ??
    [];
  const mode = MODES.find((known) => known === name?.replaceAll("-", "_"));
  if (mode === undefined) {
    const known = MODES.map((one) => one.replaceAll("_", "-")).join(", ");
    throw refusal(
      "is of no known mode",
      `modes are ${known}; write v:1, inverse-v:1, head:3/mlp or skip-attn`,
    );
  }
  const inverse = prefix !== "", numbers = list !== undefined && /^\d+(,\d+)*$/.test(list);
  const heads = list === undefined ? null : numbers ? list.split(",").map(Number) : [];
  const broken = brokenRule({ mode, inverse, path: path as Plan["path"], heads }, config);
  if (broken !== null) {
    const [rule, head] = broken, word = mode.replaceAll("_", "-");
    const rules: Readonly<Record<Rule, readonly [what: string, repair: string]>> = {
      depth: ["needs a block before the last", "use a deeper model"],
      inverse: ["has no inverse", `write ${word}`],
      path: ["has no path", "only head:N has one"],
      "known path": [`has the unknown path "${path}"`, `paths are ${PATHS.join(", ")}`],
      "no heads": ["has no choice of heads", `write ${prefix}${word}`],
      heads: ["does not name its heads", `write ${prefix}${word}:0`],
      inside: [
        `names head ${head}`,
        `${word} has heads 0 to ${headCount(mode, config) as number - 1} in this model`,
      ],
      once: ["names a head twice", "name each head once"],
    };
    throw refusal(...rules[rule]);
  }
  return {
    mode,
    ...(heads === null ? {} : { head: heads.length === 1 ? heads[0] as number : heads }),
    ...(inverse ? { inverse } : {}),
    ...(path === undefined || path === "all" ? {} : { path }),
  } as LastBlockPatch;
}
