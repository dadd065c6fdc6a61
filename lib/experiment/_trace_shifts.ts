import { probabilityShift } from "../analysis/mod.ts";
import { tensor } from "../core/mod.ts";
import type { PromptTemplate } from "../problems/mod.ts";
import { writeAnswers } from "./_write_answers.ts";
import { type ShiftRecord, toRecord } from "./shift_record.ts";
import type { StudyProblem } from "./study_problems.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo.ts";

/** Texts that go through the sequence graph together: both passes' logits are held at once. */
const BATCH_SIZE = 16;

/**
 * Answers of the steered model at temperature 1, one per problem, and what steering changes at each of their
 * positions: a pass over each text without and one with the vectors. `onProgress` counts texts; writing an answer and
 * reading it count as half each.
 */
export async function traceShifts(
  zoo: ZooModel,
  options: {
    readonly treatment: Treatment;
    readonly problems: readonly StudyProblem[];
    readonly template: PromptTemplate;
    readonly follow: readonly number[];
    readonly seeds: readonly number[];
    readonly maxNewTokens: number;
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly ShiftRecord[]> {
  const { treatment, problems, template, follow, seeds, maxNewTokens, onProgress } = options;
  const { model } = zoo;
  const rollouts = await writeAnswers(zoo, {
    treatment,
    problems,
    template,
    seeds,
    maxNewTokens,
    onProgress: (done) => onProgress(Math.floor(done / 2)),
  });
  const records: ShiftRecord[] = [];
  for (let start = 0; start < rollouts.length; start += BATCH_SIZE) {
    const batch = rollouts.slice(start, start + BATCH_SIZE);
    const texts = batch.map((rollout) => [...rollout.promptTokens, ...rollout.tokens]);
    const base = await model.run(texts), steered = await model.run(texts, additionsOf(treatment));
    const [, seq, vocab] = base.logits?.dims as readonly [number, number, number];
    batch.forEach((rollout, row) => {
      const first = rollout.promptTokens.length - 1, count = rollout.tokens.length + 1;
      const answerRows = (logits: Float32Array) => {
        const from = (row * seq + first) * vocab;
        return tensor("float32", [count, vocab], logits.subarray(from, from + count * vocab));
      };
      const shift = probabilityShift({
        base: answerRows(base.logits?.data as Float32Array),
        steered: answerRows(steered.logits?.data as Float32Array),
      }, { follow });
      records.push(
        toRecord({ tokens: texts[row] as number[], promptLength: rollout.promptTokens.length, shift }),
      );
    });
    onProgress(Math.floor((rollouts.length + records.length) / 2));
  }
  return records;
}
