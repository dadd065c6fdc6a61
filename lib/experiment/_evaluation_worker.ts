import { evaluate } from "../analysis/mod.ts";
import { InputError } from "../core/mod.ts";
import { LanguageModel } from "../decode/mod.ts";
import type { EvaluationReply, EvaluationTask } from "./evaluation_pool.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<EvaluationTask>) => void) | null;
  postMessage(reply: EvaluationReply): void;
}

const scope = globalThis as unknown as WorkerScope;
let opened: { readonly folder: string; readonly model: Promise<LanguageModel> } | null = null;

/** One model stays open: a pool asks for the same one again and again. */
function modelOf(task: EvaluationTask): Promise<LanguageModel> {
  if (opened?.folder !== task.modelFolder) {
    opened = {
      folder: task.modelFolder,
      model: LanguageModel.open(task.modelFolder, { device: task.device, threads: 1 }),
    };
  }
  return opened.model;
}

scope.onmessage = async ({ data: task }) => {
  try {
    const { outcomes } = await evaluate(await modelOf(task), {
      ...task.options,
      onProgress: (done) => scope.postMessage({ kind: "progress", done }),
    });
    scope.postMessage({ kind: "outcomes", outcomes });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ kind: "fault", message, input: error instanceof InputError });
  }
};
