import { assertEquals, assertThrows } from "@std/assert";
import { backward } from "../../lib/adjoint/mod.ts";
import { weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { tensor } from "../../lib/core/mod.ts";
import {
  decoderBlocks,
  embedTokens,
  inputWeights,
  sequenceAttention,
  type SiteHandler,
  unembed,
  valueWeights,
} from "../../lib/model/mod.ts";
import { GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { checkAdjoint } from "./_check_adjoint.ts";

const total = (g: GraphBuilder, x: Value) => g.reduce("sum", x, { axes: x.dims.map((_, axis) => axis) });

Deno.test("backward() refuses a loss that is not a scalar", () => {
  const g = new GraphBuilder("vector_loss");
  const x = g.input("x", "float32", ["n"]);
  assertThrows(
    () => backward(g, { loss: g.mul(x, x), of: [x] }),
    RangeError,
    "Cannot start a backward pass as the loss must be a scalar: current shape is [n]",
  );
});

Deno.test("backward() refuses a value that the loss does not depend on, naming both", () => {
  const g = new GraphBuilder("independent");
  const x = g.input("x", "float32", ["n"]), other = g.input("other", "float32", ["n"]);
  const loss = total(g, g.mul(x, x));
  assertThrows(
    () => backward(g, { loss, of: [x, other] }),
    RangeError,
    `Cannot give the adjoint of "other" as "${loss.name}" does not depend on it`,
  );
});

Deno.test("backward() starts from known adjoints as from the loss that they belong to", async () => {
  const g = new GraphBuilder("known");
  const x = g.input("x", "float32", ["n"]), weights = g.input("weights", "float32", ["n"]);
  const y = g.mul(x, x);
  const [fromLoss] = backward(g, { loss: total(g, g.mul(y, weights)), of: [x] });
  const [fromKnown] = backward(g, { known: [[y, weights]], of: [x] });
  g.output("loss", fromLoss as Value);
  g.output("known", fromKnown as Value);
  const feeds = { x: tensor("float32", [3], [2, -1, 3]), weights: tensor("float32", [3], [1, 5, -2]) };
  const out = await runGraph(g.build(), { feeds });
  assertEquals([numbersOf(out["loss"]), numbersOf(out["known"])], [[4, -10, -12], [4, -10, -12]]);
  assertThrows(
    () => backward(g, { known: [[y, g.scalar("float32", 1)]], of: [x] }),
    RangeError,
    `Cannot start a backward pass as the adjoint of "${y.name}" must be float32[n]: current type is float32[]`,
  );
});

Deno.test("backward() names the node that it cannot cross", () => {
  const g = new GraphBuilder("cosine");
  const x = g.input("x", "float32", ["n"]);
  const loss = total(g, g.within("rotary", () => g.apply("Cos", [x])));
  assertThrows(
    () => backward(g, { loss, of: [x] }),
    TypeError,
    'Cannot differentiate "rotary.Cos" as Cos has no adjoint',
  );
});

Deno.test("backward() does not mind operations without an adjoint beside the path", () => {
  const g = new GraphBuilder("beside");
  const x = g.input("x", "float32", ["n"]), y = g.input("y", "float32", ["n"]);
  const loss = total(g, g.mul(x, g.apply("Cos", [y])));
  assertEquals(backward(g, { loss, of: [x] })[0]?.dims, ["n"]);
  assertThrows(() => backward(g, { loss, of: [y] }), TypeError, "Cos has no adjoint");
});

Deno.test("backward() refuses rules' limits by name: rotary angles, Gather along another axis, lengths unknown", () => {
  const g = new GraphBuilder("limits");
  const x = g.input("x", "float32", ["batch", 2, "seq", 4]),
    angle = g.input("a", "float32", ["batch", "seq", 2]);
  const rotated = g.apply("RotaryEmbedding", [x, angle, angle]);
  assertThrows(
    () => backward(g, { loss: total(g, rotated), of: [angle] }),
    TypeError,
    "has no adjoint for input 1",
  );
  const columns = g.gather(x, g.constant("int64", [1], [0]), { axis: 1 });
  assertThrows(
    () => backward(g, { loss: total(g, columns), of: [x] }),
    TypeError,
    "must take rows of a matrix",
  );
  const part = g.slice(x, { axis: 2, start: 0, end: 1 });
  assertThrows(
    () => backward(g, { loss: total(g, part), of: [x] }),
    TypeError,
    "its axis must have a fixed length",
  );
  const joined = g.apply("Concat", [x, x], { attributes: { axis: 2, joined: "2*seq" } });
  assertThrows(
    () => backward(g, { loss: total(g, joined), of: [x] }),
    TypeError,
    "part 0 must have a fixed length",
  );
});

Deno.test("backward() of the loss itself is one", async () => {
  const g = new GraphBuilder("itself");
  const x = g.input("x", "float64", [2]);
  const loss = total(g, x);
  const [ofLoss, ofX] = backward(g, { loss, of: [loss, x] }) as [Value, Value];
  g.output("of_loss", ofLoss);
  g.output("of_x", ofX);
  const out = await runGraph(g.build(), { feeds: { x: tensor("float64", [2], [3, 5]) } });
  assertEquals([numbersOf(out["of_loss"]), numbersOf(out["of_x"])], [[1], [1, 1]]);
});

Deno.test("backward() gives the adjoint of a value inside the graph without walking past it", () => {
  const g = new GraphBuilder("inside");
  const x = g.input("x", "float32", ["n"]);
  const middle = g.apply("Cos", [x]); // would be an error to cross
  const before = g.nodes.length;
  const [adjoint] = backward(g, { loss: total(g, g.mul(middle, middle)), of: [middle] });
  assertEquals(adjoint?.dims, ["n"]);
  const added = g.nodes.slice(before).map((node) => node.op);
  // Mul and ReduceSum of the loss; then Unsqueeze and Expand of ReduceSum, two products of Mul and their sum.
  assertEquals(added.filter((op) => op === "Mul").length, 3);
  assertEquals(added.filter((op) => op === "Add").length, 1);
});

// ONNX Runtime adds float16 on the CPU in float32 by itself, so that the numbers could not tell.
Deno.test("backward() takes every sum of 16-bit adjoints in float32: of broadcast axes and of several uses", () => {
  for (const dtype of ["float16", "bfloat16"] as const) {
    const g = new GraphBuilder(`wide_${dtype}`);
    const x = g.input("x", dtype, [1, 4]), rows = g.input("rows", dtype, [3, 5, 4]);
    const before = g.nodes.length;
    const twice = g.add(g.mul(rows, x), g.mul(rows, g.mul(x, x)));
    const [adjoint] = backward(g, { loss: total(g, g.cast(twice, "float32")), of: [x] });
    assertEquals([adjoint?.dtype, ...adjoint?.dims ?? []], [dtype, 1, 4]);
    const sums = g.nodes.slice(before).filter(({ name, op }) =>
      name.includes("adjoint") && /^(ReduceSum|Add)$/.test(op)
    );
    assertEquals(sums.map(({ op }) => op).sort().filter((op, at, all) => all[at - 1] !== op), [
      "Add",
      "ReduceSum",
    ]);
    assertEquals(
      sums.map(({ inputs }) => inputs[0]?.dtype).filter((found) => found !== "float32"),
      [],
      dtype,
    );
  }
});

Deno.test("backward() crosses a graph whose lengths are read off the differentiated input", async () => {
  await checkAdjoint({
    name: "lengths of x",
    inputs: [{ dims: ["b", "n"], shape: [2, 3] }],
    build: (g, [x]) => {
      const v = x as Value;
      const squares = g.reshape(g.mul(v, v), ["b*n", 1]);
      return g.mul(g.expand(squares, ["b*n", "n"]), g.reduce("mean", v, { axes: [0] }));
    },
  });
});

Deno.test("backward() treats comparisons with a differentiated value as constants", async () => {
  await checkAdjoint({
    name: "leaky",
    inputs: [{ dims: [4], values: [0.5, -0.75, 1.5, -2] }],
    build: (g, [x]) => {
      const v = x as Value;
      const positive = g.apply("Greater", [v, g.scalar("float64", 0)]);
      return g.apply("Where", [positive, v, g.mul(v, g.scalar("float64", 0.1))]);
    },
  });
});

/** A sequence graph of a random tiny model, weights as inputs, and how many nodes its backward pass has. */
function adjointNodes(
  layers: readonly number[],
): { readonly count: number; readonly ops: readonly string[] } {
  const config = tinyConfig({ layers: 3 });
  const shapes = weightShapes(config);
  const graph = sequenceGraph({
    config,
    weights: (g) => inputWeights(g, { shapes, compute: "float32" }),
    edits: { steer: layers },
    outputs: { steeringAdjoint: true },
  });
  const nodes = graph.nodes.filter((node) => node.name.startsWith("adjoint."));
  return { count: nodes.length, ops: nodes.map((node) => node.name) };
}

Deno.test("backward() adds only the nodes between the asked layer and the loss", () => {
  const [first, middle, last] = [0, 1, 2].map((layer) => adjointNodes([layer]));
  if (first === undefined || middle === undefined || last === undefined) throw new Error("three layers");
  const perBlock = first.count - middle.count;
  assertEquals(middle.count - last.count, perBlock);
  assertEquals(perBlock > 20, true);
  assertEquals(last.ops.some((name) => name.includes("blocks.")), false);
  assertEquals(middle.ops.some((name) => name.includes("blocks.1.") || name.includes("blocks.0.")), false);
  // All layers at once cost one walk, and a sum over rows and positions for each further vector.
  assertEquals(adjointNodes([0, 1, 2]).count - first.count <= 8, true);
});

Deno.test("backward() spends nothing on frozen weights", () => {
  const { ops } = adjointNodes([0]);
  // A weight's adjoint would read its rows laid end to end: a Reshape to [batch*seq, …] under its MatMul.
  const products = ops.filter((name) => /\.MatMul(_\d+)?\.MatMul(_\d+)?$/.test(name));
  const forward = 2 * 9; // seven weights and two attention products in each of the blocks above layer 0
  const attention = 2 * 2; // an attention product has two live operands, a weight product one
  assertEquals(products.length, forward + attention);
});

Deno.test("weight adjoints of a one-block decoder equal central differences in float64", async () => {
  const config = tinyConfig({ layers: 1, embed: 6, heads: 2, kvHeads: 1, headDim: 4, neurons: 5, vocab: 7 });
  const shapes = weightShapes(config);
  const names = [...shapes.keys()];
  const gains = [1.2, 0.8, -0.9, 1.1, 0.7, 1.3];
  await checkAdjoint({
    name: "one block",
    inputs: names.map((name) => {
      const dims = shapes.get(name) as readonly number[];
      return name.endsWith("norm.weight") ? { dims, values: gains } : { dims };
    }),
    lengths: { batch: 2, seq: 3 },
    feeds: { tokens: tensor("int64", [2, 3], [1, 4, 2, 6, 1, 1]) },
    build: (g, values) => {
      const held = new Map(names.map((name, index) => [name, values[index] as Value]));
      const weights = valueWeights(g, held);
      const tokens = g.input("tokens", "int64", ["batch", "seq"]);
      const site: SiteHandler = (_, __, value) => value;
      const attention = sequenceAttention(g, config, {
        batch: "batch",
        seq: "seq",
        compute: "float64",
        site,
      });
      const parts = { config, weights, attention, site };
      const logits = unembed(g, decoderBlocks(g, embedTokens(g, tokens, parts), parts), parts);
      return g.softmax(logits, { axis: 2, log: true }); // [batch, seq, vocab]
    },
  });
});
