import { type BenchmarkOutcomes, type Evaluation, type ShiftSample } from "../analysis/mod.ts";
import { canonicalJson, InputError, sha256 } from "../core/mod.ts";
import { type Additions, type LanguageModel, tokenShiftsGraph } from "../decode/mod.ts";
import { GRADER_VERSIONS } from "../problems/mod.ts";
import { type Device, runtimeReport } from "../runtime/mod.ts";
import { evaluateSeeds } from "./_evaluate_seeds.ts";
import { checkPromptRoom, type PromptLengths } from "./_check_prompt_room.ts";
import { ToldMap } from "./_told_map.ts";
import { inputNames, told, treatmentsOf } from "./_treatments.ts";
import { traceShifts } from "./_trace_shifts.ts";
import type { EvaluationPool } from "./evaluation_pool.ts";
import type { Ask, Condition, Measurement, MeasurementStep, ProgressReport } from "./measurement.ts";
import { inTurn, type MeasurementStore } from "./planning_store.ts";
import type { ArchivedEvaluation, SampleArchive } from "./sample_archive.ts";
import { fromRecord } from "./shift_record.ts";
import { sourceChanged, SourceTree } from "./source_tree.ts";
import type { StudyProblem, StudyProblems } from "./study_problems.ts";
import type { StudySize } from "./study_size.ts";
import { additionsOf, type Treatment, treatmentKey } from "./treatment.ts";
import type { RunName, ZooModel } from "./zoo_model.ts";

/** What a laboratory and its parts work out once: all of it follows from inputs alone. */
interface WorkedOut {
  /** The first held-out problems of each set, by how many of each. */
  readonly problems: Map<number, readonly (readonly StudyProblem[])[]>;
  /** How long prompts are. */
  readonly promptLengths: PromptLengths;
  /** Outcomes by their store keys: one object per condition, so that its bootstrap draws are made once. */
  readonly outcomes: Map<string, BenchmarkOutcomes>;
  /** Readings of measurements of a model, by name. */
  readonly readings: WeakMap<ZooModel, Map<string, unknown>>;
}

/** Sources of this package: read once for all laboratories of a process. */
const OWN_SOURCES = new SourceTree();

/** What a laboratory is made of. */
export interface LaboratoryOptions {
  /** What is asked, and who judges the answers. */
  readonly asked: StudyProblems;
  /** How much is measured. */
  readonly size: StudySize;
  /** The first evaluation seed. */
  readonly seed: number;
  /** Where the models compute. `@default "cpu"` */
  readonly device?: Device;
  /** What the models compute in. `@default "float32"` */
  readonly dtype?: LanguageModel["dtype"];
  /** Keeps results between runs. */
  readonly store: MeasurementStore;
  /** The code that measures, whose fingerprint is part of every key. `@default` that of this package */
  readonly sources?: SourceTree | undefined;
  /** Evaluates conditions side by side; the caller closes it. `@default` one after the other, in this thread */
  readonly pool?: EvaluationPool | null;
  /** Keeps what models say in evaluations; the caller closes it. `@default` nothing does */
  readonly archive?: SampleArchive | null;
  /** Told of long work; kept results are silent. */
  readonly report?: ProgressReport | undefined;
  /** Stops at the next report when it is aborted; what was measured stays in the store. */
  readonly signal?: AbortSignal | undefined;
}

/** What a reproduction works with: measurements of conditions, kept in a store under the hash of what made them. */
export class Laboratory {
  /** What is asked, and who judges the answers. */
  readonly asked: StudyProblems;
  /** How much is measured. */
  readonly size: StudySize;
  /** The first evaluation seed. */
  readonly seed: number;
  /** Where the models compute. */
  readonly device: Device;
  /** What they compute in. */
  readonly dtype: LanguageModel["dtype"];
  readonly #options: LaboratoryOptions;
  readonly #sources: SourceTree;
  readonly #pool: EvaluationPool | null;
  readonly #archive: SampleArchive | null;
  #inputs = new Map<string, string>();
  /** Conditions of evaluations in the archive, by their names there. */
  #samples = new Map<string, string>();
  readonly #seedCounts = new Set<number>();
  #parent: Laboratory | null = null;
  #known: WorkedOut = {
    problems: new Map(),
    promptLengths: new WeakMap(),
    outcomes: new Map(),
    readings: new WeakMap(),
  };

  /** A laboratory; `seed` moves the evaluation seeds, `store` keeps results between runs. */
  constructor(options: LaboratoryOptions) {
    this.#options = options;
    this.asked = options.asked;
    this.size = options.size;
    this.seed = options.seed;
    this.device = options.device ?? "cpu";
    this.dtype = options.dtype ?? "float32";
    this.#sources = options.sources ?? OWN_SOURCES;
    this.#pool = options.pool ?? null;
    this.#archive = options.archive ?? null;
  }

  /** Hashes of every model, vector file and problem set used so far, by name. */
  get inputs(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#inputs].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Names files among the inputs that an item reads by itself, with their hashes, rather than by a measurement. */
  noteInputs(inputs: Readonly<Record<string, string>>): void {
    for (const [name, hash] of Object.entries(inputs)) this.#inputs.set(name, hash);
  }

  /** The evaluation seeds of everything that is sampled. */
  get seeds(): readonly number[] {
    return Array.from({ length: this.size.evaluationSeeds }, (_, turn) => this.seed + turn);
  }

  /** How many evaluation seeds sampled measurements had, each count once, from the smallest. */
  get evaluationSeedCounts(): readonly number[] {
    return [...this.#seedCounts].sort((a, b) => a - b);
  }

  /**
   * A laboratory with the same settings, store and workers that knows its own inputs and seeds alone; this one knows
   * them too. A run of several items gives each a part, an item that runs others tells by it what each was made of.
   */
  part(): Laboratory {
    const part = new Laboratory(this.#options);
    part.#parent = this;
    part.#known = this.#known;
    part.#inputs = new ToldMap(this.#inputs);
    part.#samples = new ToldMap(this.#samples);
    return part;
  }

  /**
   * What `compute` reads off measurements of a model, once for this laboratory and its parts. It must follow from the
   * laboratory's settings and the model alone, and measure nothing: what is measured is asked for before, so that each
   * part knows its inputs.
   */
  reading<T>(zoo: ZooModel, what: string, compute: () => T): T {
    const known = this.#known.readings.get(zoo) ?? new Map<string, unknown>();
    this.#known.readings.set(zoo, known);
    if (!known.has(what)) known.set(what, compute());
    return known.get(what) as T;
  }

  /** The first held-out problems, as many of each set as it has; `count` is that of all sets. */
  problems(count: number): readonly StudyProblem[] {
    return this.#problemsOf(Math.ceil(count / this.asked.sets.length)).flat().slice(0, count);
  }

  /**
   * Held-out problems that accuracies are not measured on, where the sets have more: those that come after them. What is
   * chosen on these and tried on the others owes nothing to the choice. `count` is that of all sets.
   */
  unmeasuredProblems(count: number): readonly StudyProblem[] {
    const perSet = Math.ceil(count / this.asked.sets.length), skipped = Math.max(this.size.problems, perSet);
    return this.#problemsOf(skipped + perSet).flatMap((problems) => problems.slice(skipped)).slice(0, count);
  }

  #problemsOf(perSet: number): readonly (readonly StudyProblem[])[] {
    const problems = this.#known.problems.get(perSet) ?? this.asked.sets.map(({ first }) => first(perSet));
    this.#known.problems.set(perSet, problems);
    return problems;
  }

  /**
   * Outcomes of a condition on the held-out sets: [training seed][evaluation seed][problem][sample] by set. The base
   * model has one training seed. Greedy decoding has one evaluation seed.
   *
   * @throws InputError for missing or wrong vectors, and when an answer may not fit the model's positions;
   * the signal's reason when it is aborted.
   */
  async outcomes(condition: Condition): Promise<BenchmarkOutcomes> {
    const { zoo, run, prefix = "", system, decoding } = condition;
    const { maxNewTokens } = this.size, { problems: perSet = this.size.problems } = condition;
    const { sets } = this.asked, bySet = this.#problemsOf(perSet), problems = bySet.flat();
    // A problem is drawn under the same number whatever is asked beside it: conditions stay paired answer by answer.
    const usual = this.size.problems, usualBySet = this.#problemsOf(usual);
    const starts = usualBySet.map((_, s) =>
      usualBySet.slice(0, s).reduce((sum, { length }) => sum + length, 0)
    );
    const numbers = perSet === usual ? {} : {
      // Those beyond the usual ones come behind all of these, the sets by turns.
      numbers: bySet.flatMap((list, s) =>
        list.map((_, place) => place < usual ? (starts[s] as number) + place : place * sets.length + s)
      ),
    };
    // Greedy answers are all the same one.
    const samples = bySet.flatMap((list, s) =>
      list.map(() => decoding === "greedy" ? 1 : sets[s]?.samples ?? 1)
    );
    const several = samples.some((count) => count > 1) ? { samples } : {};
    const seeds = decoding === "greedy" ? this.seeds.slice(0, 1) : this.seeds;
    const treatments = run === null ? [null] : await treatmentsOf(zoo, run);
    const runName = condition.label ??
      (run === null ? "base" : typeof run === "string" ? run : treatments[0]?.name ?? "");
    if (decoding === "sampling") this.#countSeeds(seeds.length);
    const said = [...(prefix === "" ? [] : [`+ "${prefix}"`]), decoding];
    const label = [zoo.entry.name, runName, ...said].join(" ");
    const count = samples.reduce((sum, of) => sum + of, 0) * seeds.length, done = new Map<number, number>();
    const keys: unknown[] = [];
    for (const treatment of treatments) {
      const parents = await this.#parents({
        code: import.meta.url,
        zoo,
        treatments: treatment === null ? [] : [treatment],
        problems,
        prefix,
        system,
      });
      keys.push({
        ...parents,
        kind: "outcomes",
        seeds,
        decoding,
        prefix,
        system: system ?? null,
        maxNewTokens,
        ...numbers,
        ...several,
      });
    }
    const measure = async (turn: number): Promise<Evaluation["outcomes"]> => {
      const onProgress = (answers: number) => {
        done.set(turn, answers);
        const sum = treatments.reduce((total, _, other) => total + (done.get(other) ?? 0), 0);
        this.#progress({ label, done: sum, total: treatments.length * count, unit: "answers" });
      };
      const treatment = treatments[turn] ?? null;
      const ofTurn = [zoo.entry.name, ...told(treatment?.name ?? "base", condition.label), ...said].join(" ");
      const ask: Ask = {
        ...{
          label: ofTurn,
          kind: "outcomes",
          model: zoo.entry.name,
          total: count,
          unit: "answers",
          maxNewTokens,
        },
        inputs: inputNames(treatment === null ? [] : [treatment]),
        standIn: () => seeds.map(() => samples.map((of) => Array(of).fill(0))),
      };
      const outcomes = await this.#heard(keys[turn], ask, {
        condition: ofTurn,
        problems: bySet.flatMap((list, s) =>
          list.map((problem) => ({ ...problem, suite: sets[s]?.name as string }))
        ),
        evaluate: async (hearing) => {
          if (this.#pool === null) onProgress(0); // a pool says when its turn has come
          return await evaluateSeeds(zoo, {
            pool: this.#pool,
            device: this.device,
            problems,
            ...numbers,
            ...several,
            asked: this.asked,
            maxNewTokens,
            seeds,
            temperature: decoding === "greedy" ? 0 : 1,
            answerPrefix: prefix,
            system,
            ...additionsOf(treatment),
            onProgress,
            ...hearing,
          });
        },
      });
      done.set(turn, count);
      return outcomes;
    };
    // Without a pool one training seed is finished, and kept, before the next begins.
    const tables: Evaluation["outcomes"][] = [];
    if (this.#pool === null) { for (const turn of treatments.keys()) tables.push(await measure(turn)); }
    else tables.push(...await Promise.all(treatments.map((_, turn) => measure(turn))));
    const conditionKey = canonicalJson(keys);
    const outcomes = this.#known.outcomes.get(conditionKey) ??
      Object.fromEntries(sets.map(({ name }, s) => {
        const from = bySet.slice(0, s).reduce((sum, { length }) => sum + length, 0);
        const to = from + (bySet[s]?.length ?? 0);
        return [name, tables.map((bySeed) => bySeed.map((byProblem) => byProblem.slice(from, to)))];
      }));
    this.#known.outcomes.set(conditionKey, outcomes);
    return outcomes;
  }

  /**
   * Outcomes of several conditions, in their order: side by side where there is a pool, so that no worker waits for the
   * last answers of one condition before the next begins; one after the other where there is none.
   *
   * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}.
   */
  async outcomesOf<const Conditions extends readonly Condition[]>(
    conditions: Conditions,
  ): Promise<{ readonly [Place in keyof Conditions]: BenchmarkOutcomes }> {
    const found: BenchmarkOutcomes[] = [];
    const sideBySide = this.#pool === null ? 1 : conditions.length;
    for (let first = 0; first < conditions.length; first += sideBySide) {
      const asked = conditions.slice(first, first + sideBySide);
      found.push(...await Promise.all(asked.map((condition) => this.outcomes(condition))));
    }
    return found as { readonly [Place in keyof Conditions]: BenchmarkOutcomes };
  }

  /**
   * The result of `compute`, kept under the hash of the measurement, its code, the evaluation seeds and the longest
   * answer. It must be a pure function of these and give a value that JSON can carry; `compute` tells how much of
   * `total` is done.
   *
   * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}.
   */
  async measure<T>(
    measurement: Measurement,
    compute: (onProgress: (done: number) => void) => Promise<T>,
  ): Promise<T> {
    const { kind, zoo, problems, runs, graphs = [], settings, label, example = false } = measurement;
    const { total = problems.length, unit = "texts" } = measurement, { maxNewTokens } = this.size;
    if (!example) this.#countSeeds(this.seeds.length);
    const parents = await this.#parents({ treatments: [], ...measurement });
    const sequences = [
      ...new Set([
        ...runs.map((run) => zoo.model.sequenceGraphHash(run)),
        ...graphs.map((graph) => zoo.model.ownGraphHash(graph)),
      ]),
    ]
      .sort();
    if (sequences.length > 0) {
      this.#inputs.set(`graphs.${kind}.${zoo.entry.name}`, sha256(canonicalJson(sequences)));
    }
    const seeds = example ? this.seeds.slice(0, 1) : this.seeds;
    const key = { ...parents, kind, settings, sequences, seeds, maxNewTokens };
    const onProgress = (done: number) => this.#progress({ label: ask.label, done, total, unit });
    const model = zoo.entry.name;
    const inputs = inputNames(measurement.treatments ?? []);
    const ask: Ask = { label: `${model} ${label}`, kind, model, inputs, total, unit, maxNewTokens };
    return await this.#kept(key, ask, () => {
      onProgress(0);
      return compute(onProgress);
    });
  }

  /**
   * What one run's vectors change in the next-token distributions along answers that the steered model wrote itself
   * at temperature 1, by the evaluation seeds in turn: two passes over each text, base and steered, in float32. One
   * list per training seed.
   * Source: Figures 3 and 19, section 6 (class: code); problems are held out, where the published ones were trained on.
   *
   * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}.
   */
  async shifts(
    options: {
      readonly zoo: ZooModel;
      readonly run: RunName | readonly Treatment[];
      /** Tokens whose Δp is kept at every position. */
      readonly follow: readonly number[];
    },
  ): Promise<readonly (readonly ShiftSample[])[]> {
    const { zoo, run, follow } = options, problems = this.problems(this.size.traced);
    const treatments = await treatmentsOf(zoo, run);
    return await inTurn(treatments.map((treatment) => async () => {
      const records = await this.measure(
        {
          kind: "shifts",
          code: import.meta.url,
          zoo,
          treatments: [treatment],
          problems,
          settings: { follow },
          runs: [],
          graphs: [tokenShiftsGraph(zoo.model, { additions: additionsOf(treatment) })],
          label: `${treatment.name} shifts`,
        },
        (onProgress) => traceShifts(this, { zoo, treatment, problems, follow, onProgress }),
      );
      return records.map(fromRecord);
    }));
  }

  /** Outcomes as the store keeps them; for an archive also what was said, which needs the evaluation once more. */
  async #heard(key: unknown, ask: Ask, evaluation: ArchivedEvaluation): Promise<Evaluation["outcomes"]> {
    if (this.#archive === null) return await this.#kept(key, ask, () => evaluation.evaluate({}));
    const name = sha256(canonicalJson(key));
    this.#samples.set(name, evaluation.condition);
    const said = await this.#archive.outcomes(name, evaluation);
    const kept = await this.#kept(key, ask, () => Promise.resolve(said));
    if (canonicalJson(kept) === canonicalJson(said)) return said;
    throw new InputError(`other answers of ${evaluation.condition} than an earlier run kept`, {
      repair: "measure everything again with --no-cache",
    });
  }

  /** Writes what models said in this laboratory's evaluations to a file; returns how many evaluations those are. */
  async writeSamples(path: string): Promise<number> {
    if (this.#samples.size > 0) await this.#archive?.writeFile(path, this.#samples.keys());
    return this.#samples.size;
  }

  /** What the store keeps under a key, or is to keep: not if the code that made it may be another than the key says. */
  #kept<T>(key: unknown, ask: Ask, compute: () => Promise<T>): Promise<T> {
    return this.#options.store.get(key, async () => {
      const result = await compute();
      const changed = this.#sources.changed();
      if (changed !== null) throw sourceChanged(changed);
      return result;
    }, ask);
  }

  /** Everything a measurement of this model depends on, for store keys; noted as inputs of the metrics too. */
  async #parents(
    measured: {
      readonly code: string;
      readonly zoo: ZooModel;
      readonly treatments: readonly Treatment[];
      readonly problems: readonly StudyProblem[];
      readonly prefix?: string;
      readonly system?: string | undefined;
    },
  ) {
    const { code, zoo, treatments, problems } = measured;
    const { template, grader } = this.asked, { maxNewTokens } = this.size;
    checkPromptRoom(zoo, { ...measured, template, maxNewTokens, known: this.#known.promptLengths });
    const { name } = zoo.entry;
    const model = await zoo.model.checkpoint.hash();
    const tokenizer = zoo.tokenizer.hash;
    const problemHash = sha256(canonicalJson(problems));
    // The base model writes texts too.
    const rollouts: readonly Additions[] = [{}, ...treatments];
    const graphs = [...new Set(rollouts.map((additions) => zoo.model.graphHash(additions)))];
    this.#inputs.set(`model.${name}`, model);
    this.#inputs.set(`tokenizer.${name}`, tokenizer);
    this.#inputs.set(`problems.${problems.length}`, problemHash);
    this.#inputs.set(`graph.rollout.${name}`, zoo.model.graphHash());
    for (const { inputs } of treatments) this.noteInputs(inputs);
    return {
      template,
      grader: { name: grader, version: GRADER_VERSIONS[grader] },
      code: this.#sources.fingerprint([...new Set([import.meta.url, code])]),
      model,
      tokenizer,
      graphs,
      problems: problemHash,
      treatments: treatments.map(treatmentKey),
      device: this.device,
      runtime: {
        onnxruntime: runtimeReport().version,
        deno: Deno.version.deno,
        machine: `${Deno.build.os} ${Deno.build.arch}`,
      },
    };
  }

  #countSeeds(count: number): void {
    this.#seedCounts.add(count);
    if (this.#parent !== null) this.#parent.#countSeeds(count);
  }

  #progress(step: MeasurementStep): void {
    this.#options.signal?.throwIfAborted();
    this.#options.report?.(step);
  }
}
