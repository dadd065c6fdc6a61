import type { ModelConfig } from "../checkpoint/mod.ts";
import { type BorderArray, type Tensor, tensor, zeros } from "../core/mod.ts";
import {
  ADAPTER_SITE_KINDS,
  doubleSites,
  parseSite,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import { EDIT_NAMES, type Edits, lastBlockLayout, siteHeads, siteShape } from "../probe/mod.ts";
import { allLayers } from "./by_layer.ts";
import { checkFinite } from "./steering_vectors.ts";

/** A replaced site value. */
export interface Patch {
  /** The new value, in the site's shape for the rows of the call; a length of 1 is broadcast. */
  readonly value: Tensor<"float32">;
  /** Where it holds, bool [batch, seq], or [batch, seq, heads] of a site with heads; a length of 1 is broadcast. `@default` everywhere */
  readonly mask?: Tensor<"bool">;
}

/** Patches by site: a Map, or a plain object keyed by site. */
export type Patches = ReadonlyMap<SiteName, Patch> | Readonly<Partial<Record<SiteName, Patch>>>;

/** Patches as a map. */
export function patchesOf(patches: Patches | undefined): ReadonlyMap<SiteName, Patch> {
  return patches instanceof Map ? patches : new Map(Object.entries(patches ?? {}) as [SiteName, Patch][]);
}

/** The sites of every layer that are of a kind with the given ones, as far as the model and its additions have them. */
export function sitesOfTheirKinds(
  sites: readonly SiteName[],
  options: { readonly config: ModelConfig; readonly added: Edits },
): readonly SiteName[] {
  const { config, added: { adapters = [], lastBlock = null } } = options, { layers } = config;
  const kinds = new Set(sites.map((site) => parseSite(site, { layers, action: "use" }).kind));
  const doubles = lastBlock === null ? [] : doubleSites(lastBlockLayout(lastBlock));
  const has = (layer: number, kind: SiteKind) =>
    ADAPTER_SITE_KINDS.some((one) => one === kind)
      ? adapters.includes(layer)
      : layer < layers - 1 || !doubles.includes(kind);
  return [...siteKindsOf(config), ...ADAPTER_SITE_KINDS].filter((kind) => kinds.has(kind)).flatMap((kind) =>
    allLayers(config).filter((layer) => has(layer, kind)).map((layer) => siteName({ layer, kind }))
  );
}

/** Rows of a call that run together, and their positions. */
export interface BatchRows {
  /** Which they are. */
  readonly rows: readonly number[];
  /** Positions of what is read, padding included. */
  readonly seq: number;
  /** Positions that the rows may reach. `@default seq` */
  readonly positions?: number;
  /** Position of each token in its own text, int64 [rows, seq]. `@default` its place */
  readonly places?: Tensor<"int64"> | undefined;
}

/**
 * The part of a tensor that is of a batch's rows and positions. A length of 1 stays; or, with `whole`, is repeated, and
 * positions that the tensor does not reach are zeros.
 */
function partOf<D extends "float32" | "bool">(
  from: Tensor<D>,
  batch: BatchRows & { readonly seqAxes: readonly number[]; readonly whole: boolean },
): Tensor<D> {
  const { rows, seq, seqAxes, whole } = batch;
  const wanted = (axis: number) =>
    axis === 0 ? rows.length : seqAxes.includes(axis) ? seq : from.dims[axis] as number;
  const dims = from.dims.map((length, axis) => length === 1 && !whole ? 1 : wanted(axis));
  const isAll = rows.every((row, place) => row === place) &&
    dims.every((length, axis) => length === from.dims[axis]);
  if (isAll) return from;
  const made = zeros(from.dtype, dims) as Tensor<D>;
  const source = from.data as Float32Array, target = made.data as Float32Array;
  const inner = (of: readonly number[], axis: number) =>
    of.slice(axis + 1).reduce((size, length) => size * length, 1);
  const last = Math.max(0, ...seqAxes); // what lies further in is copied as it lies
  const copy = (axis: number, read: number, write: number): void => {
    const fromStep = inner(from.dims, axis), toStep = inner(dims, axis), length = from.dims[axis] as number;
    for (let at = 0; at < (dims[axis] as number); at++) {
      const place = length === 1 ? 0 : axis === 0 ? rows[at] as number : at;
      if (place >= length) continue; // behind the prompts
      const [r, w] = [read + place * fromStep, write + at * toStep];
      if (axis === last) target.set(source.subarray(r, r + fromStep), w);
      else copy(axis + 1, r, w);
    }
  };
  copy(0, 0, 0);
  return made;
}

/** What a graph is fed of patches of the sites that it can patch. */
export function patchFeeds(
  patches: ReadonlyMap<SiteName, Patch>,
  options: {
    readonly sites: readonly SiteName[];
    readonly config: ModelConfig;
    readonly headMasks: boolean;
    readonly batch: BatchRows;
    /** Tokens of each row's prompt where patches hold at prompts alone. */
    readonly promptLengths: readonly number[] | undefined;
  },
): Readonly<Record<string, Tensor>> {
  const { sites, config, headMasks, batch, promptLengths } = options, whole = promptLengths !== undefined;
  return Object.fromEntries(sites.flatMap((site) => {
    const patch = patches.get(site), { kind } = parseSite(site, { layers: config.layers, action: "patch" });
    const perHead = headMasks && siteHeads(kind, config) !== null, ends = perHead ? [1] : [];
    const seqAxes = siteShape(kind, config).flatMap((dim, axis) => dim === "seq" ? [axis] : []);
    const nothing = tensor("float32", siteShape(kind, config).map(() => 1), [0]);
    const everywhere = tensor("bool", [1, 1], [patch === undefined ? 0 : 1]),
      given = patch?.mask ?? everywhere;
    const mask = perHead && given.dims.length === 2
      ? tensor("bool", [...given.dims, ...ends], given.data)
      : given;
    const value = partOf(patch?.value ?? nothing, { ...batch, seqAxes, whole });
    const where = partOf(mask, { ...batch, seqAxes: [1], whole });
    return [
      [EDIT_NAMES.patch(site), value],
      [EDIT_NAMES.patchMask(site), promptLengths === undefined ? where : within(where, promptLengths)],
    ];
  }));
}

/** A whole mask that is false behind the prompts. */
function within(mask: Tensor<"bool">, promptLengths: readonly number[]): Tensor<"bool"> {
  const seq = mask.dims[1] as number, width = mask.dims[2] ?? 1;
  const data = mask.data.map((holds, at) => {
    const place = Math.floor(at / width);
    return place % seq < (promptLengths[Math.floor(place / seq)] as number) ? holds : 0;
  });
  return tensor("bool", mask.dims, data as BorderArray["bool"]);
}

/**
 * Checks patches for a call of so many rows (null for any), the longest of `seq` positions: shapes, finite values, and
 * masks of heads where there are heads.
 *
 * @throws {RangeError} that names the site.
 */
export function checkPatches(
  patches: ReadonlyMap<SiteName, Patch>,
  of: { readonly config: ModelConfig; readonly rows: number | null; readonly seq: number },
): { readonly headMasks: boolean } {
  const { config, rows, seq } = of;
  for (const [site, { value, mask }] of patches) {
    checkFinite(value, `patch "${site}"`);
    const { kind } = parseSite(site, { layers: config.layers, action: "patch" }),
      heads = siteHeads(kind, config);
    const perHead = mask?.dims.length === 3 && heads !== null ? [heads] : [];
    const shapes = [
      ["value", value.dims, siteShape(kind, config)],
      ["mask", mask?.dims ?? [1, 1], ["batch", "seq", ...perHead]],
    ] as const;
    for (const [what, dims, shape] of shapes) {
      const needed = shape.map((dim) => dim === "batch" ? rows ?? 1 : dim === "seq" ? seq : dim as number);
      const fits = dims.length === needed.length &&
        dims.every((length, axis) => length === 1 || length === needed[axis]);
      if (fits || rows === null) continue;
      throw new RangeError(
        `Cannot patch "${site}" as its ${what} must be [${
          needed.join(", ")
        }], or 1 in place of any of these: ` +
          `current shape is [${dims.join(", ")}]`,
      );
    }
  }
  return { headMasks: [...patches.values()].some(({ mask }) => mask?.dims.length === 3) };
}
