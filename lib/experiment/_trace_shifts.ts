import { type ComparedDistributions, tokenShifts } from "../decode/mod.ts";
import { type Asking, writeAnswers } from "./_write_answers.ts";
import { type ShiftRecord, toRecord } from "./shift_record.ts";
import type { StudyProblem } from "./study_problems.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/**
 * Answers of the steered model at temperature 1, one per problem, and what steering changes at each of their
 * positions: a pass over each text without and one with the vectors, compared in the graph. `onProgress` counts texts;
 * writing an answer and reading it count as half each.
 */
export async function traceShifts(
  asking: Asking,
  options: {
    readonly zoo: ZooModel;
    readonly treatment: Treatment;
    readonly problems: readonly StudyProblem[];
    readonly follow: readonly number[];
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly ShiftRecord[]> {
  const { zoo, treatment, follow, onProgress } = options;
  const rollouts = await writeAnswers(asking, {
    ...options,
    onProgress: (done) => onProgress(Math.floor(done / 2)),
  });
  const records: ShiftRecord[] = [];
  for (const { promptTokens, tokens } of rollouts) {
    const text = [...promptTokens, ...tokens];
    const read = { tokens: text, from: promptTokens.length - 1, rows: tokens.length + 1 };
    const [pair] = await tokenShifts(zoo.model, read, { additions: additionsOf(treatment), follow });
    const { shift } = pair as ComparedDistributions;
    records.push(toRecord({ tokens: text, promptLength: promptTokens.length, shift }));
    onProgress(Math.floor((rollouts.length + records.length) / 2));
  }
  return records;
}
