import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { readJson } from "./_read_json.ts";
import { SOURCE_CLASS, type SourceClass } from "./_source_class.ts";

/** One number of the paper, or its place when the number is not known. */
export interface PaperValue {
  /** Name, the same as that of our metric where there is one. */
  readonly name: string;
  /** What the number is, in words. */
  readonly what: string;
  /** The number; null when it is not attested. */
  readonly value: number | null;
  /** Its unit. */
  readonly unit: string;
  /** The paper's ± (population standard deviation over evaluation seeds); null when none is attested. */
  readonly std: number | null;
  /** How the number is known; null when it is not. */
  readonly source: SourceClass | null;
  /** What a reader must know to take the number rightly. */
  readonly note?: string;
}

/** One statement of the paper that is not a number. */
export interface PaperStatement {
  /** Short name. */
  readonly name: string;
  /** The statement in our words. */
  readonly statement: string;
  /** The layers it names, zero-based; null when it names none. */
  readonly layers: readonly number[] | null;
  /** How it is known. */
  readonly sources: readonly SourceClass[];
}

/** What the paper says about one table or figure: the content of `fixtures/paper/<id>.json`. */
export interface PaperItem {
  /** Version of this format. */
  readonly schemaVersion: 1;
  /** Id of the table or figure. */
  readonly item: string;
  /** Its title in our words. */
  readonly title: string;
  /** Which text and code the facts are of. */
  readonly paper: {
    /** arXiv identifier without version. */
    readonly arxiv: string;
    /** Version of the text; null when the facts do not tell. */
    readonly version: number | null;
    /** Repository and commit of the authors' code. */
    readonly code: string;
  };
  /** The model the item is about. */
  readonly model: string;
  /** The numbers. */
  readonly values: readonly PaperValue[];
  /** The statements. */
  readonly statements: readonly PaperStatement[];
}

const text = z.string().min(1);
const PAPER_ITEM: z.ZodType<PaperItem> = z.strictObject({
  schemaVersion: z.literal(1),
  item: text,
  title: text,
  paper: z.strictObject({ arxiv: text, version: z.number().int().nullable(), code: text }),
  model: text,
  values: z.array(
    z.strictObject({
      name: text,
      what: text,
      value: z.number().nullable(),
      unit: text,
      std: z.number().min(0).nullable(),
      source: SOURCE_CLASS.nullable(),
      note: z.exactOptional(text),
    }).refine(
      ({ value, std, source }) => value === null ? std === null && source === null : source !== null,
      "a number needs a source, and what has no number has neither std nor source",
    ),
  ).refine(
    (values) => new Set(values.map(({ name }) => name)).size === values.length,
    "names must be unique",
  ),
  statements: z.array(z.strictObject({
    name: text,
    statement: text,
    layers: z.array(z.number().int().min(0)).nullable(),
    sources: z.array(SOURCE_CLASS).min(1),
  })),
});

/**
 * Reads `fixtures/paper/<id>.json`.
 *
 * @throws InputError when the file is missing, does not have the format or is of another id.
 *
 * @example
 * ```ts
 * import { paperValue, readPaperItem } from "./mod.ts";
 * const path = new URL("../../fixtures/paper/fig1.json", import.meta.url).pathname;
 * const item = await readPaperItem(path, { item: "fig1" });
 * if (paperValue(item, "accuracy.all_layers").value !== 42.9) throw new Error("all-layer steering gives 42.9 %");
 * ```
 */
export async function readPaperItem(path: string, options: { readonly item: string }): Promise<PaperItem> {
  const repair = "restore the file from the repository";
  const item = await readJson(path, { schema: PAPER_ITEM, what: "file of paper values", repair });
  if (item.item !== options.item) {
    throw new InputError(`paper values are of "${item.item}", not of "${options.item}"`, {
      where: path,
      repair,
    });
  }
  return item;
}

/**
 * One number of an item by name.
 *
 * @throws RangeError when the item has no value of that name.
 *
 * @example
 * ```ts
 * import { type PaperItem, paperValue } from "./mod.ts";
 * const value = { name: "a", what: "a number", value: 1, unit: "%", std: null, source: "code" } as const;
 * const paper = { arxiv: "2509.06608", version: null, code: "none" };
 * const item: PaperItem = { schemaVersion: 1, item: "x", title: "X", paper, model: "M", values: [value], statements: [] };
 * if (paperValue(item, "a").value !== 1) throw new Error("the value must be found");
 * ```
 */
export function paperValue(item: PaperItem, name: string): PaperValue {
  const value = item.values.find((candidate) => candidate.name === name);
  if (value === undefined) {
    const names = item.values.map((candidate) => candidate.name).join(", ");
    throw new RangeError(`Cannot read "${name}" of ${item.item} as it must be one of ${names}`);
  }
  return value;
}
