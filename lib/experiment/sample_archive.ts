import type { EvaluateOptions, Evaluation } from "../analysis/mod.ts";
import { ensureFolder, FileReplacement } from "../checkpoint/mod.ts";
import { sampleLine } from "../problems/mod.ts";
import type { StudyProblem } from "./study_problems.ts";

/** An evaluation of a condition whose completions are kept. */
export interface ArchivedEvaluation {
  /** What is evaluated: "base-a layer-3.seed-0 sampling". */
  readonly condition: string;
  /** What is asked, each with the name of its set. */
  readonly problems: readonly (StudyProblem & { readonly suite: string })[];
  /** Makes it. Each seed's completions come in their order; seeds may come side by side. */
  readonly evaluate: (hearing: Pick<EvaluateOptions, "onCompletion">) => Promise<Evaluation["outcomes"]>;
}

/** What is kept of one evaluation; its completions lie in a file for each seed. */
interface Part {
  readonly condition: string;
  readonly outcomes: Evaluation["outcomes"];
  readonly seeds: readonly number[];
}

/**
 * What models said in the evaluations of a run, each made once: lines of samples in a folder that goes away with the
 * archive. Files of items are put together from it.
 */
export class SampleArchive {
  readonly #folder: string;
  readonly #parts = new Map<string, Promise<Part>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** An archive in a folder of its own within `folder`, which is made where it is not there. */
  static async open(folder: string): Promise<SampleArchive> {
    await ensureFolder(folder);
    return new SampleArchive(await Deno.makeTempDir({ dir: folder, prefix: ".samples-" }));
  }

  /** The outcomes of an evaluation, which is made once for a name; that must be one of a file. */
  async outcomes(name: string, evaluation: ArchivedEvaluation): Promise<Evaluation["outcomes"]> {
    const part = this.#parts.get(name) ?? this.#made(name, evaluation);
    this.#parts.set(name, part);
    part.catch(() => this.#parts.delete(name));
    return (await part).outcomes;
  }

  async #made(name: string, evaluation: ArchivedEvaluation): Promise<Part> {
    const { condition, problems, evaluate } = evaluation;
    const files = new Map<number, Promise<FileReplacement>>();
    try {
      const outcomes = await evaluate({
        onCompletion: async (completion) => {
          const { seed } = completion, problem = problems[completion.problem] as typeof problems[number];
          const file = files.get(seed) ?? FileReplacement.begin(this.#path(name, seed));
          files.set(seed, file);
          await (await file).write(sampleLine(completion, { problem, condition }));
        },
      });
      for (const file of files.values()) await (await file).commit();
      return { condition, outcomes, seeds: [...files.keys()].sort((a, b) => a - b) };
    } catch (error) {
      await Promise.allSettled([...files.values()].map(async (file) => await (await file).discard()));
      throw error;
    }
  }

  #path(name: string, seed: number): string {
    return `${this.#folder}/${name}.${seed}.jsonl`;
  }

  /** Writes what was said in those evaluations to a file, by condition and seed. */
  async writeFile(path: string, names: Iterable<string>): Promise<void> {
    const parts: { readonly condition: string; readonly name: string; readonly seeds: readonly number[] }[] =
      [];
    for (const name of names) {
      const part = await this.#parts.get(name);
      if (part !== undefined) parts.push({ ...part, name });
    }
    const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
    parts.sort((a, b) => order(a.condition, b.condition) || order(a.name, b.name));
    const file = await FileReplacement.begin(path);
    try {
      for (const { name, seeds } of parts) {
        for (const seed of seeds) {
          const said = await Deno.open(this.#path(name, seed));
          for await (const bytes of said.readable) await file.write(bytes);
        }
      }
      await file.commit();
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** Removes what is kept. */
  async close(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
