import type { OwnGraph, RunOptions } from "../decode/mod.ts";
import type { StudyProblem } from "./study_problems.ts";
import type { Treatment } from "./treatment.ts";
import type { RunName, ZooModel } from "./zoo_model.ts";

/** A condition whose accuracy is measured. */
export interface Condition {
  /** The model. */
  readonly zoo: ZooModel;
  /** A run of the zoo with every training seed, or treatments in their place; null is the base model. */
  readonly run: RunName | readonly Treatment[] | null;
  /** Text put at the start of each answer. `@default ""` */
  readonly prefix?: string;
  /** What the system message says. `@default` the template's */
  readonly system?: string | undefined;
  /** `sampling` is at temperature 1. */
  readonly decoding: "greedy" | "sampling";
  /** Held-out problems per set. `@default` the study's */
  readonly problems?: number;
  /** In messages, in place of the run's name. `@default` the run's name, or that of the first treatment */
  readonly label?: string;
}

/** A measurement that is kept under the hash of all that it depends on. */
export interface Measurement {
  /** What is computed, in words. */
  readonly kind: string;
  /** The module that computes it, as its `import.meta.url`: what it runs is part of the key, source by source. */
  readonly code: string;
  /** The model. */
  readonly zoo: ZooModel;
  /** What is added to it. `@default []` */
  readonly treatments?: readonly Treatment[];
  /** What it answers. */
  readonly problems: readonly StudyProblem[];
  /** Everything else that decides the result, as JSON. */
  readonly settings: unknown;
  /** What the runs over whole sequences tap and change: the graphs of these are part of the key. */
  readonly runs: readonly RunOptions[];
  /** Other graphs that it runs. `@default []` */
  readonly graphs?: readonly OwnGraph[];
  /** In messages, after the model's name: "layer-3 shifts". */
  readonly label: string;
  /** How many units there are. `@default` as many as problems */
  readonly total?: number;
  /** What is counted. `@default "texts"` */
  readonly unit?: MeasurementStep["unit"];
  /** Whether the result is a text to look at, drawn under the first seed, and no estimate. `@default false` */
  readonly example?: boolean;
}

/** How far one measurement is. */
export interface MeasurementStep {
  /** The condition: "base-a layer-3 sampling". */
  readonly label: string;
  /** What is done already, results kept by the store included. The first report of a measurement comes before work. */
  readonly done: number;
  /** How many units there are. */
  readonly total: number;
  /** What is counted. */
  readonly unit: "answers" | "texts";
}

/** Reports long work: what is being done, how far it is. */
export type ProgressReport = (step: MeasurementStep) => void;

/** What a measurement is, for whoever plans it or is to say what is missing. */
export interface Ask {
  /** What is measured: "base-a layer-3.seed-0 sampling". */
  readonly label: string;
  /** "outcomes", or the kind of another measurement. */
  readonly kind: string;
  /** Name of the model. */
  readonly model: string;
  /** Names of the files that it is made of beside the model, as they stand among the inputs of metrics. */
  readonly inputs: readonly string[];
  /** How many units there are. */
  readonly total: number;
  /** What is counted. */
  readonly unit: MeasurementStep["unit"];
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
  /** A value of the result's shape that a plan goes on with. `@default` none has a sense: a plan stops there */
  readonly standIn?: () => unknown;
}
