import { assert, assertEquals } from "@std/assert";
import { type Checkpoint, PUBLISHED_CONFIGS, weightShapes } from "../../lib/checkpoint/mod.ts";
import { elementCount } from "../../lib/core/mod.ts";
import { graphMemory } from "../../lib/onnx/mod.ts";
import { DIFFERENCE_NAMES, differenceGraph } from "../../lib/probe/mod.ts";

const GIB = 2 ** 30;

Deno.test("what every layer's vector changes in a 7B model over 96 texts of 1,000 tokens hands out less than 1 GB", () => {
  const config = PUBLISHED_CONFIGS["qwen2.5-math-7b"], { layers, embed } = config;
  // Places in files that nobody reads: a graph alone is looked at.
  const weights = new Map([...weightShapes(config)].map(([name, dims]) => [name, {
    ...{
      name,
      dtype: "bfloat16",
      dims,
      location: "model.safetensors",
      offset: 0,
      length: 2 * elementCount(dims),
    },
  }]));
  const groups = 10, texts = Math.ceil(96 / groups);
  const lengths = { texts, seq: 1000 };
  const handedOut: number[] = [];
  let most = 0;
  for (const source of [0, layers - 1]) {
    const graph = differenceGraph({
      config,
      weights: { weights } as unknown as Checkpoint,
      edits: { steer: [source] },
      countsZeros: [false, true],
    });
    const bytes = graph.outputs.map(({ value: { dims } }) =>
      8 * dims.reduce<number>((count, dim) => count * (typeof dim === "number" ? dim : texts), 1)
    );
    assertEquals(graph.outputs.map(({ name }) => name), [
      DIFFERENCE_NAMES.sums,
      DIFFERENCE_NAMES.directions,
      DIFFERENCE_NAMES.counts,
      DIFFERENCE_NAMES.last,
      DIFFERENCE_NAMES.normed,
    ]);
    handedOut.push(groups * bytes.reduce((sum, each) => sum + each, 0));
    if (source === 0) most = graphMemory(graph, { lengths, packed: false }).values;
  }
  // One layer less for every source: a series whose ends are known.
  const moved = layers / 2 * ((handedOut[0] as number) + (handedOut[1] as number));
  assert(moved < 1e9, `${moved} bytes are handed out`);
  assert(moved > layers * groups * 8 * embed, "each source hands out sums");
  assert(most < 4 * GIB, `${most} bytes of values`);
});
