import { classShifts, ROUTE_PAIRS, type ShiftSample, type TokenClass } from "../analysis/mod.ts";
import { standardDeviation } from "../core/mod.ts";
import { type Rollout, tokenShifts, tokenShiftsGraph } from "../decode/mod.ts";
import { writeAnswers } from "./_write_answers.ts";
import type { Laboratory } from "./laboratory.ts";
import { fromRecord, type ShiftRecord, toRecord } from "./shift_record.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Net Δp of each class of token along one text, summed over the vocabulary. */
export interface TextClassShift {
  /** At the first answer position. */
  readonly first: Readonly<Record<TokenClass, number>>;
  /** Mean over the later ones; null for an answer of one token. */
  readonly later: Readonly<Record<TokenClass, number>> | null;
}

/** Mean Δp of one token of the vocabulary, with one vote per text. */
export interface TokenTextMean {
  /** Mean over texts of each text's mean. */
  readonly mean: number;
  /** Its standard error over texts; null for a single text. */
  readonly standardError: number | null;
}

/** What changes from one route to another along all texts. */
export interface RouteTrace {
  /** `skip_attn→no_patch`. */
  readonly name: string;
  /** One per text, as `poolShifts` takes them. */
  readonly samples: readonly ShiftSample[];
  /** One per text that has an answer. */
  readonly classes: readonly TextClassShift[];
  /** One per token of the vocabulary. */
  readonly tokens: readonly TokenTextMean[];
}

/** A {@link RouteTrace} as JSON can carry it. */
interface TraceRecord extends Omit<RouteTrace, "samples"> {
  readonly samples: readonly ShiftRecord[];
}

/** The mean over texts of a token's means in them. */
function overTexts(values: readonly number[]): TokenTextMean {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length),
    standardError: values.length < 2
      ? null
      : standardDeviation(values, { ddof: 1 }) / Math.sqrt(values.length),
  };
}

/** What is compared: every pair of routes, with the sums of Δp along the answer and at its first position. */
function comparisonOf(treatment: Treatment) {
  const { lastBlock: _, ...additions } = additionsOf(treatment);
  return { additions, pairs: ROUTE_PAIRS.map(({ from, to }) => [from, to] as const) };
}

/**
 * How the next-token distributions along answers differ between the four routes of the penultimate layer's vector into
 * the last block, for every pair of `ROUTE_PAIRS`. The model with the whole vector writes the answers at temperature 1;
 * every route reads the same texts. Means of tokens and classes leave out what is read on an answer's last token.
 *
 * Source: Figure 6 (class: code); which model wrote the published texts is not known.
 *
 * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}; RangeError for a treatment without a
 * vector of the layer before the last.
 */
export async function routeTraces(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly treatment: Treatment },
): Promise<readonly RouteTrace[]> {
  const { zoo, treatment } = options, problems = lab.problems(lab.size.traced);
  const records = await lab.measure({
    kind: "route traces",
    code: import.meta.url,
    zoo,
    treatments: [treatment],
    problems,
    settings: null,
    runs: [],
    graphs: [tokenShiftsGraph(zoo.model, { ...comparisonOf(treatment), totals: 2 })],
    label: `${treatment.name} routes`,
  }, async (onProgress) => {
    const rollouts = await writeAnswers(lab, {
      zoo,
      treatment,
      problems,
      onProgress: (done) => onProgress(Math.floor(done / 2)),
    });
    return await traceRoutes(zoo, {
      treatment,
      rollouts,
      onProgress: (done) => onProgress(Math.floor((rollouts.length + done) / 2)),
    });
  });
  return records.map((record) => ({ ...record, samples: record.samples.map(fromRecord) }));
}

async function traceRoutes(
  zoo: ZooModel,
  options: {
    readonly treatment: Treatment;
    readonly rollouts: readonly Rollout[];
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly TraceRecord[]> {
  const { treatment, rollouts, onProgress } = options, { vocab } = zoo.model.config;
  const texts = Array.from({ length: vocab }, (_, token) => zoo.tokenizer.tokenText(token));
  const nets = (means: Float64Array) =>
    Object.fromEntries(
      classShifts(means, { text: (token) => texts[token] as string }).map((row) => [row.class, row.net]),
    ) as Record<TokenClass, number>;
  const names = ROUTE_PAIRS.map(({ from, to }) => `${from}→${to}`);
  const traces = names.map((name) => ({
    name,
    samples: [] as ShiftRecord[],
    classes: [] as TextClassShift[],
    tokens: texts.map((): number[] => []),
  }));
  for (const [done, { promptTokens, tokens }] of rollouts.entries()) {
    const text = [...promptTokens, ...tokens], positions = tokens.length;
    const read = { tokens: text, from: promptTokens.length - 1, rows: positions + 1 };
    const weights = [new Array<number>(positions).fill(1), [1]];
    const pairs = await tokenShifts(zoo.model, read, { ...comparisonOf(treatment), totals: weights });
    pairs.forEach(({ shift, totals: [whole, first] }, pair) => {
      const trace = traces[pair] as typeof traces[number];
      trace.samples.push(toRecord({ tokens: text, promptLength: promptTokens.length, shift }));
      if (positions === 0 || whole === undefined || first === undefined) return;
      whole.forEach((value, token) => trace.tokens[token]?.push(value / positions));
      trace.classes.push({
        first: nets(first),
        later: positions === 1
          ? null
          : nets(whole.map((value, token) => (value - (first[token] as number)) / (positions - 1))),
      });
    });
    onProgress(done + 1);
  }
  return traces.map(({ tokens, ...trace }) => ({ ...trace, tokens: tokens.map(overTexts) }));
}
