import { type Tensor, tensor } from "../core/mod.ts";
import type { LanguageModel } from "../decode/mod.ts";
import { parseSite, type Site, siteKindsOf, type SiteName } from "../model/mod.ts";
import type { ParityGolden } from "./parity_golden.ts";

/** How far one value lies from its golden. */
export interface ParityRow {
  /** Name of the value: `logits`, `blocks.0.q`, `steered.adjoint`. */
  readonly name: string;
  /** Largest |a − b|; infinite where NaN is found or nothing could be compared. */
  readonly maxError: number;
  /** Mean |a − b|. */
  readonly meanError: number;
  /** `maxError` over the largest golden size. */
  readonly relativeError: number;
  /**
   * Share of positions with the same likeliest token, or most attended key; of completions the share of equal
   * tokens. Null where the value is no distribution.
   */
  readonly argmaxAgreement: number | null;
  /** Mean KL(golden ‖ ours) over positions, in nats; null where the value is no distribution. */
  readonly klNats: number | null;
}

interface Distance {
  readonly maxError: number;
  readonly meanError: number;
  readonly relativeError: number;
}

function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): Distance {
  let maxError = 0, sum = 0, scale = 0;
  for (let index = 0; index < expected.length; index++) {
    const a = actual[index] as number, b = expected[index] as number;
    const error = Number.isFinite(a - b) ? Math.abs(a - b) : a === b ? 0 : Infinity;
    maxError = Math.max(maxError, error);
    sum += error;
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
  }
  if (expected.length === 0) return { maxError: Infinity, meanError: Infinity, relativeError: Infinity };
  return {
    maxError,
    meanError: sum / expected.length,
    relativeError: maxError === 0 ? 0 : maxError / scale,
  };
}

/** Log-probabilities in float64 of one position's logits, or of its probabilities. */
function logDistribution(values: Float32Array, kind: "logits" | "probabilities"): Float64Array {
  if (kind === "probabilities") return Float64Array.from(values, Math.log);
  const peak = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const total = values.reduce((sum, value) => sum + Math.exp(value - peak), 0);
  return Float64Array.from(values, (value) => value - peak - Math.log(total));
}

function likeliest(values: Float32Array): number {
  return values.reduce((best, value, index) => value > (values[best] as number) ? index : best, 0);
}

/**
 * How far a value lies from its golden: errors, and for distributions over the last axis the agreement of what is
 * likeliest and the KL divergence.
 *
 * @throws {RangeError} where the two differ in shape.
 */
export function compareValue(
  name: string,
  options: {
    readonly golden: Tensor<"float32">;
    readonly ours: Tensor<"float32">;
    readonly kind: "logits" | "probabilities" | "plain";
  },
): ParityRow {
  const { golden, ours, kind } = options;
  if (golden.dims.join() !== ours.dims.join()) {
    throw new RangeError(
      `Cannot compare "${name}" as both must have one shape: current shapes are [${golden.dims}] and [${ours.dims}]`,
    );
  }
  const base = { name, ...distance(ours.data, golden.data) };
  if (kind === "plain") return { ...base, argmaxAgreement: null, klNats: null };
  const width = golden.dims.at(-1) as number, positions = golden.data.length / width;
  let agreeing = 0, kl = 0;
  for (let start = 0; start < golden.data.length; start += width) {
    const p = golden.data.subarray(start, start + width), q = ours.data.subarray(start, start + width);
    if (likeliest(p) === likeliest(q)) agreeing++;
    const logP = logDistribution(p, kind), logQ = logDistribution(q, kind);
    for (let i = 0; i < width; i++) {
      const log = logP[i] as number;
      if (log > -Infinity) kl += Math.exp(log) * (log - (logQ[i] as number));
    }
  }
  return { ...base, argmaxAgreement: agreeing / positions, klNats: kl / positions };
}

/** Completions against golden ones: their tokens, and log-probabilities up to where the tokens first differ. */
function compareCompletions(
  name: string,
  options: {
    readonly tokens: readonly (readonly number[])[];
    readonly logProbs: Float32Array;
    readonly ours: readonly { readonly tokens: readonly number[]; readonly logProbs: readonly number[] }[];
  },
): ParityRow {
  const { tokens, logProbs, ours } = options;
  const expected: number[] = [], actual: number[] = [];
  let first = 0, equal = 0, longest = 0;
  tokens.forEach((wanted, r) => {
    const got = ours[r]?.tokens ?? [];
    const differs = wanted.findIndex((token, t) => token !== got[t]);
    const common = differs < 0 ? wanted.length : differs;
    for (let t = 0; t < common; t++) {
      expected.push(logProbs[first + t] as number);
      actual.push(ours[r]?.logProbs[t] as number);
    }
    equal += common;
    longest += Math.max(wanted.length, got.length);
    first += wanted.length;
  });
  return { name, ...distance(actual, expected), argmaxAgreement: equal / longest, klNats: null };
}

/**
 * Runs a model on the inputs of a golden file and compares: logits, target log-probabilities and every tapped site,
 * plain and steered logits, greedy completions over the KV cache, and the steering adjoint.
 *
 * @throws {RangeError} for a value that no run of the model gives, or of another shape.
 */
export async function parity(model: LanguageModel, golden: ParityGolden): Promise<readonly ParityRow[]> {
  const { rows, steering, values, maxNewTokens } = golden;
  const { layers, embed } = model.config, kinds = siteKindsOf(model.config);
  const taps = [...values.keys()].flatMap((name) =>
    name.startsWith("tap.") ? [name.slice(4) as SiteName] : []
  );
  const sites = new Map(taps.map((name) => [name, parseSite(name, { layers, action: "compare" })] as const));
  const order = (name: SiteName): number => {
    const { layer, kind } = sites.get(name) as Site;
    return layer * kinds.length + kinds.indexOf(kind);
  };
  taps.sort((a, b) => order(a) - order(b)); // a file holds them by name
  const requests = rows.map(({ tokens, from }, prompt) => ({
    tokens: tokens.slice(0, from),
    prompt,
    sample: 0,
  }));
  const table: ParityRow[] = [];
  const wanted = (name: string, use: (value: Tensor<"float32">) => Promise<void>): Promise<void> => {
    const value = values.get(name);
    return value === undefined ? Promise.resolve() : use(value);
  };
  const flat = (lists: readonly (readonly number[])[]) => {
    const all = lists.flat();
    return tensor("float32", [all.length], all);
  };
  for (const [prefix, steer] of [["", new Map<number, Float32Array>()], ["steered.", steering]] as const) {
    await wanted(`${prefix}logits`, async (value) => {
      const read = prefix === "" ? taps : [];
      const run = await model.run(rows.map((row) => row.tokens), { taps: read, steer });
      for (const site of read) {
        const kind = sites.get(site)?.kind === "attn_weights" ? "probabilities" : "plain";
        const [own, ours] = [values.get(`tap.${site}`), run.taps.get(site)] as [typeof value, typeof value];
        table.push(compareValue(site, { golden: own, ours, kind }));
      }
      const ours = run.logits as Tensor<"float32">;
      table.push(compareValue(`${prefix}logits`, { golden: value, ours, kind: "logits" }));
    });
    await wanted(`${prefix}log_probs`, async (value) => {
      const ours = flat(await model.logProbs(rows, { steer }));
      table.push(compareValue(`${prefix}log_probs`, { golden: value, ours, kind: "plain" }));
    });
    await wanted(`${prefix}adjoint`, async (value) => {
      const { adjoints } = await model.steeringAdjoint(rows, { steer });
      const data = Array.from(
        { length: layers },
        (_, layer) => [...adjoints.get(layer) ?? new Float32Array(embed)],
      );
      const ours = tensor("float32", [layers, embed], data.flat());
      table.push(compareValue(`${prefix}adjoint`, { golden: value, ours, kind: "plain" }));
    });
    await wanted(`${prefix}decode.log_probs`, async (value) => {
      const ours = await model.generate(requests, { maxNewTokens, temperature: 0, steer });
      const tokens = prefix === "" ? golden.completions : golden.steeredCompletions;
      table.push(compareCompletions(`${prefix}decode`, { tokens, logProbs: value.data, ours }));
    });
  }
  return table;
}
