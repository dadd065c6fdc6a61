import { dirname } from "node:path";
import { ensureFolder, type ModelConfig, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { canonicalJson, hasEnding, InputError } from "../lib/core/mod.ts";
import {
  mergeVectors,
  pairVectors,
  scaleVectors,
  type SteeringVectors,
  sumVectors,
} from "../lib/decode/mod.ts";
import { FILE_FORMATS, type FileFormat, loadVectors, saveVectors } from "../lib/vectors/mod.ts";
import { wholeNumbers } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { checkWritable, exists } from "./command/output_place.ts";
import type { FlagValues } from "./command/parse_flags.ts";
import { sourceHash } from "./study/source_hash.ts";
import { convertVectors, FOLDER_TARGETS } from "./model/vector_conversion.ts";
import { didYouMean } from "./command/did_you_mean.ts";

const FLAGS = {
  out: {
    kind: "string",
    metavar: "FILE",
    help: "The .safetensors file to write (not with convert and show)",
  },
  by: { kind: "number", metavar: "X", help: "Factor of scale" },
  layers: {
    kind: "list",
    metavar: "I,J",
    check: wholeNumbers(),
    help: "The two layers of pair; one alone for the single layer",
  },
  model: {
    kind: "string",
    metavar: "DIR",
    help:
      "Model that the vectors must fit, in layers and width: the recipient of a transfer, or what convert adds to",
  },
  to: {
    kind: "string",
    choices: FOLDER_TARGETS,
    help:
      "How convert writes a folder: the model with its vectors as a Llama with biases, which transformers and " +
      "vLLM run, or in its own class; or an autoencoder",
  },
  "without-layer-0": {
    kind: "boolean",
    help: "Leave the vector of layer 0 out of a .gguf file, which llama.cpp would refuse for it",
  },
  force: { kind: "boolean", help: "Replace what is written" },
} as const;

type VectorsFlags = FlagValues<typeof FLAGS>;

/** One file given: its vectors, and what it says and hashes to. */
interface Source {
  readonly path: string;
  readonly format: FileFormat;
  readonly vectors: SteeringVectors;
  readonly metadata: ReadonlyMap<string, string>;
  readonly hash: string;
}

interface Action {
  /** How many files it takes. */
  readonly files: "one file" | "two files or more" | "one file or more" | "a source and a target";
  /** Of --by and --layers, the one that it needs. */
  readonly flag: "by" | "layers" | null;
  readonly make: (sources: readonly [Source, ...Source[]], flags: VectorsFlags) => SteeringVectors;
}

const setsOf = (sources: readonly Source[]) => sources.map(({ vectors }) => vectors);

const ACTIONS: Readonly<Record<string, Action>> = {
  sum: { files: "two files or more", flag: null, make: (sources) => sumVectors(setsOf(sources)) },
  scale: { files: "one file", flag: "by", make: ([{ vectors }], { by = NaN }) => scaleVectors(vectors, by) },
  merge: { files: "two files or more", flag: null, make: (sources) => mergeVectors(setsOf(sources)) },
  pair: {
    files: "one file",
    flag: "layers",
    make: ([{ vectors }], { layers }) => {
      const [first, second = first] = layers.map(Number) as [number, number?];
      return pairVectors(vectors, [first, second]);
    },
  },
  convert: { files: "a source and a target", flag: null, make: ([{ vectors }]) => vectors },
  show: { files: "one file or more", flag: null, make: ([{ vectors }]) => vectors },
};

const NAMES = Object.keys(ACTIONS);

/** Least and most paths. */
const COUNTS: { readonly [Files in Action["files"]]: readonly [number, number] } = {
  "one file": [1, 1],
  "two files or more": [2, Infinity],
  "one file or more": [1, Infinity],
  "a source and a target": [2, 2],
};

function actionOf(name: string): Action {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action !== undefined) return action;
  throw new InputError(`unknown action "${name}", known are ${NAMES.join(", ")}`, didYouMean(name, NAMES));
}

function checkUse(
  name: string,
  given: { readonly paths: readonly string[]; readonly flags: VectorsFlags },
): void {
  const action = actionOf(name), { paths, flags } = given;
  const [least, most] = COUNTS[action.files];
  if (paths.length < least || paths.length > most) {
    throw new InputError(`${name} takes ${action.files}: got ${paths.length}`);
  }
  const has = { by: flags.by !== undefined, layers: flags.layers.length > 0 };
  for (const flag of ["by", "layers"] as const) {
    if (action.flag === flag && !has[flag]) {
      throw new InputError(`--${flag} is missing`, { repair: FLAGS[flag].help });
    }
    if (action.flag !== flag && has[flag]) throw new InputError(`--${flag} does not go with ${name}`);
  }
  if (flags.layers.length > 2) {
    throw new InputError(`--layers has ${flags.layers.length} layers, pair takes two`);
  }
  const withOut = name !== "show" && name !== "convert";
  if (!withOut && flags.out !== undefined) throw new InputError(`--out does not go with ${name}`);
  for (const flag of ["to", "without-layer-0"] as const) {
    if (name !== "convert" && flags[flag] !== undefined && flags[flag] !== false) {
      throw new InputError(`--${flag} does not go with ${name}`);
    }
  }
  if (withOut && flags.out === undefined) {
    throw new InputError("--out is missing", { repair: FLAGS.out.help });
  }
}

async function read(path: string): Promise<Source> {
  const { format, vectors, metadata } = await loadVectors(path, null);
  return { path, format, vectors, metadata, hash: await sourceHash(path) };
}

/** Fits are checked on what comes out, so a sum of files of one model and another is refused by its widths. */
function checkFit(
  vectors: SteeringVectors,
  options: { readonly config: ModelConfig; readonly where: string },
): void {
  const { config, where } = options;
  for (const [layer, { length }] of vectors) {
    if (layer >= config.layers || length !== config.embed) {
      throw new InputError(
        `a vector of width ${length} at layer ${layer} does not fit a model of ${config.layers} layers of width ` +
          `${config.embed}`,
        { where, repair: "vectors pass between models of the same layers and width alone" },
      );
    }
  }
}

/** The model that every source was made for, and where in the blocks they belong, which must be one place for all. */
function commonNotes(sources: readonly Source[]): Record<string, string> {
  const models = new Set(sources.map(({ metadata }) => metadata.get("model")));
  const places = new Set(sources.map(({ metadata }) => metadata.get("place") ?? "mlp"));
  if (places.size > 1) {
    throw new InputError(`vectors of different places cannot go together: ${[...places].join(" and ")}`, {
      where: sources.map(({ path }) => path).join(", "),
    });
  }
  const [model] = models, [place] = places;
  return {
    ...(models.size === 1 && model !== undefined ? { model } : {}),
    ...(place === undefined || place === "mlp" ? {} : { place }),
  };
}

function showLines({ path, format, vectors, metadata }: Source): string[] {
  const norms = [...vectors].map(([layer, vector]) =>
    `layer ${layer}  norm ${Math.hypot(...vector).toPrecision(5)}`
  );
  const width = [...vectors.values()][0]?.length;
  const notes = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value}`);
  return [`${path}: ${FILE_FORMATS[format]}, ${vectors.size} of width ${width}`, ...norms, ...notes];
}

/** Composes, converts and shows files of steering vectors. */
export const vectors = defineCommand({
  name: "vectors",
  summary: "Composes, converts and shows files of steering vectors.",
  positionals: {
    metavar: "ACTION FILE",
    least: 1,
    help: "sum (of files), scale (--by), merge (runs of one layer each), pair (--layers I,J of one file), " +
      "convert (one file or folder into another format), or show",
  },
  flags: FLAGS,
  examples: [
    [
      "deno task vectors merge out/vectors/layer-0.seed-0.safetensors out/vectors/layer-1.seed-0.safetensors " +
      "--out out/vectors/merged.safetensors",
      "One set of vectors from runs that trained one layer each; nothing is rescaled",
    ],
    [
      "deno task vectors pair out/vectors/merged.safetensors --layers 3,5 --out out/vectors/pair-3-5.safetensors",
      "Two layers of that set; --layers 3,3 is the single layer",
    ],
    [
      "deno task vectors scale out/vectors/all.seed-0.safetensors --by=-0.5 --out out/vectors/back.safetensors",
      "Every vector times a factor",
    ],
    [
      "deno task vectors convert steering_vectors.npy out/vectors/authors.safetensors --model ./Qwen2.5-Math-7B",
      "The authors' vectors, checked against the model's layers and width",
    ],
    [
      "deno task vectors convert out/vectors/all.seed-0.safetensors control.gguf --model ./Qwen2.5-Math-7B " +
      "--without-layer-0",
      "A control vector for llama.cpp; also .svec, .npy, and back from each of them and from .pt",
    ],
    [
      "deno task vectors convert out/vectors/all.seed-0.safetensors out/steered --model ./Qwen2.5-Math-7B --to llama",
      "A model with its vectors as biases, which transformers and vLLM run as it is",
    ],
    [
      "deno task vectors convert sae.safetensors out/sae --to saelens",
      "An autoencoder as SAELens loads it; --to sparsify for sparsify",
    ],
    ["deno task vectors show out/vectors/all.seed-0.safetensors", "Layers, norms and what made the file"],
  ],
  async run({ flags, positionals: [name = "", ...paths], print }) {
    checkUse(name, { paths, flags });
    const { out, force } = flags;
    if (name === "convert") {
      const [from = "", target = ""] = paths, { to, model, "without-layer-0": withoutLayerZero } = flags;
      const done = await convertVectors({ from, out: target, to, model, withoutLayerZero, force });
      return done.forEach(print);
    }
    if (out !== undefined) {
      if (!hasEnding(out, ".safetensors")) {
        throw new InputError("vectors are written to a .safetensors file", { where: out });
      }
      await checkWritable(out, { as: "file" });
      if (!force && await exists(out)) {
        throw new InputError("there is a file already", { where: out, repair: "pass --force to replace it" });
      }
    }
    const config = flags.model === undefined ? null : (await openCheckpoint(flags.model)).config;
    const sources: Source[] = [];
    for (const path of paths) sources.push(await read(path));
    const [first, ...rest] = sources as [Source, ...Source[]];
    if (out === undefined) {
      for (const source of sources) {
        if (config !== null) checkFit(source.vectors, { config, where: source.path });
        for (const line of showLines(source)) print(line);
      }
      return;
    }
    const notes = commonNotes(sources);
    const made = makeOf(name, { sources: [first, ...rest], flags });
    if (config !== null) checkFit(made, { config, where: paths.join(", ") });
    const recipe = {
      action: name,
      sources: sources.map(({ hash }) => hash),
      ...(flags.by === undefined ? {} : { by: flags.by }),
      ...(flags.layers.length === 0 ? {} : { layers: flags.layers.map(Number) }),
    };
    await ensureFolder(dirname(out));
    await saveVectors(out, { vectors: made, metadata: { ...notes, made: canonicalJson(recipe) } });
    print(`${out}: layers ${[...made.keys()].join(", ")}`);
  },
});

/** What the library refuses as misuse is here the fault of the files that were given. */
function makeOf(
  name: string,
  given: { readonly sources: readonly [Source, ...Source[]]; readonly flags: VectorsFlags },
): SteeringVectors {
  try {
    return actionOf(name).make(given.sources, given.flags);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(error.message.replace(/^Cannot/, "cannot"), {
      where: given.sources.map(({ path }) => path).join(", "),
      cause: error,
    });
  }
}

if (import.meta.main) await main(vectors);
