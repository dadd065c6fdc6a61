/**
 * Pages to look at: the study and the explorer. What a page is made of comes from the caller; scripts that run in the
 * pages are entries of a bundle: explorer.ts, figures.ts, samples.ts, study.ts, worker.ts.
 *
 * @module
 */
export { type AnswerShifts, answerShifts } from "./answer_shifts.ts";
export { documentPage } from "./document_page.ts";
export { explorerPage } from "./explorer_page.ts";
export type { ExplorerManifest } from "./explorer_state.ts";
export { type SampleIndex, samplesPage, type SampleView } from "./samples_page.ts";
export { type Study, type StudyItem, studyPage, type StudyRun } from "./study_page.ts";
