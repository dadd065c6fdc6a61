import { dirname, resolve } from "node:path";
import type { EvaluateOptions } from "../../lib/analysis/mod.ts";
import { ensureFolder, FileReplacement } from "../../lib/checkpoint/mod.ts";
import { hasEnding, InputError } from "../../lib/core/mod.ts";
import { sampleLine } from "../../lib/problems/mod.ts";
import { checkWritable } from "../command/output_place.ts";
import type { Benchmark } from "../study/suite.ts";

/** Throws an InputError unless a file of samples can be written to a path that `--samples` names. */
export async function checkSamplesPath(
  path: string,
  options: {
    /** Where other results go. */
    readonly beside: string | undefined;
  },
): Promise<void> {
  if (!hasEnding(path, ".jsonl")) {
    throw new InputError(`--samples names the .jsonl file for what the model says: got "${path}"`, {
      repair: /^\d+$/.test(path)
        ? `--answers ${path} asks for as many answers per problem`
        : "add .jsonl to its name",
    });
  }
  if (options.beside !== undefined && resolve(options.beside) === resolve(path)) {
    throw new InputError("--samples and --out name the same file", { repair: "give each a name of its own" });
  }
  await checkWritable(path, { as: "file", flag: "samples" });
}

/**
 * Writes a file of samples while a model answers: one line per completion, none of them kept in memory. The file is
 * there when all is said; after a fault or Ctrl-C nothing of it is.
 */
export async function withSampleFile<T>(
  path: string | undefined,
  options: { readonly benchmarks: readonly Benchmark[] },
  work: (hearing: Pick<EvaluateOptions, "onCompletion">) => Promise<T>,
): Promise<T> {
  if (path === undefined) return await work({});
  const problems = options.benchmarks.flatMap(({ name: suite, problems }) =>
    problems.map((problem) => ({ suite, ...problem }))
  );
  await ensureFolder(dirname(path));
  const file = await FileReplacement.begin(path);
  try {
    const result = await work({
      async onCompletion(completion) {
        const problem = problems[completion.problem];
        if (problem !== undefined) await file.write(sampleLine(completion, { problem }));
      },
    });
    await file.commit();
    return result;
  } catch (fault) {
    await file.discard();
    throw fault;
  }
}
