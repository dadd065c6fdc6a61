import type {
  Adapters,
  AdjointOptions,
  LanguageModel,
  SharedDirection,
  SteeringVectors,
} from "../decode/mod.ts";
import { sharedVectors } from "../decode/mod.ts";
import { RandomStream } from "../core/mod.ts";
import type { SteeringRoute } from "../probe/mod.ts";
import { globalNorm, type Parameters } from "./adamw.ts";
import type { SteeringConfig } from "./steering_config.ts";
import type { ParameterSet, TrainedResult } from "./trained_parameters.ts";
import { weightSet } from "./weight_set.ts";

const NOTHING: TrainedResult = { vectors: new Map(), adapters: new Map(), shared: null, weights: new Map() };

function squaredNorm(values: Float32Array): number {
  return globalNorm(new Map([["", values]])) ** 2;
}

/** Uniform values in (−bound, bound), a pure function of seed and place. */
function uniformValues(
  count: number,
  draw: { readonly bound: number; readonly seed: number; readonly of: string; readonly layer: number },
): Float32Array {
  const stream = new RandomStream(draw.seed, "initial", draw.of, draw.layer);
  return Float32Array.from({ length: count }, () => draw.bound * (2 * stream.uniform() - 1));
}

/** Values of a resumed run where there is one, else fresh ones. */
type Start = (name: string, fresh: () => Float32Array) => Float32Array;

/** Sampler and scorer add the vectors at one place. */
function placeOf(config: SteeringConfig): Pick<SteeringRoute, "place"> {
  return config.place === undefined ? {} : { place: config.place };
}

/** Whether the scorer reads a prompt once for all its completions. */
function contextsOf({ sharedPrompts }: SteeringConfig): Pick<AdjointOptions, "sharedContexts"> {
  return { sharedContexts: sharedPrompts ?? false };
}

/** One vector per layer, zero at the start. Source: the setup `steering` of the paper (class: code). */
function vectorSet(
  model: LanguageModel,
  config: SteeringConfig,
  start: Start,
): ParameterSet {
  const name = (layer: number) => `steering.${layer}`;
  const vectors: SteeringVectors = new Map(
    config.layers.map((layer) => [layer, start(name(layer), () => new Float32Array(model.config.embed))]),
  );
  const parameters = new Map([...vectors].map(([layer, vector]) => [name(layer), vector]));
  const steered = { steer: vectors, ...placeOf(config) };
  const rates = new Map(config.layers.map((layer, i) => [name(layer), config.learningRates[i] as number]));
  return {
    parameters,
    result: { ...NOTHING, vectors },
    rate: (parameter) => rates.get(parameter) as number,
    sample: (requests, options) => model.generate(requests, { ...options, ...steered }),
    async adjoints(rows) {
      const { adjoints, logProbs } = await model.steeringAdjoint(rows, { ...steered, ...contextsOf(config) });
      return { adjoints: new Map([...adjoints].map(([layer, part]) => [name(layer), part])), logProbs };
    },
    norm: () => globalNorm(parameters),
    release: () => Promise.resolve(),
  };
}

/**
 * One direction B for all layers and a factor A per layer: s_l = A_l B. A starts uniform in (−1, 1), B at zero, so
 * that nothing is added at first. With s̄_l the adjoint of layer l's vector, Ā_l = s̄_l · B and B̄ = Σ_l A_l s̄_l.
 * Source: the setup `steering_rank` of rank 1 in the code of the paper (class: code).
 */
function sharedSet(model: LanguageModel, config: SteeringConfig, start: Start): ParameterSet {
  const { layers, seed } = config;
  const names = { scales: "rank1.scales", direction: "rank1.direction" } as const;
  const scales = start(
    names.scales,
    () =>
      Float32Array.from(layers, (layer) => uniformValues(1, { bound: 1, seed, of: "rank1", layer })[0] ?? 0),
  );
  const direction = start(names.direction, () => new Float32Array(model.config.embed));
  const shared = (): SharedDirection => ({
    scales: new Map(layers.map((layer, row) => [layer, scales[row] as number])),
    direction,
  });
  const vectors = () => sharedVectors(shared());
  return {
    parameters: new Map<string, Float32Array>([[names.scales, scales], [names.direction, direction]]),
    get result() {
      return { ...NOTHING, vectors: vectors(), shared: shared() };
    },
    rate: () => config.learningRates[0] as number,
    sample: (requests, options) =>
      model.generate(requests, { ...options, steer: vectors(), ...placeOf(config) }),
    async adjoints(rows) {
      const { adjoints, logProbs } = await model.steeringAdjoint(rows, {
        steer: vectors(),
        ...placeOf(config),
        ...contextsOf(config),
      });
      const scaleAdjoint = new Float64Array(layers.length), sum = new Float64Array(direction.length);
      layers.forEach((layer, row) => {
        const part = adjoints.get(layer) as Float32Array;
        for (let i = 0; i < sum.length; i++) {
          scaleAdjoint[row] = (scaleAdjoint[row] as number) + (part[i] as number) * (direction[i] as number);
          sum[i] = (sum[i] as number) + (scales[row] as number) * (part[i] as number);
        }
      });
      return {
        adjoints: new Map([
          [names.scales, Float32Array.from(scaleAdjoint)],
          [names.direction, Float32Array.from(sum)],
        ]),
        logProbs,
      };
    },
    norm: () => Math.sqrt(squaredNorm(scales) * squaredNorm(direction)),
    release: () => Promise.resolve(),
  };
}

/**
 * A rank-1 adapter on down_proj per layer. a starts uniform in ±1/√neurons (Kaiming with a = √5, as linear layers
 * do), b at zero, so that nothing is added at first.
 * Source: the setup `lora` of the paper with r = 1 and alpha = r (class: code).
 */
function adapterSet(model: LanguageModel, config: SteeringConfig, start: Start): ParameterSet {
  const { seed, layers } = config, { embed, neurons } = model.config;
  const names = (layer: number) => ({ input: `adapter_in.${layer}`, output: `adapter_out.${layer}` });
  const bound = 1 / Math.sqrt(neurons);
  const adapters: Adapters = new Map(layers.map((layer) => [layer, {
    input: start(names(layer).input, () => uniformValues(neurons, { bound, seed, of: "adapter", layer })),
    output: start(names(layer).output, () => new Float32Array(embed)),
  }]));
  const named = (values: Adapters) =>
    new Map(
      [...values].flatMap(([layer, { input, output }]) => [
        [names(layer).input, input] as const,
        [names(layer).output, output] as const,
      ]),
    );
  const rates = new Map(layers.flatMap((layer, i) => {
    const rate = config.learningRates[i] as number;
    return [[names(layer).input, rate] as const, [names(layer).output, rate] as const];
  }));
  return {
    parameters: named(adapters),
    result: { ...NOTHING, adapters },
    rate: (parameter) => rates.get(parameter) as number,
    sample: (requests, options) => model.generate(requests, { ...options, adapters }),
    async adjoints(rows) {
      const { adapterAdjoints, logProbs } = await model.steeringAdjoint(rows, {
        adapters,
        ...contextsOf(config),
      });
      return { adjoints: named(adapterAdjoints), logProbs };
    },
    norm: () =>
      Math.sqrt(
        [...adapters.values()].reduce(
          (sum, { input, output }) => sum + squaredNorm(input) * squaredNorm(output),
          0,
        ),
      ),
    release: () => Promise.resolve(),
  };
}

/**
 * The parameters that a config trains, fresh or as a run left them. `folder` is where current weights may lie while
 * a rollout reads them; it is left as it was found.
 *
 * @throws {RangeError} when what is kept is not what the config trains.
 */
export async function parameterSet(
  model: LanguageModel,
  config: SteeringConfig,
  options: { readonly kept: Parameters | null; readonly folder: string },
): Promise<ParameterSet> {
  const { kept, folder } = options;
  const start: Start = (name, fresh) => {
    if (kept === null) return fresh();
    const values = kept.get(name);
    if (values === undefined) {
      throw new RangeError(`Cannot go on as "${name}" must have been kept: current value is none`);
    }
    return values;
  };
  switch (config.parameters ?? "vectors") {
    case "vectors":
      return vectorSet(model, config, start);
    case "rank1":
      return sharedSet(model, config, start);
    case "adapter":
      return adapterSet(model, config, start);
    case "full":
      return await weightSet(model, { kept, folder, learningRate: config.learningRates[0] as number });
  }
}
