import { assertEquals } from "@std/assert";
import { ADJOINT_RULES, backward, type DifferentiableOp } from "../../lib/adjoint/mod.ts";
import { tensor } from "../../lib/core/mod.ts";
import { GraphBuilder, type OpName, type Value } from "../../lib/onnx/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";
import { type AdjointCase, type CaseInput, checkAdjoint } from "./_check_adjoint.ts";

const x23: CaseInput = { dims: ["n", 3], shape: [2, 3] };
const away = [0.7, -1.3, 2.1, -0.6, 1.9, 0.8]; // of zero
const above = [0.7, 1.3, 2.1, 0.6, 1.9, 0.8];

const unary = (op: OpName, values?: readonly number[]): AdjointCase => ({
  name: op,
  inputs: [values === undefined ? x23 : { ...x23, values }],
  build: (g, [x]) => g.apply(op, [x as Value]),
});

/** Every way in which one operand may be stretched over the other. */
function binary(op: OpName, options: { readonly values?: readonly number[] } = {}): AdjointCase[] {
  const { values } = options;
  const input = (dims: CaseInput["dims"], shape: readonly number[]): CaseInput => {
    const count = shape.reduce((a, b) => a * b, 1);
    return values === undefined ? { dims, shape } : { dims, shape, values: values.slice(0, count) };
  };
  const pairs: readonly [string, CaseInput, CaseInput][] = [
    ["same shape", input(["n", 3], [2, 3]), input(["n", 3], [2, 3])],
    ["row over matrix", input(["n", 3], [2, 3]), input([3], [3])],
    ["column over matrix", input(["n", 3], [2, 3]), input(["n", 1], [2, 1])],
    ["matrix over column", input(["n", 1], [2, 1]), input(["n", 3], [2, 3])],
    ["both stretched", input(["n", 1], [2, 1]), input([1, 3], [1, 3])],
    ["scalar", input(["n", 3], [2, 3]), input([], [])],
    ["under an extra and a stretched axis", input([1, 3], [1, 3]), input(["m", "n", 3], [1, 2, 3])],
  ];
  return [
    ...pairs.map(([name, a, b]) => ({
      name: `${op}, ${name}`,
      inputs: [a, b],
      build: (g: GraphBuilder, [left, right]: readonly Value[]) =>
        g.apply(op, [left as Value, right as Value]),
    })),
    {
      name: `${op}, one value on both sides`,
      inputs: [input(["n", 3], [2, 3])],
      build: (g, [x]) => g.apply(op, [x as Value, g.mul(x as Value, x as Value)]),
    },
  ];
}

/** All four ways to read the operands, for matrices, batches, and a matrix beside a batch. */
function matMulCases(): AdjointCase[] {
  const cases: AdjointCase[] = [];
  for (const transA of [false, true]) {
    for (const transB of [false, true]) {
      const a: CaseInput = transA ? { dims: [3, "n"], shape: [3, 2] } : { dims: ["n", 3], shape: [2, 3] };
      const b: CaseInput = transB ? { dims: [4, 3] } : { dims: [3, 4] };
      const batched = (input: CaseInput, dims: readonly string[], shape: readonly number[]): CaseInput => ({
        dims: [...dims, ...input.dims],
        shape: [...shape, ...(input.shape ?? input.dims as number[])],
      });
      const forms: readonly [string, CaseInput, CaseInput][] = [
        ["matrices", a, b],
        ["batches", batched(a, ["b", "h"], [2, 2]), batched(b, ["b", "h"], [2, 2])],
        ["a weight under a batch", batched(a, ["b", "h"], [2, 2]), b],
        ["a matrix before a batch", a, batched(b, ["b"], [2])],
        ["a batch stretched over another", batched(a, ["b"], [2]), {
          dims: [1, ...b.dims],
          shape: [1, ...b.dims as number[]],
        }],
      ];
      for (const [name, left, right] of forms) {
        cases.push({
          name: `MatMul, ${name}, ${transA ? "Aᵀ" : "A"}·${transB ? "Bᵀ" : "B"}`,
          inputs: [left, right],
          build: (g, [p, q]) => g.matMul(p as Value, q as Value, { transA, transB }),
        });
        if (name !== "batches") continue;
        cases.push({
          name: `MatMul with a factor, ${transA ? "Aᵀ" : "A"}·${transB ? "Bᵀ" : "B"}`,
          inputs: [left, right],
          build: (g, [p, q]) => g.matMul(p as Value, q as Value, { transA, transB, scale: 0.3 }),
        });
      }
    }
  }
  return cases;
}

function reduceCases(kind: "sum" | "mean"): AdjointCase[] {
  const input: CaseInput = { dims: ["n", 3, "m"], shape: [2, 3, 2] };
  return [true, false].flatMap((keepdims) =>
    [[0], [1], [-1], [0, 2], [0, 1, 2]].map((axes) => ({
      name: `Reduce ${kind} over ${axes}, keepdims ${keepdims}`,
      inputs: [input],
      build: (g: GraphBuilder, [x]: readonly Value[]) => g.reduce(kind, x as Value, { axes, keepdims }),
    }))
  );
}

const axes = [0, 1, -1];
const perAxis = (op: OpName): AdjointCase[] =>
  axes.map((axis) => ({
    name: `${op} along ${axis}`,
    inputs: [x23],
    build: (g, [x]) => g.apply(op, [x as Value], { attributes: { axis } }),
  }));

const angles = (g: GraphBuilder) => {
  const table = [0.1, 0.9, -0.4, 2.2, 1.7, -1.1]; // [batch 1, seq 3, head_dim/2 2]
  return [Math.cos, Math.sin].map((f) => g.constant("float64", [1, 3, 2], table.map(f)));
};

const CASES: { readonly [Op in DifferentiableOp]: readonly AdjointCase[] } = {
  Add: binary("Add"),
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  Div: binary("Div", { values: away }),
  Neg: [unary("Neg")],
  Identity: [unary("Identity")],
  Exp: [unary("Exp")],
  Log: [unary("Log", above)],
  Sqrt: [unary("Sqrt", above)],
  GatedSilu: binary("GatedSilu"),
  Sigmoid: [unary("Sigmoid")],
  Cast: [{
    name: "Cast to its own type",
    inputs: [x23],
    build: (g, [x]) => g.apply("Cast", [g.mul(x as Value, x as Value)], { attributes: { to: "float64" } }),
  }],
  Where: ([[["n", 3], [3]], [[1, 3], ["n", 3]], [["n", 3], []]] as const).map(([a, b]) => ({
    name: `Where over [${a}] and [${b}]`,
    inputs: [a, b].map((dims): CaseInput => ({
      dims,
      shape: dims.map((dim) => dim === "n" ? 2 : dim as number),
    })),
    build: (g, [p, q]) => {
      const mask = g.constant("bool", [1, 3], [1, 0, 1]);
      return g.apply("Where", [mask, p as Value, g.mul(q as Value, q as Value)]);
    },
  })),
  MatMul: matMulCases(),
  Softmax: [...perAxis("Softmax"), {
    name: "Softmax with a floor that nothing lies below",
    inputs: [x23],
    build: (g, [x]) => g.softmax(x as Value, { axis: -1, floor: 40 }),
  }],
  LogSoftmax: perAxis("LogSoftmax"),
  RMSNormalization: [
    { what: "the stream", dims: ["b", "n", 4], shape: [2, 2, 4] },
    { what: "heads", dims: ["b", "n", 3, 4], shape: [2, 2, 3, 4] },
  ].flatMap(({ what, ...x }) =>
    [1e-6, 0.5].map((epsilon): AdjointCase => ({
      name: `RMSNormalization of ${what}, epsilon ${epsilon}`,
      inputs: [x, { dims: [4] }],
      build: (g, [x, gain]) =>
        g.apply("RMSNormalization", [x as Value, gain as Value], {
          attributes: { axis: -1, epsilon: { float: epsilon } },
        }),
    }))
  ),
  RotaryEmbedding: [{
    name: "RotaryEmbedding",
    inputs: [{ dims: [1, 2, 3, 4] }],
    build: (g, [x]) => {
      const [cos, sin] = angles(g) as [Value, Value];
      return g.apply("RotaryEmbedding", [x as Value, cos, sin]);
    },
  }],
  Reshape: [{
    name: "Reshape with a product of symbols",
    inputs: [{ dims: ["b", "n", 6], shape: [2, 2, 6] }],
    build: (g, [x]) => g.reshape(g.mul(x as Value, x as Value), ["b*n", 2, 3]),
  }],
  Expand: [{
    name: "Expand over a new axis and a stretched one",
    inputs: [x23, { dims: ["n", 1], shape: [2, 1] }],
    build: (g, [x, y]) =>
      g.mul(x as Value, g.reduce("sum", g.expand(y as Value, [2, "n", 3]), { axes: [0] })),
  }],
  Transpose: [{
    name: "Transpose by a permutation that is not its own inverse",
    inputs: [{ dims: ["n", 3, 4], shape: [2, 3, 4] }],
    build: (g, [x]) => g.transpose(g.mul(x as Value, x as Value), [2, 0, 1]),
  }],
  Unsqueeze: [[0], [1, 3], [-1]].map((list) => ({
    name: `Unsqueeze ${list}`,
    inputs: [x23],
    build: (g: GraphBuilder, [x]: readonly Value[]) => g.unsqueeze(g.mul(x as Value, x as Value), list),
  })),
  Squeeze: [[0], [-2], [0, 2]].map((list) => ({
    name: `Squeeze ${list}`,
    inputs: [{ dims: [1, "n", 1, 3], shape: [1, 2, 1, 3] }],
    build: (g: GraphBuilder, [x]: readonly Value[]) =>
      g.apply("Squeeze", [g.mul(x as Value, x as Value)], { attributes: { axes: list } }),
  })),
  Concat: [0, -1].map((axis) => ({
    name: `Concat along ${axis}, a value twice`,
    inputs: [{ dims: [2, 3] }, axis === 0 ? { dims: [1, 3] } : { dims: [2, 4] }],
    build: (g: GraphBuilder, [x, y]: readonly Value[]) =>
      g.apply("Concat", [x as Value, y as Value, x as Value], { attributes: { axis } }),
  })),
  Slice: ([[0, 2], [1, 3], [3, 5], [0, 5]] as const).map(([start, end]) => ({
    name: `Slice [${start}, ${end})`,
    inputs: [{ dims: ["n", 5], shape: [2, 5] }],
    build: (g: GraphBuilder, [x]: readonly Value[]) =>
      g.slice(g.mul(x as Value, x as Value), { axis: -1, start, end }),
  })),
  Gather: [{
    name: "Gather of rows, some of them repeatedly",
    inputs: [{ dims: [4, 3] }],
    build: (g, [x]) =>
      g.gather(g.mul(x as Value, x as Value), g.constant("int64", [2, 3], [1, 3, 1, 0, 1, 3]), { axis: 0 }),
  }, {
    name: "Gather of one row by a scalar",
    inputs: [{ dims: [4, 3] }],
    build: (g, [x]) => g.gather(x as Value, g.scalar("int64", 2), { axis: 0 }),
  }, {
    name: "Gather by int32 indices",
    inputs: [{ dims: [4, 3] }],
    build: (g, [x]) => g.gather(x as Value, g.constant("int32", [2], [2, 2]), { axis: 0 }),
  }],
  GatherElements: [0, 1].map((axis) => ({
    name: `GatherElements along ${axis}, some of them repeatedly`,
    inputs: [{ dims: [2, 3] }],
    build: (g: GraphBuilder, [x]: readonly Value[]) => {
      const index = axis === 0
        ? g.constant("int64", [3, 3], [0, 1, 1, 0, 0, 1, 1, 1, 1])
        : g.constant("int64", [2, 2], [2, 2, 0, 1]);
      return g.apply("GatherElements", [g.mul(x as Value, x as Value), index], { attributes: { axis } });
    },
  })),
  ReduceSum: reduceCases("sum"),
  ReduceMean: reduceCases("mean"),
};

for (const [op, cases] of Object.entries(CASES)) {
  Deno.test(`adjoint of ${op} equals central differences in float64`, async () => {
    for (const item of cases) await checkAdjoint(item);
  });
}

Deno.test("every rule has cases, and every case tests the operation it is listed under", () => {
  assertEquals(Object.keys(CASES).sort(), Object.keys(ADJOINT_RULES).sort());
  for (const [op, cases] of Object.entries(CASES)) {
    for (const item of cases) {
      const g = new GraphBuilder("listed");
      item.build(g, item.inputs.map((input, index) => g.input(`x${index}`, "float64", input.dims)));
      assertEquals([item.name, g.nodes.some((node) => node.op === op)], [item.name, true]);
    }
  }
});

Deno.test("adjoint of Cast comes back in the input's type", async () => {
  const g = new GraphBuilder("cast");
  const x = g.input("x", "float32", [3]);
  const wide = g.cast(x, "float64");
  const [adjoint] = backward(g, { loss: g.reduce("sum", g.mul(wide, wide), { axes: [0] }), of: [x] });
  assertEquals(adjoint?.dtype, "float32");
  g.output("adjoint", adjoint as Value);
  const out = await runGraph(g.build(), { feeds: { x: tensor("float32", [3], [1, -2.5, 0.75]) } });
  assertClose(numbersOf(out["adjoint"]), [2, -5, 1.5], "exact");
});

Deno.test("a value used four times collects four adjoints", async () => {
  await checkAdjoint({
    name: "four uses",
    inputs: [x23],
    build: (g, [x]) => {
      const v = x as Value;
      return g.add(g.mul(v, g.apply("Sigmoid", [v])), g.sub(g.apply("Exp", [v]), g.softmax(v, { axis: 1 })));
    },
  });
});
