import { assert, assertEquals } from "@std/assert";
import { type ModelConfig, openCheckpoint, writeRandomCheckpoint } from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../../checkpoint/_tiny_config.ts";
import { RandomStream, type Tensor, tensor } from "../../../lib/core/mod.ts";
import { graphMemory } from "../../../lib/onnx/mod.ts";
import { ADAPTER_NAMES, EDIT_NAMES, type Edits, routeFeeds, sequenceGraph } from "../../../lib/probe/mod.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { everyPatch, firstOf, ROUTE_MODELS } from "../../decode/_routes.ts";
import { numbersOf, withSession } from "../../onnx/_run_graph.ts";
import { gridTargets } from "../../probe/_targets.ts";

const OUTPUTS = { logProbs: true, steeringAdjoint: true };
const TOKENS = [[3, 1, 4, 1], [5, 9, 2, 6]], TARGETS = [[1, 4, 1, 5], [9, 2, 6, 5]];

function normal(dims: readonly number[], key: string): Tensor<"float32"> {
  const random = new RandomStream(3, key);
  return tensor(
    "float32",
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
}

function feedsOf(edits: Edits, config: ModelConfig): Record<string, Tensor> {
  const { steer = [], adapters = [] } = edits;
  const adapted = (name: string, width: number) => ({ [name]: normal([adapters.length, width], name) });
  return {
    tokens: tensor("int64", [2, 4], TOKENS.flat()),
    ...gridTargets(TARGETS, { rows: TARGETS.map((row) => row.map((_, t) => t - 1.5)), compute: "float32" }),
    ...(steer.length === 0 ? {} : { [EDIT_NAMES.steering]: normal([steer.length, config.embed], "steer") }),
    ...(adapters.length === 0 ? {} : {
      ...adapted(ADAPTER_NAMES.inputs, config.neurons),
      ...adapted(ADAPTER_NAMES.outputs, config.embed),
    }),
    ...routeFeeds(edits, config),
  };
}

/** Everything that a block can have added, and single late layers, where the pass ends early. */
function everyEdit(config: ModelConfig): readonly Edits[] {
  const all = firstOf(config.layers);
  return [
    { steer: all },
    { steer: [config.layers - 1] },
    { steer: [0], adapters: [config.layers - 1] },
    { adapters: all },
    ...(["attention", "input_norm", "post_attention_norm"] as const).map((place) => ({ steer: all, place })),
    { steer: all, place: "input_norm", asPublished: true },
    ...everyPatch(config).filter(({ mode }) => mode !== "base").map((lastBlock) => ({
      steer: all,
      lastBlock,
    })),
  ];
}

for (const [name, overrides] of Object.entries(ROUTE_MODELS)) {
  Deno.test(`${name}: adjoints through blocks that are computed again are those of the plain pass, bit for bit`, () =>
    withFolder(async (folder) => {
      await writeRandomCheckpoint(folder, { config: tinyConfig(overrides), dtype: "float32", seed: 5 });
      const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
      for (const edits of everyEdit(config)) {
        const feeds = feedsOf(edits, config);
        const [plain, again] = await Promise.all(
          (["nothing", "blocks"] as const).map((recompute) =>
            withSession(
              sequenceGraph({ config, weights: checkpoint, edits, outputs: OUTPUTS, recompute }),
              (session) => session.run(feeds),
              { weightsFolder, packWeights: false },
            )
          ),
        ) as [Record<string, Tensor>, Record<string, Tensor>];
        assertEquals(again, plain, JSON.stringify(edits));
        const adjoints = Object.entries(plain).filter(([output]) => output.endsWith("_adjoint"));
        assert(adjoints.every(([, value]) => numbersOf(value).some((x) => x !== 0)), JSON.stringify(edits));
      }
    }));
}

Deno.test("recomputing blocks holds one block's values where the plain pass holds those of all", () =>
  withFolder(async (folder) => {
    const shape = tinyConfig({ layers: 12 });
    await writeRandomCheckpoint(folder, { config: shape, dtype: "float32", seed: 5 });
    const weights = await openCheckpoint(folder), { config } = weights;
    const lengths = { batch: 4, seq: 64, chunks: 1, chunk: 8, once: 1 };
    const bytes = (recompute: "nothing" | "blocks") => {
      const edits = { steer: firstOf(12) };
      return graphMemory(sequenceGraph({ config, weights, edits, outputs: OUTPUTS, recompute }), { lengths })
        .values;
    };
    const plain = bytes("nothing"), again = bytes("blocks"), streams = 13 * 4 * 64 * config.embed * 4;
    // A block more or less than its twelfth, its adjoints beside it, and the streams between blocks.
    assert(again < streams + plain / 4, `${again} of ${plain}`);
  }));
