import { assert } from "@std/assert";
import { type Ended, run } from "./_one_node_slurm.ts";

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** A study on base A of two runs and one figure, with rates so that nothing is measured for them. */
export async function writeStudy(
  folder: string,
  options: { readonly name: string; readonly seeds: readonly number[]; readonly steps: number },
): Promise<string> {
  const { name, seeds, steps } = options, path = `${folder}/${name}.json`;
  const size = { problems: 2, swept: 2, evaluationSeeds: 1, traced: 4, read: 2, maxNewTokens: 48 };
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      ...{
        name,
        title: "a small study",
        folder: name,
        problems: ["linear"],
        template: "embedded",
        grader: "box-number",
      },
      sizes: { full: size, quick: size },
      settings: {
        ...{
          steps,
          prompts: 2,
          samples: 4,
          maxNewTokens: 48,
          warmupShare: 0,
          maxNorm: 2,
          families: ["linear"],
        },
      },
      models: [{
        ...{ name: "base-a", role: "a", title: "Base A", opener: "To" },
        source: {
          folder: `${ROOT}fixtures/embedded/base-a`,
          layers: 8,
          hash: null,
          command: "it is shipped",
        },
        runs: [{ run: "layer-7", learningRates: [0.1], seeds }],
      }],
    }),
  );
  await Deno.writeTextFile(
    `${folder}/rates.json`,
    JSON.stringify({
      ...{ source: "by hand", device: "cpu", parameters: 1.4e6, promptTokens: 30, answerTokens: 24 },
      ...{ generatedTokensPerSecond: 1000, gradientTokensPerSecond: 2000 },
    }),
  );
  return path;
}

/** `deno task` in a folder: words as a shell splits them. */
export function tasksIn(folder: string, env: Readonly<Record<string, string>> = {}) {
  return async (words: string): Promise<Ended> => {
    const args = ["task", "--quiet", "--config", `${ROOT}deno.json`, ...words.split(" ")];
    return await run("deno", args, { env, cwd: folder });
  };
}

/** Fails unless files of two folders have the same bytes. */
export async function sameFiles(one: string, other: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [a, b] = [await Deno.readFile(`${one}/${name}`), await Deno.readFile(`${other}/${name}`)];
    assert(a.length === b.length && a.every((byte, at) => byte === b[at]), `${name} differs`);
  }
}

/** What a figure comes to, but for when and how long. */
export const FIGURE_FILES = ["metrics.json", "spec.vl.json", "figure.svg", "figure.png"];
