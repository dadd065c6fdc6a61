import { InputError } from "../lib/core/mod.ts";
import { FAMILIES, type FamilyName } from "../lib/problems/mod.ts";

/** A file of vectors that the explorer brings. */
interface ExplorerRun {
  /** Name of the training run: `all`, `layer-3`. */
  readonly run: string;
  /** Its name there. */
  readonly file: string;
  /** Where the command line finds it. */
  readonly path: string;
}

/** What a build of the explorer brings: a model, its vectors, and how questions are put to it. */
export interface ExplorerManifest {
  /** What the model is called. */
  readonly title: string;
  /** Folder of the model in the page's. */
  readonly folder: string;
  /** Its files. */
  readonly files: readonly string[];
  /** Folder of the vectors in the page's. */
  readonly vectors: string;
  /** ONNX Runtime's WebAssembly. */
  readonly runtime: string;
  /** Bytes of all files that the page fetches before it is ready. */
  readonly bytes: number;
  /** The model's folder as the command line names it. */
  readonly path: string;
  /** The vectors of all layers first, then those of single layers. */
  readonly runs: readonly ExplorerRun[];
  /** The opener that the paper's last layer lifts. */
  readonly opener: string;
}

/** Everything that a person chooses in the explorer; a link holds it. */
export interface ExplorerState {
  /** Family of the held-out problem; null for a question of one's own. */
  readonly family: FamilyName | null;
  /** Number of the problem in its family. */
  readonly number: number;
  /** The question where there is no family. */
  readonly question: string;
  /** Factor on the vectors of each run, by its name, and on those of a user's file under the file's own. */
  readonly strengths: Readonly<Record<string, number>>;
  /** Text that both answers begin with. */
  readonly opener: string;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Seed of the draws. */
  readonly seed: number;
  /** What of the last block sees the vector before it, as `--patch` names it; "" for all of it. */
  readonly patch: string;
}

/** Where the explorer begins: all layers' vectors on a problem of two steps. */
export const FIRST_STATE: ExplorerState = {
  family: "linear",
  number: 2,
  question: "",
  strengths: { all: 1 },
  opener: "",
  temperature: 1,
  seed: 0,
  patch: "",
};

/** What can be chosen: the numbers from `least` to `most`. */
export interface Limits {
  readonly least: number;
  readonly most: number;
  /** Between two of them. `@default` any */
  readonly step?: number;
}

/** Limits of what is chosen by number; a problem's counts from 0. */
export const LIMITS = {
  problem: { least: 0, most: 199, step: 1 },
  strength: { least: -1, most: 3 },
  temperature: { least: 0, most: 2 },
  seed: { least: 0, most: 2 ** 31 - 1, step: 1 },
} as const satisfies Readonly<Record<string, Limits>>;

/** A state as the fragment of a link, without what is as at the beginning. */
export function stateText(state: ExplorerState): string {
  const parts = new URLSearchParams();
  if (state.family === null) parts.set("question", state.question);
  else parts.set("problem", `${state.family}/${state.number}`);
  for (const [run, strength] of Object.entries(state.strengths)) {
    if (strength !== 0) parts.append("with", `${run}*${strength}`);
  }
  for (const key of ["opener", "temperature", "seed", "patch"] as const) {
    if (state[key] !== FIRST_STATE[key]) parts.set(key, String(state[key]));
  }
  return parts.toString();
}

function numberOf(text: string, what: keyof typeof LIMITS): number {
  const value = Number(text), { least, most, step }: Limits = LIMITS[what], isWhole = step === 1;
  if (text.trim() !== "" && value >= least && value <= most && (!isWhole || Number.isInteger(value))) {
    return value;
  }
  const kind = isWhole ? "a whole number " : "";
  throw new InputError(`the link's ${what} must be ${kind}from ${least} to ${most}`, { where: text });
}

/**
 * The state of a link's fragment.
 *
 * @throws {InputError} for what {@link stateText} would not have written.
 */
export function parseState(text: string): ExplorerState {
  const parts = new URLSearchParams(text);
  if (text === "") return FIRST_STATE;
  const question = parts.get("question");
  const [, named, number = "0"] = /^([a-z]+)\/(\d+)$/.exec(parts.get("problem") ?? "") ?? [];
  const family = FAMILIES.find((known) => known === named) ?? null;
  if (family === null && question === null) {
    throw new InputError("the link names no problem", { where: parts.get("problem") ?? "no problem" });
  }
  const strengths = parts.getAll("with").map((one) => {
    const cut = one.lastIndexOf("*");
    return [one.slice(0, cut), numberOf(one.slice(cut + 1), "strength")] as const;
  });
  const numbered = (key: "temperature" | "seed") => numberOf(parts.get(key) ?? String(FIRST_STATE[key]), key);
  return {
    family: question === null ? family : null,
    number: numberOf(number, "problem"),
    question: question ?? "",
    strengths: Object.fromEntries(strengths),
    opener: parts.get("opener") ?? "",
    temperature: numbered("temperature"),
    seed: numbered("seed"),
    patch: parts.get("patch") ?? "",
  };
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:=,@%*+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command line that gives the answer of a state, steered or not: the same tokens, in a terminal. */
export function commandOf(
  state: ExplorerState,
  options: {
    readonly manifest: ExplorerManifest;
    readonly question: string;
    readonly gold: string | null;
    readonly steered: boolean;
  },
): string {
  const { manifest, question, gold, steered } = options;
  const paths = new Map(manifest.runs.map(({ run, path }) => [run, path]));
  const sets = Object.entries(state.strengths).filter(([, strength]) => steered && strength !== 0);
  return [
    "deno task answer",
    quoted(question),
    `--model ${quoted(manifest.path)}`,
    ...sets.map(([run, strength]) =>
      `--vectors ${quoted(`${paths.get(run) ?? run}${strength === 1 ? "" : `*${strength}`}`)}`
    ),
    ...(steered && state.patch !== "" ? [`--patch ${quoted(state.patch)}`] : []),
    ...(state.opener === "" ? [] : [`--prefix ${quoted(state.opener)}`]),
    ...(state.temperature === 1 ? [] : [`--temperature ${state.temperature}`]),
    ...(state.seed === 0 ? [] : [`--seed ${state.seed}`]),
    ...(gold === null ? [] : [`--gold ${quoted(gold)}`]),
  ].join(" ");
}
