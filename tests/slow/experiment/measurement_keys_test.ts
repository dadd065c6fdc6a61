import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { sha256 } from "../../../lib/core/mod.ts";
import type { RunOptions } from "../../../lib/decode/mod.ts";
import {
  adapterTraces,
  attentionMoves,
  featureTraces,
  Laboratory,
  propagation,
  ResultStore,
  routeTraces,
  sharedTextMagnitudes,
  type StudyProblem,
  type Treatment,
  type ZooModel,
} from "../../../lib/experiment/mod.ts";
import { formatGraph } from "../../../lib/onnx/mod.ts";
import { runtimeReport } from "../../../lib/runtime/mod.ts";
import { writeTinyAdapters, writeTinyAutoencoder } from "../../experiment/_tiny_additions.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "../../experiment/_tiny_zoo.ts";

/** A key, as far as it is looked at. */
interface Key {
  readonly kind: string;
  readonly code: { readonly modules: readonly string[]; readonly hash: string };
  readonly graphs: readonly string[];
  readonly sequences?: readonly string[];
  readonly device: string;
  readonly runtime: unknown;
  readonly [part: string]: unknown;
}

/** A store that tells what it is asked for. */
class ToldStore extends ResultStore {
  readonly keys: Key[] = [];

  override get<T>(key: unknown, compute: () => Promise<T>): Promise<T> {
    this.keys.push(key as Key);
    return super.get(key, compute);
  }
}

/** Hashes of the graphs that a model runs while a body works. */
async function graphsRun({ model }: ZooModel, body: () => Promise<unknown>) {
  const sequences = new Set<string>(), rollouts = new Set<string>();
  const { run, generate, runGraph } = model;
  model.run = (rows, options: RunOptions = {}) => {
    sequences.add(model.sequenceGraphHash(options));
    return run.call(model, rows, options);
  };
  model.generate = (requests, options) => {
    rollouts.add(model.graphHash(options));
    return generate.call(model, requests, options);
  };
  model.runGraph = (graph, values) => {
    sequences.add(sha256(formatGraph(graph.build())));
    return runGraph.call(model, graph, values);
  };
  await body();
  Object.assign(model, { run, generate, runGraph });
  return { sequences: [...sequences].sort(), rollouts: [...rollouts].sort() };
}

type Measure = (lab: Laboratory, of: {
  readonly zoo: ZooModel;
  readonly treatment: Treatment;
  readonly adapter: Treatment;
  readonly problems: readonly StudyProblem[];
}) => Promise<unknown>;

/** Every kind of measurement: the module that computes it, and how it is asked for. */
const KINDS: Readonly<Record<string, readonly [module: string, Measure]>> = {
  "outcomes": [
    "laboratory",
    (lab, { zoo, treatment }) =>
      lab.outcomes({ zoo, run: [{ ...treatment, lastBlock: { mode: "skip_attn" } }], decoding: "greedy" }),
  ],
  "shifts": [
    "laboratory",
    (lab, { zoo, treatment }) =>
      lab.shifts({ zoo, run: [{ ...treatment, place: "attention" }], follow: [1] }),
  ],
  "route traces": ["route_traces", (lab, { zoo, treatment }) => routeTraces(lab, { zoo, treatment })],
  "attention moves": [
    "attention_moves",
    (lab, { zoo, treatment, adapter }) =>
      attentionMoves(lab, { zoo, treatments: [treatment, adapter], layer: 3, texts: 2 }),
  ],
  "propagation": ["propagation", (lab, { zoo }) => propagation(lab, zoo)],
  "adapter traces": [
    "adapter_traces",
    (lab, { zoo, adapter, problems }) => adapterTraces(lab, { zoo, treatment: adapter, layer: 1, problems }),
  ],
  "adapter magnitudes along one text": [
    "adapter_traces",
    (lab, { zoo, adapter, problems }) =>
      sharedTextMagnitudes(lab, {
        zoo,
        adapters: [{ layer: 1, treatment: adapter }],
        problem: problems[0] as StudyProblem,
      }),
  ],
  "feature traces": [
    "feature_traces",
    async (lab, { zoo, problems }) =>
      featureTraces(lab, { zoo, difference: await zoo.differenceAutoencoder(), problems, samples: 1 }),
  ],
};

/** Calls `body` with the keys of every kind of measurement, and the graphs that each runs. */
async function withKeys(
  body: (
    kind: string,
    found: { keys: readonly Key[]; sequences: readonly string[]; rollouts: readonly string[] },
  ) => void,
  options: { readonly device?: "cpu" | "cuda" } = {},
): Promise<void> {
  await withZooModel(async (zoo) => {
    await writeTinyAdapters(zoo);
    await writeTinyAutoencoder(zoo, { layer: 2 });
    const [treatment] = await zoo.trained("layer-2"), [adapter] = await zoo.trained("adapter-1");
    if (treatment === undefined || adapter === undefined) throw new Error("runs of the tiny zoo");
    for (const [kind, [, measure]] of Object.entries(KINDS)) {
      const store = new ToldStore(null),
        lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store, ...options });
      const problems = lab.problems(2);
      const ran = await graphsRun(zoo, () => measure(lab, { zoo, treatment, adapter, problems }));
      body(kind, { keys: store.keys, ...ran });
    }
  });
}

Deno.test("the key of every kind of measurement names its code, the device and the runtime", () =>
  withKeys((kind, { keys }) => {
    const runtime = {
      onnxruntime: runtimeReport().version,
      deno: Deno.version.deno,
      machine: `${Deno.build.os} ${Deno.build.arch}`,
    };
    assert(keys.length > 0, kind);
    for (const key of keys) {
      assertEquals([key.kind, key.device, key.runtime], [kind, "cpu", runtime]);
      assertEquals(key.code.modules.at(-1), `lib/experiment/${KINDS[kind]?.[0]}.ts`);
      assertEquals(key.code.modules[0], "lib/experiment/laboratory.ts");
      assertEquals(key.code.hash.length, 64);
    }
  }));

Deno.test("the key of every kind of measurement has the hash of every graph that runs, of whole sequences too", () =>
  withKeys((kind, { keys, sequences, rollouts }) => {
    const named = new Set(keys.flatMap(({ graphs }) => graphs));
    assertEquals(rollouts.filter((hash) => !named.has(hash)), [], kind);
    const read = [...new Set(keys.flatMap((key) => key.sequences ?? []))].sort();
    assertEquals(read, sequences, kind);
    assertEquals(read.length > 0, kind !== "outcomes", kind);
  }));

Deno.test("a measurement on another device has another key", async () => {
  const keys = new Map<string, readonly Key[]>();
  await withKeys((kind, found) => void keys.set(kind, found.keys));
  await withKeys((kind, found) => {
    found.keys.forEach((key, at) => {
      const { device, ...rest } = key, { device: before, ...restBefore } = keys.get(kind)?.[at] as Key;
      assertNotEquals(device, before);
      assertEquals(rest, restBefore);
    });
  }, { device: "cuda" });
});

Deno.test("LanguageModel.sequenceGraphHash() is that of the graph that run() uses, whatever is fed to it", () =>
  withZooModel(({ model }) => {
    const { embed } = model.config, vector = new Float32Array(embed);
    const hash = (options: RunOptions) => model.sequenceGraphHash(options);
    assertEquals(hash({}), hash({ logits: true, taps: [] }));
    // Every layer can be steered, tapped or patched by one graph of a kind.
    for (const layer of [0, 2]) assertEquals(hash({ steer: new Map([[layer, vector]]) }), hash({}));
    assertEquals(hash({ taps: ["blocks.0.q"] }), hash({ taps: ["blocks.1.q", "blocks.2.q"] }));
    const hashes = [
      hash({}),
      hash({ logits: false, taps: ["blocks.1.resid_post"] }),
      hash({ taps: ["blocks.1.resid_post"] }),
      hash({ steer: new Map([[2, vector]]), lastBlock: { mode: "skip_attn" } }),
      hash({ steer: new Map([[2, vector]]), place: "attention" }),
    ];
    assertEquals(new Set(hashes).size, hashes.length);
    return Promise.resolve();
  }));
