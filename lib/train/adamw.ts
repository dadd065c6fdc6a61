/** Settings of one AdamW step. */
export interface AdamWSettings {
  /** Shares that the first and the second moment keep of themselves. `@default [0.9, 0.999]` */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment. `@default 1e-8` */
  readonly epsilon?: number;
  /** Decoupled decay per parameter name. `@default` none */
  readonly weightDecay?: (name: string) => number;
}

/** What AdamW does where nothing else is said: the settings of every RL run. */
export const ADAMW_DEFAULTS: { readonly betas: readonly [number, number]; readonly epsilon: number } = {
  betas: [0.9, 0.999],
  epsilon: 1e-8,
};

/** One trained tensor: flat values, updated in place by the optimizer that owns it. */
export type Parameters = ReadonlyMap<string, Float32Array>;

/** First and second moments, and the number of steps taken: all that a resumed run needs. */
export interface AdamWState {
  /** Updates made so far. */
  readonly step: number;
  /** Running mean of each parameter's adjoint. */
  readonly first: Parameters;
  /** Running mean of each parameter's squared adjoint. */
  readonly second: Parameters;
}

/**
 * AdamW with bias correction and decoupled weight decay.
 *
 *     m ← β₁m + (1−β₁)a,  v ← β₂v + (1−β₂)a²,  p ← p − lr·(m̂ / (√v̂ + ε) + λp)
 *
 * with a the adjoint, m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ). Moments are float32, arithmetic float64.
 * Source: Loshchilov and Hutter, "Decoupled weight decay regularization"; the paper's optimizer (class: code).
 */
export class AdamW {
  readonly #parameters: Parameters;
  readonly #betas: readonly [number, number];
  readonly #epsilon: number;
  readonly #decay: (name: string) => number;
  readonly #first: Map<string, Float32Array>;
  readonly #second: Map<string, Float32Array>;
  #step: number;

  /** An optimizer over `parameters`, fresh or going on from `state`. Throws a `RangeError` when the state is of others. */
  constructor(
    parameters: Parameters,
    settings: AdamWSettings & { readonly state?: AdamWState | undefined } = {},
  ) {
    this.#parameters = parameters;
    this.#betas = settings.betas ?? ADAMW_DEFAULTS.betas;
    this.#epsilon = settings.epsilon ?? ADAMW_DEFAULTS.epsilon;
    this.#decay = settings.weightDecay ?? (() => 0);
    this.#step = settings.state?.step ?? 0;
    const moments = (kept: Parameters | undefined) =>
      new Map([...parameters].map(([name, values]) => {
        const old = kept?.get(name);
        if (kept !== undefined && old?.length !== values.length) {
          throw new RangeError(
            `Cannot resume AdamW as "${name}" must have ${values.length} moments: got ${old?.length}`,
          );
        }
        return [name, old === undefined ? new Float32Array(values.length) : Float32Array.from(old)];
      }));
    this.#first = moments(settings.state?.first);
    this.#second = moments(settings.state?.second);
  }

  /** Everything that a resumed run needs. */
  get state(): AdamWState {
    return { step: this.#step, first: this.#first, second: this.#second };
  }

  /** One update of every parameter from its adjoint. Throws a `RangeError` where an adjoint is missing or misshapen. */
  step(adjoints: Parameters, options: { readonly learningRate: number | ((name: string) => number) }): void {
    this.#step++;
    const [beta1, beta2] = this.#betas;
    const correct1 = 1 - beta1 ** this.#step, correct2 = 1 - beta2 ** this.#step;
    for (const [name, values] of this.#parameters) {
      const adjoint = adjoints.get(name);
      if (adjoint?.length !== values.length) {
        throw new RangeError(
          `Cannot update "${name}" as its adjoint must have ${values.length} values: got ${adjoint?.length}`,
        );
      }
      const m = this.#first.get(name) as Float32Array, v = this.#second.get(name) as Float32Array;
      const rate = typeof options.learningRate === "number"
        ? options.learningRate
        : options.learningRate(name);
      const decay = this.#decay(name);
      for (let i = 0; i < values.length; i++) {
        const a = adjoint[i] as number;
        const mi = m[i] = beta1 * (m[i] as number) + (1 - beta1) * a;
        const vi = v[i] = beta2 * (v[i] as number) + (1 - beta2) * a * a;
        const value = values[i] as number;
        values[i] = value -
          rate * ((mi / correct1) / (Math.sqrt(vi / correct2) + this.#epsilon) + decay * value);
      }
    }
  }
}

/** Global L2 norm over all adjoints, summed in float64. */
export function globalNorm(adjoints: Parameters): number {
  let sum = 0;
  for (const values of adjoints.values()) {
    for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  }
  return Math.sqrt(sum);
}

/**
 * Scales adjoints in place to a global norm of at most `maxNorm`; returns the norm before.
 *
 *     a ← a / max(1, (‖a‖ + 10⁻⁶) / maxNorm)
 *
 * Source: DeepSpeed, whose clipping the paper's runs use (class: library).
 */
export function clipToNorm(adjoints: Parameters, maxNorm: number): number {
  const norm = globalNorm(adjoints);
  const scale = 1 / Math.max(1, (norm + 1e-6) / maxNorm);
  if (scale < 1) {
    for (const values of adjoints.values()) {
      for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * scale;
    }
  }
  return norm;
}
