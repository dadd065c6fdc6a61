import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { tensor } from "../../lib/core/mod.ts";
import {
  type Dim,
  formatGraph,
  GraphBuilder,
  type OpName,
  type Shape,
  type Value,
} from "../../lib/onnx/mod.ts";
import { graphOf, numbersOf, runGraph } from "./_run_graph.ts";

type Build = (g: GraphBuilder, x: Value) => unknown;

/** Wrong nodes over x float32[batch, 4]: what is done, and the rule that the error must state. */
const WRONG: readonly (readonly [string, Build, string])[] = [
  ["Add of two dtypes", (g, x) => g.add(x, g.scalar("int64", 1)), "operands must have one dtype"],
  ["Add of booleans", (g) => g.add(g.scalar("bool", 1), g.scalar("bool", 1)), "dtype bool is not accepted"],
  [
    "Add of shapes that do not fit",
    (g, x) => g.add(x, g.input("y", "float32", [3])),
    "shapes must broadcast",
  ],
  ["Add of two symbols", (g, x) => g.add(x, g.input("y", "float32", ["seq", 4])), "shapes must broadcast"],
  ["Add of one input", (g, x) => g.apply("Add", [x]), "input 1 must be given"],
  ["Add of a left-out input", (g, x) => g.apply("Add", [x, null]), "input 1 must be given"],
  ["And of numbers", (g, x) => g.apply("And", [x, x]), "dtype float32 is not accepted"],
  [
    "Less of booleans",
    (g) => g.apply("Less", [g.scalar("bool", 1), g.scalar("bool", 1)]),
    "dtype bool is not accepted",
  ],
  ["Exp of integers", (g) => g.apply("Exp", [g.scalar("int64", 1)]), "input must be a floating-point tensor"],
  ["MatMul of inner axes that differ", (g, x) => g.matMul(x, x), "inner axes must agree: 4 and batch"],
  [
    "MatMul of a vector",
    (g, x) => g.matMul(x, g.input("y", "float32", [4])),
    "operands must have at least two axes",
  ],
  ["MatMul of integers", (g) => {
    const y = g.input("y", "int64", [2, 2]);
    return g.matMul(y, y);
  }, "operands must have one floating-point dtype"],
  ["MatMul of batches that differ", (g) => {
    const a = g.input("a", "float32", ["b", 2, 2]), b = g.input("b", "float32", ["c", 2, 2]);
    return g.matMul(a, b);
  }, "batch axes must broadcast"],
  [
    "Softmax past the last axis",
    (g, x) => g.softmax(x, { axis: 2 }),
    "axis must lie in [-2, 2): current value is 2",
  ],
  ["Softmax of integers", (g) => g.softmax(g.input("y", "int64", [2]), { axis: 0 }), "floating-point"],
  ["ReduceSum past the first axis", (g, x) => g.reduce("sum", x, { axes: [-3] }), "current value is -3"],
  ["Transpose with an axis too few", (g, x) => g.transpose(x, [0]), "perm must name every axis"],
  ["Transpose with an axis twice", (g, x) => g.transpose(x, [0, 0]), "perm must be a permutation"],
  [
    "Concat of two dtypes",
    (g, x) => concat(g, [x, g.input("y", "int64", ["batch", 4])]),
    "parts must have one dtype",
  ],
  [
    "Concat of other axes that differ",
    (g, x) => concat(g, [x, g.input("y", "float32", ["seq", 4])]),
    "parts must agree on all other axes",
  ],
  [
    "Concat of ranks that differ",
    (g, x) => concat(g, [x, g.input("y", "float32", ["batch"])]),
    "parts must agree",
  ],
  ["Slice past the end", (g, x) => g.slice(x, { axis: 1, start: 2, end: 5 }), "[2, 5) must lie in axis"],
  ["Slice of nothing", (g, x) => g.slice(x, { axis: 1, start: 2, end: 2 }), "[2, 2) must lie in axis"],
  [
    "Slice backwards on a symbol",
    (g, x) => g.slice(x, { axis: 0, start: 2, end: 1 }),
    "bounds must be positive and in order",
  ],
  [
    "Slice before the start of a symbol",
    (g, x) => g.slice(x, { axis: 0, start: -1, end: 1 }),
    "bounds must be positive",
  ],
  [
    "Squeeze of a long axis",
    (g, x) => g.apply("Squeeze", [x], { attributes: { axes: [1] } }),
    "squeezed axes must have length 1",
  ],
  ["Unsqueeze past the rank", (g, x) => g.unsqueeze(x, [3]), "axis must lie in [-3, 3): current value is 3"],
  [
    "Gather by floats",
    (g, x) => g.gather(x, g.scalar("float32", 0), { axis: 0 }),
    "indices must be int64 or int32",
  ],
  ["Gather past the last axis", (g, x) => g.gather(x, g.scalar("int64", 0), { axis: 2 }), "axis must lie in"],
  [
    "GatherElements of another rank",
    (g, x) => g.apply("GatherElements", [x, g.scalar("int64", 0)], { attributes: { axis: 0 } }),
    "indices must have the data's rank",
  ],
  [
    "GatherElements by floats",
    (g, x) => g.apply("GatherElements", [x, x], { attributes: { axis: 0 } }),
    "indices must be int64 or int32",
  ],
  [
    "ScatterAdd into a vector",
    (g, x) => g.apply("ScatterAdd", [g.input("r", "float32", [4]), g.scalar("int64", 0), x]),
    "rows must be [rows, width]",
  ],
  [
    "ScatterAdd of another width",
    (g, x) => g.apply("ScatterAdd", [x, g.input("i", "int64", [3]), g.input("u", "float32", [3, 5])]),
    "updates must be [...indices, width]",
  ],
  ["Where by numbers", (g, x) => g.apply("Where", [x, x, x]), "condition must be bool"],
  [
    "Where of two dtypes",
    (g, x) => g.apply("Where", [g.scalar("bool", 1), x, g.scalar("int64", 1)]),
    "branches must have one dtype",
  ],
  [
    "Where of shapes that do not fit",
    (g, x) => g.apply("Where", [g.input("m", "bool", [3]), x, x]),
    "shapes must broadcast",
  ],
  [
    "RMSNormalization with a wrong gain",
    (g, x) => norm(g, x, g.input("y", "float32", [3])),
    "gain must match the last axis",
  ],
  [
    "RMSNormalization with a gain of another dtype",
    (g, x) => norm(g, x, g.input("y", "float64", [4])),
    "gain must have the input's dtype",
  ],
  [
    "RotaryEmbedding of three axes",
    (g, x) => g.apply("RotaryEmbedding", [x, x, x]),
    "input must be [batch, heads, seq, head_dim]",
  ],
  ["RotaryEmbedding with a narrow table", (g) => rotary(g, 1), "cos must cover half of head_dim"],
  [
    "Range of vectors",
    (g, x) => g.apply("Range", [x, x, x], { attributes: { length: "n" } }),
    "bounds must be scalars, or vectors of one element",
  ],
  [
    "ArgMax past the last axis",
    (g, x) => g.apply("ArgMax", [x], { attributes: { axis: 7 } }),
    "axis must lie in",
  ],
  [
    "Loop whose carried value changes dtype",
    (g, x) => loop(g, x, (body) => body.cast(x, "float64")),
    "carried value 0 must keep its dtype",
  ],
  [
    "Loop whose carried value changes rank",
    (g, x) => loop(g, x, (body) => body.unsqueeze(x, [0])),
    "carried value 0 must keep its rank",
  ],
];

const concat = (g: GraphBuilder, parts: readonly Value[]) =>
  g.apply("Concat", parts, { attributes: { axis: 1 } });
const norm = (g: GraphBuilder, x: Value, gain: Value) =>
  g.apply("RMSNormalization", [x, gain], { attributes: { axis: -1, epsilon: { float: 1e-6 } } });
const rotary = (g: GraphBuilder, half: number) => {
  const table = g.input("table", "float32", [1, "seq", half]);
  return g.apply("RotaryEmbedding", [g.input("q", "float32", [1, 2, "seq", 4]), table, table]);
};
const loop = (g: GraphBuilder, x: Value, next: (body: GraphBuilder) => Value) =>
  g.loop({
    name: "loop",
    maxSteps: g.scalar("int64", 2),
    carried: [{ name: "x", start: x }],
    body: (body) => ({ goOn: body.scalar("bool", 1), carried: [next(body)], collected: [] }),
  });

Deno.test("GraphBuilder refuses a wrong node, naming it, the rule and the inputs", () => {
  for (const [what, build, rule] of WRONG) {
    const g = new GraphBuilder("wrong");
    const x = g.input("x", "float32", ["batch", 4]);
    const op = /^\w+/.exec(what)?.[0] as string;
    const error = assertThrows(() => g.within("blocks.3", () => build(g, x)), TypeError, rule, what);
    const grammar = new RegExp(`^Cannot add ${op} "blocks\\.3\\.\\S+" as .+: current inputs are `);
    assertEquals([what, grammar.test(error.message)], [what, true], error.message);
  }
});

Deno.test("GraphBuilder's error shows every input with its type", () => {
  const g = new GraphBuilder("types");
  const x = g.input("x", "float32", ["batch", 4]);
  assertThrows(
    () => g.within("mlp", () => g.apply("Add", [x, g.input("y", "float32", ["seq", 4])], { name: "sum" })),
    TypeError,
    'Cannot add Add "mlp.sum" as shapes must broadcast: current inputs are x float32[batch, 4], y float32[seq, 4]',
  );
});

Deno.test("GraphBuilder infers shapes with symbols", () => {
  const shapes: readonly (readonly [(g: GraphBuilder) => Value, Shape])[] = [
    [(g) => g.add(g.input("a", "float32", ["batch", 1, 4]), g.input("b", "float32", ["seq", 1])), [
      "batch",
      "seq",
      4,
    ]],
    [
      (g) =>
        g.matMul(g.input("a", "float32", ["batch", "seq", 4]), g.input("w", "float32", [9, 4]), {
          transB: true,
        }),
      ["batch", "seq", 9],
    ],
    [
      (g) =>
        g.matMul(g.input("a", "float32", [4, "n"]), g.input("w", "float32", ["b", 4, 9]), { transA: true }),
      ["b", "n", 9],
    ],
    [(g) => g.reduce("mean", g.input("a", "float32", ["batch", "seq", 4]), { axes: [-1, 0] }), ["seq"]],
    [(g) => g.reduce("max", g.input("a", "float32", ["batch", 4]), { axes: [1], keepdims: true }), [
      "batch",
      1,
    ]],
    [
      (g) => g.gather(g.input("w", "float32", [61, 4]), g.input("t", "int64", ["batch", "seq"]), { axis: 0 }),
      ["batch", "seq", 4],
    ],
    [(g) => concat(g, [g.input("a", "float32", ["b", "n"]), g.input("c", "float32", ["b", 2])]), [
      "b",
      "n+2",
    ]],
    [(g) => g.unsqueeze(g.input("a", "float32", ["b", 3]), [-1, 1]), ["b", 1, 3, 1]],
    [(g) => g.transpose(g.input("a", "float32", ["b", "n", 3]), [2, 0, 1]), [3, "b", "n"]],
    [(g) => g.reshape(g.input("a", "float32", ["b", "n", 6]), ["b", "n", 2, 3]), ["b", "n", 2, 3]],
  ];
  for (const [build, expected] of shapes) assertEquals(build(new GraphBuilder("shapes")).dims, expected);
});

Deno.test("reshape() moves symbols about, merges and splits them", async () => {
  const targets: readonly (readonly [Shape, Shape, readonly number[]])[] = [
    [["b", "n", 6], ["b", "n", 2, 3], [2, 3, 2, 3]],
    [["b", "n", 6], ["b*n", 6], [6, 6]],
    [["b", "n", 6], ["n", "b", 6], [3, 2, 6]],
    [["b", "n", 6], ["b", "6*n"], [2, 18]],
    [["b", "n", 6], ["3*b", "2*n"], [6, 6]],
    [["b", "n", 6], ["6*b*n"], [36]],
    [["b", "n", 6], [1, "b", 2, "n", 3], [1, 2, 2, 3, 3]],
  ];
  for (const [from, to, real] of targets) {
    const graph = graphOf((g) => ({ y: g.reshape(g.input("x", "float32", from), to) }));
    const values = Array.from({ length: 36 }, (_, index) => index);
    const out = await runGraph(graph, { feeds: { x: tensor("float32", [2, 3, 6], values) } });
    assertEquals([out["y"]?.dims, numbersOf(out["y"])], [real as number[], values]);
  }
});

Deno.test("reshape() refuses another element count, in numbers and in symbols", () => {
  const g = new GraphBuilder("counts");
  const x = g.input("x", "float32", ["batch", 4]);
  for (const dims of [["batch", 5], ["seq", 4], [4], ["batch", "batch", 4]] as Dim[][]) {
    assertThrows(
      () => g.reshape(x, dims),
      TypeError,
      `Cannot reshape "x" to [${dims.join(", ")}] as the count must stay: current shape is [batch, 4]`,
    );
  }
});

Deno.test("length() reads a symbol off the first input that has it, once, and multiplies products", async () => {
  const graph = graphOf((g) => {
    g.input("x", "float32", ["n", "m"]);
    const first = g.length("n");
    assertEquals(g.length("n"), first);
    assertNotEquals(g.length("m"), first);
    return { n: first, product: g.length("2*m*n"), four: g.length(4), shape: g.shapeOf(["m", 7, "m*n"]) };
  });
  const out = await runGraph(graph, { feeds: { x: tensor("float32", [2, 5], new Float32Array(10)) } });
  const read = ["n", "product", "four", "shape"].map((name) => numbersOf(out[name]));
  assertEquals(read, [[2], [20], [4], [5, 7, 10]]);
});

Deno.test("length() refuses a symbol that nothing defines; defineLength() makes it known", async () => {
  const g = new GraphBuilder("lengths");
  const x = g.input("x", "float32", ["n"]);
  assertThrows(
    () => g.length("steps"),
    RangeError,
    'Cannot know the length "steps" in graph "lengths" as no input has such an axis',
  );
  g.defineLength("steps", g.apply("Concat", [x, x], { attributes: { axis: 0, joined: "steps" } }), 0);
  g.output("y", g.length("steps"));
  const out = await runGraph(g.build(), { feeds: { x: tensor("float32", [3], [1, 2, 3]) } });
  assertEquals(numbersOf(out["y"]), [6]);
});

Deno.test("constant() stores equal constants once, and tells types, shapes and signs of zero apart", () => {
  const g = new GraphBuilder("constants");
  const one = g.scalar("float32", 1);
  assertEquals(g.scalar("float32", 1), one);
  const others = [
    g.scalar("float64", 1),
    g.scalar("int64", 1),
    g.constant("float32", [1], [1]),
    g.constant("float32", [1, 1], [1]),
    g.scalar("float32", 0),
    g.scalar("float32", -0),
    g.scalar("float32", Infinity),
  ];
  assertEquals(new Set([one, ...others].map((value) => value.name)).size, 8);
  g.output("y", one);
  const { initializers } = g.build();
  assertEquals(initializers.length, 8);
  const bytes = initializers.map((item) => item.kind === "inline" ? [...item.bytes] : []);
  assertEquals(bytes[0], [0, 0, 128, 63]);
  assertEquals(bytes[6], [0, 0, 0, 128]);
});

Deno.test("constant() refuses a wrong number of values", () => {
  const g = new GraphBuilder("constants");
  assertThrows(() => g.constant("float32", [2], [1]), RangeError, "it needs 2 values: got 1");
});

Deno.test("GraphBuilder gives every value a name of its own, with the prefix of where it was made", () => {
  const g = new GraphBuilder("names");
  const x = g.input("x", "float32", [2]);
  const names = g.within(
    "blocks.0",
    () => [g.add(x, x).name, g.within("attn", () => g.add(x, x).name), g.add(x, x).name],
  );
  assertEquals([...names, g.add(x, x).name], ["blocks.0.Add", "blocks.0.attn.Add", "blocks.0.Add_1", "Add"]);
  assertEquals(g.input("x", "float32", [2]).name, "x_1");
  assertThrows(() => g.within("broken", () => g.add(x, g.scalar("int64", 1))), TypeError, '"broken.Add"');
  assertEquals(g.add(x, x).name, "Add_1"); // the prefix of the failed part is gone
});

Deno.test("a graph refuses the value of a graph that is not around it", () => {
  const g = new GraphBuilder("mine"), other = new GraphBuilder("theirs");
  const foreign = other.input("x", "float32", [2]);
  assertThrows(
    () => g.add(foreign, foreign),
    RangeError,
    'Cannot use "x" in node "Add" as it must belong to graph "mine" or one around it: it belongs to "theirs"',
  );
  assertThrows(() => g.output("y", foreign), RangeError, 'Cannot use "x" in output "y"');
});

Deno.test("a body uses values of the graphs around it, and they may not use the body's", () => {
  const g = new GraphBuilder("outer");
  const x = g.input("x", "float32", ["n"]);
  let leaked: Value | null = null;
  const once = (around: GraphBuilder, name: string, value: (body: GraphBuilder) => Value) =>
    around.loop({
      name,
      carried: [],
      body: (body) => ({ goOn: body.scalar("bool", 0), carried: [], collected: [value(body)] }),
    })[0] as Value;
  const y = once(g, "outer_loop", (middle) =>
    once(middle, "inner_loop", (inner) => {
      leaked = inner.expand(inner.add(x, middle.scalar("float32", 1)), ["n"]);
      return leaked;
    }));
  assertEquals(y.dims, ["steps", "steps", "n"]);
  assertThrows(
    () => g.add(x, leaked as unknown as Value),
    RangeError,
    'or one around it: it belongs to "inner_loop"',
  );
});

Deno.test("loop() refuses a body that carries another number of values", () => {
  const g = new GraphBuilder("loops");
  const x = g.input("x", "float32", [2]);
  assertThrows(
    () =>
      g.loop({
        name: "decode",
        maxSteps: g.scalar("int64", 2),
        carried: [{ name: "x", start: x }],
        body: (body) => ({ goOn: body.scalar("bool", 1), carried: [], collected: [] }),
      }),
    TypeError,
    'Cannot close loop "decode" as it must carry 1 values: got 0',
  );
});

Deno.test("output() and build() refuse a name twice and a graph without outputs", () => {
  const g = new GraphBuilder("ends");
  const x = g.input("x", "float32", [2]);
  assertThrows(() => g.build(), RangeError, 'Cannot build graph "ends" as it must have an output');
  g.output("y", x);
  assertThrows(
    () => g.output("y", x),
    RangeError,
    'Cannot add output "y" to graph "ends" as the name is taken',
  );
});

Deno.test("build() gives a graph that later nodes do not change", () => {
  const g = new GraphBuilder("frozen");
  const x = g.input("x", "float32", [2]);
  g.output("y", g.add(x, x));
  const graph = g.build(), text = formatGraph(graph);
  g.output("z", g.mul(x, g.scalar("float32", 2)));
  assertEquals(formatGraph(graph), text);
  assertNotEquals(formatGraph(g.build()), text);
});

Deno.test("cast() to the same type adds no node", () => {
  const g = new GraphBuilder("casts");
  const x = g.input("x", "float32", [2]);
  assertEquals([g.cast(x, "float32"), g.nodes.length], [x, 0]);
  assertEquals([g.cast(x, "int64").dtype, g.nodes.map((node): OpName => node.op)], ["int64", ["Cast"]]);
});
