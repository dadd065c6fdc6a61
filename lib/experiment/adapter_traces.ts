import type { MagnitudeTrace, SegmentRange } from "../analysis/mod.ts";
import { InputError } from "../core/mod.ts";
import { type Adapter, promptTokens, type RunOptions } from "../decode/mod.ts";
import { type SiteName, siteName } from "../model/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import { promptSegments } from "./prompt_segments.ts";
import type { StudyProblem } from "./study_problems.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import { writeAnswers } from "./_write_answers.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Texts that are read together. */
const BATCH_SIZE = 16;

/** What a rank-1 adapter did along one text: a number per position, to five digits. */
export interface AdapterTrace extends MagnitudeTrace {
  /** m_t = (A·u_t)·‖B‖. */
  readonly magnitudes: readonly number[];
  /** ‖y_t‖. */
  readonly outputNorms: readonly number[];
  /** cos(y_t, B/‖B‖); 0 where either is 0. */
  readonly alignments: readonly number[];
  /** Which positions are what: the prompt's segments, then the answer. */
  readonly segments: readonly SegmentRange[];
}

/** Whose traces are taken. */
export interface AdapterTracesOptions {
  /** The model. */
  readonly zoo: ZooModel;
  /** One run, with an adapter at `layer`. */
  readonly treatment: Treatment;
  /** The layer whose adapter is read. */
  readonly layer: number;
  /** What is answered. */
  readonly problems: readonly StudyProblem[];
}

/** The adapter of one layer that is read. */
type AdapterRead = Pick<AdapterTracesOptions, "zoo" | "treatment" | "layer">;

/** Five digits are more than float32 noise leaves, and keep what is stored small. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

/** What a run reads at an adapter's layer: the frozen down-projection's output, and a·z. */
function sitesOf(layer: number): readonly [SiteName, SiteName] {
  return [siteName({ layer, kind: "down_out" }), siteName({ layer, kind: "adapter_scale" })];
}

/** The adapter of a layer. Throws an InputError where the treatment has none. */
function adapterOf({ zoo, treatment, layer }: AdapterRead): Adapter {
  const adapter = treatment.adapters?.get(layer);
  if (adapter !== undefined) return adapter;
  throw new InputError(`"${treatment.name}" has no adapter at layer ${layer}`, {
    where: zoo.entry.vectorsFolder,
    repair: "use runs of one adapter each",
  });
}

/** The segments of a prompt, then those of the answer to it, which are positions `from` to `to`. */
function segmentsOf(
  { asked: { template } }: Laboratory,
  text: { readonly zoo: ZooModel; readonly question: string; readonly from: number; readonly to: number },
): readonly SegmentRange[] {
  const { zoo: { tokenizer }, question, from, to } = text;
  const prompt = promptSegments(tokenizer, question, { template });
  return to > from ? [...prompt, { segment: "answer", from, to }] : prompt;
}

/** The run that reads an adapter. */
function readingOf(read: AdapterRead): RunOptions {
  adapterOf(read);
  return { ...additionsOf(read.treatment), taps: sitesOf(read.layer), logits: false };
}

/**
 * m_t = (A·u_t)·‖B‖, ‖y_t‖ and cos(y_t, B) of one adapter at every position of texts [seq], y the frozen
 * down-projection's output.
 */
async function readAdapter(
  texts: readonly (readonly number[])[],
  options: AdapterRead,
): Promise<readonly MagnitudeTrace[]> {
  const { zoo: { model }, layer } = options, { embed } = model.config;
  const adapter = adapterOf(options);
  const length = Math.hypot(...adapter.output);
  const sites = sitesOf(layer);
  const { taps } = await model.run(texts, readingOf(options));
  const outputs = taps.get(sites[0])?.data as Float32Array, scales = taps.get(sites[1])?.data as Float32Array;
  const seq = scales.length / texts.length;
  return texts.map((tokens, row) => {
    const magnitudes: number[] = [], outputNorms: number[] = [], alignments: number[] = [];
    for (let position = 0; position < tokens.length; position++) {
      const at = row * seq + position;
      let squares = 0, along = 0;
      for (let e = 0; e < embed; e++) {
        const value = outputs[at * embed + e] as number;
        squares += value * value;
        along += value * (adapter.output[e] as number);
      }
      const norm = Math.sqrt(squares);
      magnitudes.push(rounded((scales[at] as number) * length));
      outputNorms.push(rounded(norm));
      alignments.push(norm * length === 0 ? 0 : rounded(along / (norm * length)));
    }
    return { magnitudes, outputNorms, alignments };
  });
}

/**
 * What one layer's rank-1 adapter does along answers that the adapted model wrote itself at temperature 1: at every
 * position of prompt and answer but the last token's, whose prediction nothing follows.
 *
 * Source: section 10, Figures 22 to 25 (class: inferred numbers, code formulas); problems are held out, where the
 * published ones were trained on.
 *
 * @throws InputError when the treatment has no adapter at the layer, and as {@link Laboratory.measure}.
 */
export async function adapterTraces(
  lab: Laboratory,
  options: AdapterTracesOptions,
): Promise<readonly AdapterTrace[]> {
  const { zoo, treatment, layer, problems } = options;
  return await lab.measure(
    {
      kind: "adapter traces",
      code: import.meta.url,
      zoo,
      treatments: [treatment],
      problems,
      settings: { layer },
      runs: [readingOf(options)],
      label: `${treatment.name} magnitudes`,
    },
    async (onProgress) => {
      const rollouts = await writeAnswers(lab, {
        ...options,
        onProgress: (done) => onProgress(Math.floor(done / 2)),
      });
      const traces: AdapterTrace[] = [];
      for (let start = 0; start < rollouts.length; start += BATCH_SIZE) {
        const batch = rollouts.slice(start, start + BATCH_SIZE);
        const texts = batch.map(({ promptTokens: asked, tokens }) => [...asked, ...tokens.slice(0, -1)]);
        const read = await readAdapter(texts, options);
        batch.forEach(({ prompt, promptTokens: asked }, row) => {
          const { question } = problems[prompt] as StudyProblem, { length: to } = texts[row] as number[];
          const segments = segmentsOf(lab, { zoo, question, from: asked.length, to });
          traces.push({ ...read[row] as MagnitudeTrace as AdapterTrace, segments });
        });
        onProgress(Math.floor((rollouts.length + traces.length) / 2));
      }
      return traces;
    },
  );
}

/**
 * Magnitudes of several layers' adapters along one text, the base model's answer to a problem: [adapter][position],
 * with the text's tokens and segments. In the published strip each row is another answer, so that only the prompts lie
 * under each other.
 *
 * @throws InputError as {@link adapterTraces}.
 */
export async function sharedTextMagnitudes(
  lab: Laboratory,
  options: {
    readonly zoo: ZooModel;
    readonly adapters: readonly { readonly layer: number; readonly treatment: Treatment }[];
    readonly problem: StudyProblem;
  },
): Promise<{
  readonly tokens: readonly number[];
  readonly segments: readonly SegmentRange[];
  readonly rows: readonly (readonly number[])[];
}> {
  const { zoo, adapters, problem } = options, { model, tokenizer } = zoo, { question } = problem;
  return await lab.measure(
    {
      kind: "adapter magnitudes along one text",
      code: import.meta.url,
      zoo,
      treatments: adapters.map(({ treatment }) => treatment),
      problems: [problem],
      settings: { layers: adapters.map(({ layer }) => layer) },
      runs: adapters.map((adapter) => readingOf({ zoo, ...adapter })),
      label: "adapters along one text",
      example: true,
      total: adapters.length,
    },
    async (onProgress) => {
      const asked = promptTokens(tokenizer, question, { template: lab.asked.template });
      const request = { tokens: asked, prompt: 0, sample: 0 };
      const settings = { maxNewTokens: lab.size.maxNewTokens, seed: lab.seed };
      const [answer] = await model.generate([request], settings);
      const tokens = [...asked, ...(answer?.tokens ?? []).slice(0, -1)];
      const rows: (readonly number[])[] = [];
      for (const { layer, treatment } of adapters) {
        const [trace] = await readAdapter([tokens], { zoo, layer, treatment });
        rows.push(trace?.magnitudes as readonly number[]);
        onProgress(rows.length);
      }
      const segments = segmentsOf(lab, { zoo, question, from: asked.length, to: tokens.length });
      return { tokens, segments, rows };
    },
  );
}
