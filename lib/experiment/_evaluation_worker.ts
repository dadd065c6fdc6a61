import { evaluate } from "../analysis/mod.ts";
import { InputError } from "../core/mod.ts";
import { LanguageModel } from "../decode/mod.ts";
import { answerModeOf, graderNamed } from "../problems/mod.ts";
import type { EvaluationReply, EvaluationRequest, EvaluationTask } from "./evaluation_pool.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<EvaluationRequest>) => void) | null;
  postMessage(reply: EvaluationReply): void;
}

const scope = globalThis as unknown as WorkerScope;
let opened: { readonly key: string; readonly model: Promise<LanguageModel> } | null = null;

/** One model stays open: a pool asks for the same one again and again. Another takes its place in memory. */
async function modelOf({ modelFolder, device, dtype, date }: EvaluationTask): Promise<LanguageModel> {
  const key = JSON.stringify([modelFolder, device, dtype, date]);
  if (opened?.key !== key) {
    const before = opened;
    const dated = date === undefined ? {} : { date };
    opened = { key, model: LanguageModel.open(modelFolder, { device, dtype, threads: 1, ...dated }) };
    await before?.model.then((model) => model.release(), () => {}); // a fault of the one before was reported then
  }
  return await opened.model;
}

scope.onmessage = async ({ data: { task, withCompletions } }) => {
  try {
    const { outcomes } = await evaluate(await modelOf(task), {
      ...task.options,
      grade: graderNamed(task.grader ?? "box-number", {
        mode: answerModeOf(task.options.template ?? "embedded"),
      }).grade,
      onProgress: (done) => scope.postMessage({ kind: "progress", done }),
      onCompletion: withCompletions
        ? (completion) => scope.postMessage({ kind: "completion", completion })
        : undefined,
    });
    scope.postMessage({ kind: "outcomes", outcomes });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ kind: "fault", message, input: error instanceof InputError });
  }
};
