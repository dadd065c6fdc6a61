import { canonicalJson, InputError, RandomStream, sha256 } from "../core/mod.ts";
import { AdamW } from "./adamw.ts";
import type { DiffSaeConfig } from "./diff_sae_config.ts";
import { scheduleFactor } from "./schedule.ts";
import type { SparseAutoencoder } from "../vectors/mod.ts";
import { normaliseDecoder, sparseAutoencoderStep } from "./sparse_autoencoder.ts";
import { loadTrainingState, saveTrainingState } from "./training_state.ts";

/** One line of a DiffSAE log. */
export interface DiffSaeStep {
  /** Counts from zero. */
  readonly step: number;
  /** Mean squared error of the batch over the variance of all rows: what is not explained. */
  readonly unexplained: number;
  /** Factor of the schedule on the learning rate. */
  readonly learningRateFactor: number;
  /** Features that were not above 0 for `deadAfterSteps` steps. */
  readonly dead: number;
  /** How many of them were given a new direction. */
  readonly revived: number;
}

/** Result of a DiffSAE run. */
export interface DiffSaeRun {
  /** The autoencoder, in the units of the rows. */
  readonly autoencoder: SparseAutoencoder;
  /** One JSON line per finished step. */
  readonly log: readonly string[];
  /** False after an abort. */
  readonly finished: boolean;
  /** Names the run: hash of its config and its rows. */
  readonly runHash: string;
}

const NAMES = ["encoder", "encoderBias", "decoder", "decoderBias"] as const;
const LAST_FIRED = "lastFired";
/** Steps between pauses in which signals are heard; a step itself never waits for anything. */
const PAUSE_EVERY = 20;

type Values = { readonly [Name in typeof NAMES[number]]: Float32Array };

/** Names a DiffSAE run: hash of everything that decides it. States of unfinished runs and results carry it. */
export function diffSaeRunHash(
  rows: Float32Array,
  config: DiffSaeConfig,
  { embed }: {
    /** Values per row. */
    readonly embed: number;
  },
): string {
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  return sha256(canonicalJson({ config, embed, rows: sha256(bytes) }));
}

/**
 * Trains a TopK sparse autoencoder on differences of residual activations, rows of `embed` values: steered minus base
 * at one site, token by token. Rows are centred and scaled to unit variance per value while training, and the result
 * is turned back into their units. Each step: mean squared error of a batch, AdamW under a cosine, decoder rows kept
 * at norm 1 (the part of their adjoint along themselves is taken out first).
 *
 * Dead features: one that was not above 0 for `deadAfterSteps` steps takes the direction of a row of the current batch
 * that is badly explained, drawn in proportion to its squared error, with the mean norm of the living encoder rows, no
 * bias and no moments. In the last `deadAfterSteps` steps none is revived, since it could not be trained any more.
 *
 * Everything is a pure function of (config, rows, step): a killed run that resumes ends with the same bytes.
 *
 * Source: DiffSAE, a sparse autoencoder on activation differences (class: caption for what it is, review for Figures 7
 * and 8); form, sizes and the treatment of dead features are ours.
 *
 * `@default {saveEvery: 500}`
 *
 * @throws {InputError} when `folder` holds the state of another run or a damaged one.
 * @throws {RangeError} for rows that are not whole, not finite, or do not vary.
 */
export async function trainDiffSae(
  rows: Float32Array,
  config: DiffSaeConfig,
  options: {
    /** Values per row. */
    readonly embed: number;
    /** Keeps the state between calls. */
    readonly folder: string;
    readonly saveEvery?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (line: DiffSaeStep) => void;
  },
): Promise<DiffSaeRun> {
  const { embed, folder, saveEvery = 500 } = options;
  const { features, active, steps, seed } = config;
  const { centre, scale, count } = statistics(rows, embed);
  const runHash = diffSaeRunHash(rows, config, { embed });

  const resumed = await loadTrainingState(folder, runHash);
  const values = resumed === null
    ? initialValues(config, { embed, centre, scale })
    : savedValues(resumed.parameters, { features, embed, folder });
  const lastFired = resumed?.parameters.get(LAST_FIRED) ?? new Float32Array(features);
  const parameters = new Map(NAMES.map((name) => [name as string, values[name]]));
  const optimizer = new AdamW(parameters, { state: resumed?.optimizer });
  const working: SparseAutoencoder = { embed, features, active, ...values };
  const log = [...(resumed?.log ?? [])];
  const schedule = {
    warmupSteps: Math.ceil(config.warmupShare * steps),
    decay: "cosine",
    totalSteps: steps,
  } as const;
  const save = () =>
    saveTrainingState(folder, {
      runHash,
      parameters: new Map([...parameters, [LAST_FIRED, lastFired]]),
      optimizer: optimizer.state,
      log,
    });
  const result = (finished: boolean): DiffSaeRun => ({
    autoencoder: unscaled(working, scale),
    log,
    finished,
    runHash,
  });
  const batchOf = batches(rows, { embed, count, scale, batch: config.batch, seed });

  for (let step = optimizer.state.step; step < steps; step++) {
    if (step % PAUSE_EVERY === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    if (options.signal?.aborted === true) {
      await save();
      return result(false);
    }
    const batch = batchOf(step);
    const { loss, adjoints, codes, residuals } = sparseAutoencoderStep(working, batch);
    if (!Number.isFinite(loss)) {
      throw new RangeError(`Cannot train as the error must be finite: step ${step} gave ${loss}`);
    }
    takeOutRadial(adjoints.decoder as Float32Array, working);
    const factor = scheduleFactor(schedule, step);
    optimizer.step(new Map(NAMES.map((name) => [name as string, adjoints[name] as Float32Array])), {
      learningRate: factor * config.learningRate,
    });
    normaliseDecoder(working);
    codes.values.forEach((value, k) => {
      if (value > 0) lastFired[codes.indices[k] as number] = step + 1;
    });
    const dead = Array.from(lastFired.keys()).filter((f) =>
      step + 1 - (lastFired[f] as number) >= config.deadAfterSteps
    );
    const mayRevive = step + 1 < steps - config.deadAfterSteps;
    const revived = mayRevive
      ? revive(dead, { working, residuals, optimizer, stream: new RandomStream(seed, "revival", step) })
      : [];
    for (const feature of revived) lastFired[feature] = step + 1;
    const line: DiffSaeStep = {
      step,
      unexplained: Number(loss.toPrecision(6)),
      learningRateFactor: Number(factor.toPrecision(6)),
      dead: dead.length,
      revived: revived.length,
    };
    log.push(JSON.stringify(line));
    options.onStep?.(line);
    if ((step + 1) % saveEvery === 0) await save();
  }
  return result(true);
}

/** Mean of the rows, and the standard deviation of a value about it, both over all rows. */
function statistics(rows: Float32Array, embed: number) {
  const count = rows.length / embed;
  if (!Number.isInteger(embed) || embed < 1 || !Number.isInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot train on rows as they must have ${embed} values each: there are ${rows.length} in all`,
    );
  }
  const centre = new Float64Array(embed);
  for (let at = 0; at < rows.length; at++) {
    const value = rows[at] as number;
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot train on rows as they must be finite: value ${at} is ${value}`);
    }
    centre[at % embed] = (centre[at % embed] as number) + value / count;
  }
  let sum = 0;
  for (let at = 0; at < rows.length; at++) {
    sum += ((rows[at] as number) - (centre[at % embed] as number)) ** 2;
  }
  if (sum === 0) throw new RangeError(`Cannot train on rows as they must vary: all ${count} are equal`);
  return { centre, scale: Math.sqrt(sum / rows.length), count };
}

/** Random unit directions, an encoder that reads along them, and the mean row as what is always there. */
function initialValues(
  config: DiffSaeConfig,
  data: { readonly embed: number; readonly centre: Float64Array; readonly scale: number },
): Values {
  const { features, seed } = config, { embed, centre, scale } = data;
  const stream = new RandomStream(seed, "directions");
  const decoder = Float32Array.from({ length: features * embed }, () => stream.normal());
  const values = {
    encoder: decoder,
    encoderBias: new Float32Array(features),
    decoder,
    decoderBias: Float32Array.from(centre, (value) => value / scale),
  };
  normaliseDecoder({ embed, features, active: config.active, ...values });
  return { ...values, encoder: decoder.slice() };
}

function savedValues(
  saved: ReadonlyMap<string, Float32Array>,
  sizes: { readonly features: number; readonly embed: number; readonly folder: string },
): Values {
  const { features, embed, folder } = sizes;
  const read = (name: string, length: number): Float32Array => {
    const values = saved.get(name);
    if (values?.length === length) return values;
    throw new InputError(
      `the unfinished run in this folder is damaged, it has no "${name}" of ${length} values`,
      { where: folder, repair: "remove its state file and start again" },
    );
  };
  read(LAST_FIRED, features);
  return {
    encoder: read("encoder", features * embed),
    encoderBias: read("encoderBias", features),
    decoder: read("decoder", features * embed),
    decoderBias: read("decoderBias", embed),
  };
}

/** The rows of a step, scaled: epoch after epoch in an order of its own, so that a step alone decides what it sees. */
function batches(
  rows: Float32Array,
  options: {
    readonly embed: number;
    readonly count: number;
    readonly scale: number;
    readonly batch: number;
    readonly seed: number;
  },
): (step: number) => Float32Array {
  const { embed, count, scale, batch, seed } = options;
  const all = Array.from({ length: count }, (_, row) => row);
  let epoch = -1, order: readonly number[] = [];
  return (step) => {
    const result = new Float32Array(batch * embed);
    for (let place = 0; place < batch; place++) {
      const turn = step * batch + place, now = Math.floor(turn / count);
      if (now !== epoch) [epoch, order] = [now, new RandomStream(seed, "rows", now).shuffled(all)];
      const from = (order[turn % count] as number) * embed;
      for (let e = 0; e < embed; e++) result[place * embed + e] = (rows[from + e] as number) / scale;
    }
    return result;
  };
}

/** Takes the part of each decoder row's adjoint along the row out: it would only change the norm, which is fixed. */
function takeOutRadial(adjoint: Float32Array, { embed, features, decoder }: SparseAutoencoder): void {
  for (let f = 0; f < features; f++) {
    let along = 0;
    for (let at = f * embed; at < (f + 1) * embed; at++) {
      along += (adjoint[at] as number) * (decoder[at] as number);
    }
    for (let at = f * embed; at < (f + 1) * embed; at++) {
      adjoint[at] = (adjoint[at] as number) - along * (decoder[at] as number);
    }
  }
}

/** Gives dead features the directions of badly explained rows, each row to one feature; returns those it served. */
function revive(
  dead: readonly number[],
  run: {
    readonly working: SparseAutoencoder;
    /** x̂ − x of the batch. */
    readonly residuals: Float64Array;
    readonly optimizer: AdamW;
    readonly stream: RandomStream;
  },
): readonly number[] {
  if (dead.length === 0) return [];
  const { working, residuals, optimizer, stream } = run;
  const { embed, features, encoder, encoderBias, decoder } = working;
  const norm = (values: ArrayLike<number>, row: number) => {
    let sum = 0;
    for (let at = row * embed; at < (row + 1) * embed; at++) sum += (values[at] as number) ** 2;
    return Math.sqrt(sum);
  };
  const deadSet = new Set(dead);
  let normSum = 0;
  for (let f = 0; f < features; f++) if (!deadSet.has(f)) normSum += norm(encoder, f);
  const encoderNorm = dead.length === features ? 1 : normSum / (features - dead.length);
  const weights = Array.from({ length: residuals.length / embed }, (_, row) => norm(residuals, row) ** 2);
  const served: number[] = [];
  for (const feature of dead) {
    if (!weights.some((weight) => weight > 0)) break;
    const row = stream.weighted(weights), length = Math.sqrt(weights[row] as number);
    // The last row is what is left over by rounding, and may have been taken.
    if (length === 0) break;
    weights[row] = 0;
    for (let e = 0; e < embed; e++) {
      const direction = -(residuals[row * embed + e] as number) / length, at = feature * embed + e;
      decoder[at] = direction;
      encoder[at] = encoderNorm * direction;
      for (const moments of [optimizer.state.first, optimizer.state.second]) {
        for (const name of ["encoder", "decoder"]) (moments.get(name) as Float32Array)[at] = 0;
      }
    }
    encoderBias[feature] = 0;
    for (const moments of [optimizer.state.first, optimizer.state.second]) {
      (moments.get("encoderBias") as Float32Array)[feature] = 0;
    }
    served.push(feature);
  }
  return served;
}

/** In the units of the rows: TopK and the cut at 0 commute with a positive factor, so both biases take it alone. */
function unscaled(working: SparseAutoencoder, scale: number): SparseAutoencoder {
  const times = (values: ArrayLike<number>) => Float32Array.from(values, (value) => scale * value);
  return {
    ...working,
    encoder: Float32Array.from(working.encoder),
    decoder: Float32Array.from(working.decoder),
    encoderBias: times(working.encoderBias),
    decoderBias: times(working.decoderBias),
  };
}
