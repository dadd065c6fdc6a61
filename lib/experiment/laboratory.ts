import { type BenchmarkOutcomes, evaluate, probabilityShift, type ShiftSample } from "../analysis/mod.ts";
import { canonicalJson, sha256, tensor } from "../core/mod.ts";
import { answerMessages, FAMILIES, type Problem, testSet } from "../problems/mod.ts";
import { type Device, runtimeReport } from "../runtime/mod.ts";
import { fromRecord, type ShiftRecord, toRecord } from "./shift_record.ts";
import type { ResultStore } from "./store.ts";
import type { RunName, TrainedVectors, ZooModel } from "./zoo.ts";

/** How much is measured. The quick size runs the same code on few problems, for tests. */
export interface StudySize {
  /** Held-out problems per family. */
  readonly problems: number;
  /** Evaluation seeds at temperature 1. */
  readonly evaluationSeeds: number;
  /** Problems whose answers are traced token by token. */
  readonly traced: number;
  readonly maxNewTokens: number;
}

/** The sizes that the figures are made at. */
export const STUDY_SIZES: { readonly [Name in "full" | "quick"]: StudySize } = {
  full: { problems: 32, evaluationSeeds: 3, traced: 192, maxNewTokens: 72 },
  quick: { problems: 4, evaluationSeeds: 2, traced: 12, maxNewTokens: 72 },
};

/** A condition whose accuracy is measured. */
export interface Condition {
  readonly zoo: ZooModel;
  /** Trained vectors, every training seed of the run; null is the base model. */
  readonly run: RunName | null;
  /** Text put at the start of each answer. `@default ""` */
  readonly prefix?: string;
  readonly decoding: "greedy" | "sampling";
}

/** Reports long work: what is being done, how far it is. */
export type ProgressReport = (
  step: { readonly label: string; readonly done: number; readonly total: number },
) => void;

/** What a reproduction works with: measurements of conditions, kept in a store under the hash of what made them. */
export class Laboratory {
  readonly size: StudySize;
  readonly seed: number;
  readonly device: Device;
  readonly #store: ResultStore;
  readonly #report: ProgressReport;
  readonly #inputs = new Map<string, string>();
  readonly #signal: AbortSignal | null;

  /** A laboratory; `seed` moves the evaluation seeds, `store` keeps results between runs. */
  constructor(
    options: {
      readonly size: StudySize;
      readonly seed: number;
      /** Where the models compute. `@default "cpu"` */
      readonly device?: Device;
      readonly store: ResultStore;
      readonly report?: ProgressReport;
      readonly signal?: AbortSignal;
    },
  ) {
    this.size = options.size;
    this.seed = options.seed;
    this.device = options.device ?? "cpu";
    this.#store = options.store;
    this.#report = options.report ?? (() => {});
    this.#signal = options.signal ?? null;
  }

  /** Hashes of every model, vector file and problem set used so far, by name. */
  get inputs(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#inputs].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * Outcomes of a condition on the six held-out families: [training seed][evaluation seed][problem][sample] by
   * family. The base model has one training seed. Greedy decoding has one evaluation seed.
   */
  async outcomes(condition: Condition): Promise<BenchmarkOutcomes> {
    const { zoo, run, prefix = "", decoding } = condition;
    const { problems: perFamily, maxNewTokens } = this.size;
    const problems = FAMILIES.flatMap((family) => testSet(family, { size: perFamily }));
    const seeds = decoding === "greedy"
      ? [this.seed]
      : Array.from({ length: this.size.evaluationSeeds }, (_, turn) => this.seed + turn);
    const runs = run === null ? [null] : await zoo.trainedVectors(run);
    const tables: (readonly (readonly (readonly number[])[])[])[] = [];
    for (const trained of runs) {
      const key = {
        ...await this.#parents(zoo, trained, problems),
        kind: "outcomes",
        seeds,
        decoding,
        prefix,
        maxNewTokens,
      };
      const label = [
        zoo.entry.name,
        this.#name(run, trained),
        prefix === "" ? "" : `+ "${prefix}"`,
        decoding,
      ];
      tables.push(
        await this.#store.get(key, async () => {
          const { outcomes } = await evaluate(zoo.model, {
            problems,
            maxNewTokens,
            seeds,
            temperature: decoding === "greedy" ? 0 : 1,
            answerPrefix: prefix,
            ...(trained === null ? {} : { steer: trained.vectors }),
            onProgress: (done, total) =>
              this.#progress(label.filter((part) => part !== "").join(" "), done, total),
          });
          return outcomes;
        }),
      );
    }
    return Object.fromEntries(FAMILIES.map((family, f) => [
      family,
      tables.map((bySeed) => bySeed.map((byProblem) => byProblem.slice(f * perFamily, (f + 1) * perFamily))),
    ]));
  }

  /**
   * What one run's vectors change in the next-token distributions along answers that the steered model wrote itself
   * at temperature 1: two passes over each text, base and steered, in float32. One list per training seed.
   * Source: methods-metrics 2 (class: code); problems are held out, where the published ones were trained on.
   */
  async shifts(
    options: { readonly zoo: ZooModel; readonly run: RunName; readonly follow: readonly number[] },
  ): Promise<readonly (readonly ShiftSample[])[]> {
    const { zoo, run, follow } = options;
    const perFamily = Math.ceil(this.size.traced / FAMILIES.length);
    const problems = FAMILIES.flatMap((family) => testSet(family, { size: perFamily })).slice(
      0,
      this.size.traced,
    );
    const { maxNewTokens } = this.size;
    const traces: (readonly ShiftSample[])[] = [];
    for (const trained of await zoo.trainedVectors(run)) {
      const key = {
        ...await this.#parents(zoo, trained, problems),
        kind: "shifts",
        follow,
        seed: this.seed,
        maxNewTokens,
      };
      const label = `${zoo.entry.name} ${this.#name(run, trained)} shifts`;
      const records = await this.#store.get(
        key,
        () => this.#traceShifts({ zoo, trained, problems, follow, label }),
      );
      traces.push(records.map(fromRecord));
    }
    return traces;
  }

  async #traceShifts(
    options: {
      readonly zoo: ZooModel;
      readonly trained: TrainedVectors;
      readonly problems: readonly Problem[];
      readonly follow: readonly number[];
      readonly label: string;
    },
  ): Promise<readonly ShiftRecord[]> {
    const { zoo, trained, problems, follow, label } = options;
    const { model, tokenizer } = zoo;
    const requests = problems.map((problem, prompt) => ({
      tokens: tokenizer.encodeChat(answerMessages(problem.question)),
      prompt,
      sample: 0,
    }));
    const steer = trained.vectors;
    const rollouts = await model.generate(requests, {
      maxNewTokens: this.size.maxNewTokens,
      seed: this.seed,
      steer,
    });
    const samples: ShiftRecord[] = [];
    const batchSize = 16;
    for (let start = 0; start < rollouts.length; start += batchSize) {
      this.#progress(label, start, rollouts.length);
      const batch = rollouts.slice(start, start + batchSize);
      const texts = batch.map((rollout) => [...rollout.promptTokens, ...rollout.tokens]);
      const base = await model.run(texts), steered = await model.run(texts, { steer });
      const [, seq, vocab] = base.logits?.dims as readonly [number, number, number];
      batch.forEach((rollout, row) => {
        const first = rollout.promptTokens.length - 1, count = rollout.tokens.length + 1;
        const rows = (logits: Float32Array) =>
          tensor(
            "float32",
            [count, vocab],
            logits.subarray((row * seq + first) * vocab, (row * seq + first + count) * vocab),
          );
        const shift = probabilityShift({
          base: rows(base.logits?.data as Float32Array),
          steered: rows(steered.logits?.data as Float32Array),
        }, { follow });
        samples.push(
          toRecord({ tokens: texts[row] as number[], promptLength: rollout.promptTokens.length, shift }),
        );
      });
    }
    return samples;
  }

  /** Everything a measurement of this model depends on, for store keys; noted as inputs of the metrics too. */
  async #parents(zoo: ZooModel, trained: TrainedVectors | null, problems: readonly Problem[]) {
    const model = await zoo.model.checkpoint.hash();
    const tokenizer = zoo.tokenizer.hash;
    const problemHash = sha256(canonicalJson(problems));
    const graph = zoo.model.graphHash();
    this.#inputs.set(`model.${zoo.entry.name}`, model);
    this.#inputs.set(`tokenizer.${zoo.entry.name}`, tokenizer);
    this.#inputs.set(`problems.${problems.length}`, problemHash);
    this.#inputs.set(`graph.rollout.${zoo.entry.name}`, graph);
    return {
      model,
      tokenizer,
      graph,
      problems: problemHash,
      vectors: trained?.hash ?? null,
      device: this.device,
      runtime: runtimeReport().version,
    };
  }

  #name(run: RunName | null, trained: TrainedVectors | null): string {
    if (run === null || trained === null) return "base";
    const name = `${run}.seed-${trained.seed}`;
    this.#inputs.set(`vectors.${name}`, trained.hash);
    return name;
  }

  #progress(label: string, done: number, total: number): void {
    this.#signal?.throwIfAborted();
    this.#report({ label, done, total });
  }
}
