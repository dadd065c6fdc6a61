import { type Checkpoint, type ModelConfig, weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { DTYPE_BYTES, elementCount } from "../../lib/core/mod.ts";
import {
  cachedAttention,
  decoderBlock,
  inputWeights,
  rotaryTables,
  type SiteHandler,
  valueWeights,
} from "../../lib/model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { rolloutGraph } from "../../lib/decode/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";

/** A loop, constants of every length, and a weight in a file. */
function controlFlow(): Graph {
  const g = new GraphBuilder("control_flow");
  const x = g.input("x", "float32", ["batch", 4]);
  const wide = g.constant("float32", [12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const weight = g.external("proj.weight", {
    dtype: "bfloat16",
    dims: [4, 4],
    location: "model.safetensors",
    offset: 128,
    length: 32,
  });
  const start = g.matMul(x, g.cast(weight, "float32"), { transB: true });
  const [last, sums] = g.loop({
    name: "halving",
    maxSteps: g.scalar("int64", 5),
    carried: [{ name: "state", start }],
    body: (body, { step, carried: [state] }) => {
      const early = body.apply("Less", [step, body.scalar("int64", 2)]);
      const half = body.mul(state as Value, body.scalar("float32", 0.5));
      const next = body.apply("Where", [early, half, body.apply("Neg", [state as Value])]);
      const total = body.reduce("sum", next, { axes: [1] });
      return { goOn: body.scalar("bool", 1), carried: [next], collected: [total] };
    },
  }) as [Value, Value];
  g.output("last", last);
  g.output("sums", sums);
  g.output("shifted", g.add(g.reduce("max", wide, { axes: [0] }), g.scalar("float32", -Infinity)));
  return g.build();
}

/** A sequence graph of one block with every kind of edit, as it would be made from a file. */
function oneBlock(): Graph {
  const config = tinyConfig({ layers: 1 });
  const shapes = weightShapes(config);
  return sequenceGraph({
    config,
    weights: (g) => {
      const values = new Map<string, Value>();
      let offset = 0;
      for (const [name, dims] of shapes) {
        const length = elementCount(dims) * DTYPE_BYTES.float32;
        values.set(
          name,
          g.external(name, { dtype: "float32", dims, location: "w.safetensors", offset, length }),
        );
        offset += length;
      }
      return valueWeights(g, values);
    },
    edits: { taps: ["blocks.0.attn_weights"], patches: ["blocks.0.q"], steer: [0], steerFactors: true },
    outputs: { logits: true, logProbs: true, steeringAdjoint: true },
  });
}

/** The same block over a cache, as in a rollout. */
function cachedBlock(): Graph {
  const config = tinyConfig({ layers: 1 });
  const g = new GraphBuilder("cached_block");
  const x = g.input("x", "float32", ["batch", "new", config.embed]);
  g.input("prompts", "int64", ["batch", "seq"]);
  const cache = (part: string) => {
    const of = (name: string) =>
      g.input(`${part}_${name}`, "float32", ["batch", config.kvHeads, part, config.headDim]);
    return { key: of("key"), value: of("value") };
  };
  const shapes = weightShapes(config);
  const weights = inputWeights(g, { shapes, compute: "float32" });
  const site: SiteHandler = (_, __, value) => value;
  const past = { settled: cache("settled"), recent: cache("recent") };
  const attention = cachedAttention(g, config, {
    tables: rotaryTables(g, config, { count: 8, compute: "float32" }),
    positions: g.input("positions", "int64", ["batch", "new"]),
    lengths: g.input("lengths", "int64", ["batch"]),
    prompt: "seq",
    added: "new",
    slots: { settled: "settled", recent: "recent" },
    past: () => past,
    store: (_, { key, value }) => {
      g.output("key", key);
      g.output("value", value);
    },
  });
  g.output("y", decoderBlock(g, x, { config, weights, attention, site, projections: "joint", layer: 0 }));
  return g.build();
}

/** A checkpoint that is nowhere: graphs read places of weights off it, never the weights. */
function bfloat16Checkpoint(config: ModelConfig): Checkpoint {
  let offset = 0;
  const weights = new Map(
    [...weightShapes(config)].map(([name, dims]) => {
      const length = elementCount(dims) * DTYPE_BYTES.bfloat16, dtype = "bfloat16" as const;
      const entry = { name, file: "", dtype, dims, location: "w.safetensors", offset, length };
      offset += length;
      return [name, entry];
    }),
  );
  const hash = () => Promise.resolve(""), tokenizer = () => Promise.reject(new Error("no tokenizer"));
  return { folder: "", weightsFolder: "", config, weights, endTokens: [], notices: [], tokenizer, hash };
}

/** A sequence graph of one block with float32 islands: edits, log-probabilities, and the steering adjoint. */
function bfloat16Block(): Graph {
  const config = tinyConfig({ layers: 1 });
  return sequenceGraph({
    config,
    weights: bfloat16Checkpoint(config),
    compute: "bfloat16",
    edits: { taps: ["blocks.0.attn_weights"], patches: ["blocks.0.q"], steer: [0] },
    outputs: { logProbs: true, steeringAdjoint: true },
  });
}

/** The same model's rollout. */
function bfloat16Rollout(): Graph {
  const config = tinyConfig({ layers: 1 });
  const checkpoint = bfloat16Checkpoint(config);
  return rolloutGraph({ config, checkpoint, stopTokens: [0, 7], edits: { steer: [0] }, compute: "bfloat16" });
}

/** The graphs whose text is kept in `snapshots/`, by file name. */
export const SNAPSHOT_GRAPHS: Readonly<Record<string, () => Graph>> = {
  control_flow: controlFlow,
  one_block: oneBlock,
  cached_block: cachedBlock,
  bfloat16_block: bfloat16Block,
  bfloat16_rollout: bfloat16Rollout,
};
