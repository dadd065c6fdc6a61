import { assertEquals } from "@std/assert";
import { type BorderDType, elementCount, type Tensor, tensor } from "../../lib/core/mod.ts";
import { GraphBuilder, type OpName, type Value } from "../../lib/onnx/mod.ts";
import { assertClose } from "../tolerances.ts";
import { graphOf, numbersOf, runGraph } from "./_run_graph.ts";

/** An operation on a small input, and what plain arithmetic says comes out. */
interface OperatorCase {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The named inputs as graph values → the outputs. */
  readonly build: (g: GraphBuilder, feeds: Readonly<Record<string, Value>>) => readonly Value[];
  readonly expected: readonly { readonly dims: readonly number[]; readonly values: readonly number[] }[];
}

type Floats = "float32" | "float64";

const x6 = [0.5, -1.25, 2, 0.75, -0.5, 1.5];
const at = (list: readonly number[], index: number): number => list[index] as number;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** y = f(x) element by element over a [2, 3] input. */
function unary(
  op: OpName,
  options: { readonly f: (x: number) => number; readonly values?: readonly number[] },
) {
  const values = options.values ?? x6;
  return (["float32", "float64"] as const).map((dtype): OperatorCase => ({
    feeds: { x: tensor(dtype, [2, 3], values) },
    build: (g, { x }) => [g.apply(op, [x as Value])],
    expected: [{ dims: [2, 3], values: values.map(options.f) }],
  }));
}

/** y = f(a, b) with b, a row, stretched over a. */
function binary(op: OpName, f: (a: number, b: number) => number, dtypes: readonly BorderDType[]) {
  return dtypes.map((dtype): OperatorCase => {
    const whole = dtype !== "float32" && dtype !== "float64";
    const a = dtype === "bool" ? [1, 0, 1, 0, 0, 1] : whole ? [3, -2, 7, 4, 5, -6] : x6;
    const b = dtype === "bool" ? [1, 0, 0] : whole ? [3, 2, -1] : [0.5, -2, 4];
    return {
      feeds: { a: tensor(dtype, [2, 3], a), b: tensor(dtype, [3], b) },
      build: (g, { a, b }) => [g.apply(op, [a as Value, b as Value])],
      expected: [{ dims: [2, 3], values: a.map((value, index) => f(value, at(b, index % 3))) }],
    };
  });
}

const floats = ["float32", "float64"] as const;
const numeric = ["float32", "float64", "int64", "int32"] as const;

/** Reduces x [2, 3] over an axis by hand; `keepdims` leaves a 1. */
function reduceCases(op: "ReduceSum" | "ReduceMean" | "ReduceMax", f: (list: readonly number[]) => number) {
  const columns = range(3).map((j) => f([at(x6, j), at(x6, 3 + j)]));
  const rows = range(2).map((i) => f(x6.slice(3 * i, 3 * i + 3)));
  const make = (axes: readonly number[], keepdims: number, expected: OperatorCase["expected"][number]) =>
    floats.map((dtype): OperatorCase => ({
      feeds: { x: tensor(dtype, [2, 3], x6) },
      build: (g, { x }) => [g.apply(op, [x as Value], { attributes: { axes, keepdims } })],
      expected: [expected],
    }));
  return [
    ...make([0], 0, { dims: [3], values: columns }),
    ...make([-1], 1, { dims: [2, 1], values: rows }),
    ...make([0, 1], 0, { dims: [], values: [f(x6)] }),
  ];
}

/** Shares of a list in proportion to exp. */
function softmax(list: readonly number[]): number[] {
  const total = list.reduce((sum, value) => sum + Math.exp(value), 0);
  return list.map((value) => Math.exp(value) / total);
}

function alongAxis(op: "Softmax" | "LogSoftmax", finish: (share: number) => number): OperatorCase[] {
  const rows = [0, 1].flatMap((i) => softmax(x6.slice(3 * i, 3 * i + 3)));
  const columns = range(3).map((j) => softmax([at(x6, j), at(x6, 3 + j)]));
  const byColumn = [0, 1].flatMap((i) => columns.map((column) => at(column, i)));
  return floats.flatMap((dtype) =>
    ([[-1, rows], [0, byColumn]] as const).map(([axis, shares]): OperatorCase => ({
      feeds: { x: tensor(dtype, [2, 3], x6) },
      build: (g, { x }) => [g.apply(op, [x as Value], { attributes: { axis } })],
      expected: [{ dims: [2, 3], values: shares.map(finish) }],
    }))
  );
}

/** What lies further than 2 below the largest counts as 2 below it, −∞ too. */
function flooredCases(): OperatorCase[] {
  const x = [1, -Infinity, 0.5, -1.5, 9, 9], bounded = [1, -1, 0.5, 7, 9, 9];
  const shares = [0, 1].flatMap((i) => softmax(bounded.slice(3 * i, 3 * i + 3)));
  return floats.map((dtype) => ({
    feeds: { x: tensor(dtype, [2, 3], x) },
    build: (g, { x }) => [g.softmax(x as Value, { axis: -1, floor: 2 })],
    expected: [{ dims: [2, 3], values: shares }],
  }));
}

/** Y = op(A)·op(B) of A [2, 3] and B [3, 4], stored as the flags say, alone and under a batch of two. */
function matMulCases(): OperatorCase[] {
  const a = x6, b = range(12).map((index) => (index * 5 % 7) - 2.5);
  const turned = (list: readonly number[], rows: number) =>
    range(list.length).map((index) =>
      at(list, (index % rows) * (list.length / rows) + Math.floor(index / rows))
    );
  const product = (scale: number) =>
    range(8).map((index) => {
      const row = Math.floor(index / 4), column = index % 4;
      return scale * range(3).reduce((sum, k) => sum + at(a, 3 * row + k) * at(b, 4 * k + column), 0);
    });
  return floats.flatMap((dtype) =>
    [false, true].flatMap((transA) =>
      [false, true].flatMap((transB): OperatorCase[] => {
        const left = transA ? turned(a, 2) : a, right = transB ? turned(b, 3) : b;
        const aDims = transA ? [3, 2] : [2, 3], bDims = transB ? [4, 3] : [3, 4];
        const build: OperatorCase["build"] = (g, { a, b }) => [
          g.matMul(a as Value, b as Value, { transA, transB }),
        ];
        return [
          {
            feeds: { a: tensor(dtype, aDims, left), b: tensor(dtype, bDims, right) },
            build,
            expected: [{ dims: [2, 4], values: product(1) }],
          },
          {
            feeds: { a: tensor(dtype, aDims, left), b: tensor(dtype, bDims, right) },
            build: (g, { a, b }) => [g.matMul(a as Value, b as Value, { transA, transB, scale: 0.5 })],
            expected: [{ dims: [2, 4], values: product(0.5) }],
          },
          {
            feeds: {
              a: tensor(dtype, [2, ...aDims], [...left, ...left.map((value) => -2 * value)]),
              b: tensor(dtype, bDims, right),
            },
            build,
            expected: [{ dims: [2, 2, 4], values: [...product(1), ...product(-2)] }],
          },
        ];
      })
    )
  );
}

/** Rotates each pair (x[i], x[i + half]) of a head by its angle. */
function rotate(head: readonly number[], angles: readonly number[]): number[] {
  const half = angles.length;
  return range(2 * half).map((i) => {
    const angle = at(angles, i % half), one = at(head, i % half), two = at(head, i % half + half);
    return i < half
      ? one * Math.cos(angle) - two * Math.sin(angle)
      : two * Math.cos(angle) + one * Math.sin(angle);
  });
}

function rotaryCases(): OperatorCase[] {
  const angles = [[0.3, -0.8], [1.1, 2]], x = range(16).map((index) => Math.sin(index) * 2); // [1, heads 2, seq 2, 4]
  const values = range(4).flatMap((row) =>
    rotate(x.slice(4 * row, 4 * row + 4), angles[row % 2] as number[])
  );
  return floats.map((dtype): OperatorCase => ({
    feeds: {
      x: tensor(dtype, [1, 2, 2, 4], x),
      cos: tensor(dtype, [1, 2, 2], angles.flat().map(Math.cos)),
      sin: tensor(dtype, [1, 2, 2], angles.flat().map(Math.sin)),
    },
    build: (g, { x, cos, sin }) => [g.apply("RotaryEmbedding", [x as Value, cos as Value, sin as Value])],
    expected: [{ dims: [1, 2, 2, 4], values }],
  }));
}

const matrix = (dtype: Floats | "int64" = "float32") => ({
  x: tensor(dtype, [2, 3], [1, 2, 3, 4, 5, 6]) as Tensor,
});
const moved = (
  build: OperatorCase["build"],
  expected: OperatorCase["expected"][number],
): OperatorCase[] =>
  (["float32", "float64", "int64"] as const).map((dtype) => ({
    feeds: matrix(dtype),
    build,
    expected: [expected],
  }));

const CASES: { readonly [Op in OpName]: readonly OperatorCase[] } = {
  Add: binary("Add", (a, b) => a + b, numeric),
  Sub: binary("Sub", (a, b) => a - b, numeric),
  Mul: binary("Mul", (a, b) => a * b, numeric),
  Div: binary("Div", (a, b) => a / b, floats),
  Max: binary("Max", Math.max, numeric),
  Min: binary("Min", Math.min, numeric),
  Less: binary("Less", (a, b) => Number(a < b), numeric),
  LessOrEqual: binary("LessOrEqual", (a, b) => Number(a <= b), numeric),
  Greater: binary("Greater", (a, b) => Number(a > b), numeric),
  GreaterOrEqual: binary("GreaterOrEqual", (a, b) => Number(a >= b), numeric),
  Equal: binary("Equal", (a, b) => Number(a === b), numeric),
  And: binary("And", (a, b) => a & b, ["bool"]),
  Or: binary("Or", (a, b) => a | b, ["bool"]),
  Not: [{
    feeds: { x: tensor("bool", [3], [1, 0, 1]) },
    build: (g, { x }) => [g.apply("Not", [x as Value])],
    expected: [{ dims: [3], values: [0, 1, 0] }],
  }],
  Neg: unary("Neg", { f: (x) => -x }),
  Identity: unary("Identity", { f: (x) => x }),
  Exp: unary("Exp", { f: Math.exp }),
  Log: unary("Log", { f: Math.log, values: x6.map(Math.abs) }),
  Sqrt: unary("Sqrt", { f: Math.sqrt, values: x6.map(Math.abs) }),
  GatedSilu: binary("GatedSilu", (a, b) => a * b / (1 + Math.exp(-a)), floats),
  Sigmoid: unary("Sigmoid", { f: (x) => 1 / (1 + Math.exp(-x)) }),
  Cos: unary("Cos", { f: Math.cos }),
  Sin: unary("Sin", { f: Math.sin }),
  Softmax: [...alongAxis("Softmax", (share) => share), ...flooredCases()],
  LogSoftmax: alongAxis("LogSoftmax", Math.log),
  ReduceSum: reduceCases("ReduceSum", (list) => list.reduce((a, b) => a + b)),
  ReduceMean: reduceCases("ReduceMean", (list) => list.reduce((a, b) => a + b) / list.length),
  ReduceMax: reduceCases("ReduceMax", (list) => Math.max(...list)),
  MatMul: matMulCases(),
  RMSNormalization: floats.map((dtype) => ({
    feeds: { x: tensor(dtype, [2, 3], x6), gain: tensor(dtype, [3], [1, -2, 0.5]) as Tensor },
    build: (g, { x, gain }) => [
      g.apply("RMSNormalization", [x as Value, gain as Value], {
        attributes: { axis: -1, epsilon: { float: 0.25 } },
      }),
    ],
    expected: [{
      dims: [2, 3],
      values: x6.map((value, index) => {
        const row = x6.slice(index < 3 ? 0 : 3, index < 3 ? 3 : 6);
        const meanSquare = row.reduce((sum, item) => sum + item * item, 0) / 3;
        return value * at([1, -2, 0.5], index % 3) / Math.sqrt(meanSquare + 0.25);
      }),
    }],
  })),
  RotaryEmbedding: rotaryCases(),
  Reshape: moved((g, { x }) => [g.reshape(x as Value, [3, 2])], { dims: [3, 2], values: [1, 2, 3, 4, 5, 6] }),
  Expand: moved((g, { x }) => [g.expand(x as Value, [2, 2, 3])], {
    dims: [2, 2, 3],
    values: [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
  }),
  Transpose: moved((g, { x }) => [g.transpose(x as Value, [1, 0])], {
    dims: [3, 2],
    values: [1, 4, 2, 5, 3, 6],
  }),
  Concat: moved((g, { x }) => [g.apply("Concat", [x as Value, x as Value], { attributes: { axis: 1 } })], {
    dims: [2, 6],
    values: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
  }),
  Slice: moved((g, { x }) => [g.slice(x as Value, { axis: 1, start: 1, end: 3 })], {
    dims: [2, 2],
    values: [2, 3, 5, 6],
  }),
  Split: (["float32", "int64"] as const).map((dtype) => ({
    feeds: { ...matrix(dtype), sizes: tensor("int64", [2], [1, 2]) },
    build: (g, { x, sizes }) => g.split(x as Value, { axis: 1, sizes: sizes as Value, dims: ["a", "b"] }),
    expected: [{ dims: [2, 1], values: [1, 4] }, { dims: [2, 2], values: [2, 3, 5, 6] }],
  })),
  Unsqueeze: moved((g, { x }) => [g.unsqueeze(x as Value, [0, 2])], {
    dims: [1, 2, 1, 3],
    values: [1, 2, 3, 4, 5, 6],
  }),
  Squeeze: moved(
    (
      g,
      { x },
    ) => [
      g.apply("Squeeze", [g.slice(x as Value, { axis: 0, start: 1, end: 2 })], { attributes: { axes: [0] } }),
    ],
    { dims: [3], values: [4, 5, 6] },
  ),
  Gather: [
    ...moved((g, { x }) => [g.gather(x as Value, g.constant("int64", [3], [1, 0, 1]), { axis: 0 })], {
      dims: [3, 3],
      values: [4, 5, 6, 1, 2, 3, 4, 5, 6],
    }),
    ...moved((g, { x }) => [g.gather(x as Value, g.scalar("int32", 2), { axis: 1 })], {
      dims: [2],
      values: [3, 6],
    }),
  ],
  GatherElements: moved(
    (g, { x }) => [
      g.apply("GatherElements", [x as Value, g.constant("int64", [2, 2], [2, 0, 1, 1])], {
        attributes: { axis: 1 },
      }),
    ],
    { dims: [2, 2], values: [3, 1, 5, 5] },
  ),
  ScatterAdd: moved(
    (
      g,
      { x },
    ) => [
      g.apply("ScatterAdd", [
        x as Value,
        g.constant("int64", [3], [1, 1, 0]),
        g.expand(g.slice(x as Value, { axis: 0, start: 0, end: 1 }), [3, 3]),
      ]),
    ],
    { dims: [2, 3], values: [2, 4, 6, 6, 9, 12] },
  ),
  ScatterElements: moved(
    (g, { x }) => [
      g.apply("ScatterElements", [x as Value, g.constant("int64", [2, 3], [0, 0, 2, 1, 1, 1]), x as Value], {
        attributes: { axis: 1, reduction: "add" },
      }),
    ],
    { dims: [2, 3], values: [4, 2, 6, 4, 20, 6] },
  ),
  Where: floats.map((dtype) => ({
    feeds: {
      on: tensor("bool", [2, 1], [1, 0]),
      a: tensor(dtype, [2, 3], x6),
      b: tensor(dtype, [3], [7, 8, 9]) as Tensor,
    },
    build: (g, { on, a, b }) => [g.apply("Where", [on as Value, a as Value, b as Value])],
    expected: [{ dims: [2, 3], values: [...x6.slice(0, 3), 7, 8, 9] }],
  })),
  Cast: ([["float32", "int64", [2, -1, 0]], ["float64", "float32", [2.75, -1.5, 0]], ["float32", "bool", [
    1,
    1,
    0,
  ]]] as const)
    .map(([from, to, values]) => ({
      feeds: { x: tensor(from, [3], [2.75, -1.5, 0]) as Tensor },
      build: (
        g: GraphBuilder,
        { x }: Readonly<Record<string, Value>>,
      ) => [g.apply("Cast", [x as Value], { attributes: { to } })],
      expected: [{ dims: [3], values }],
    })),
  Shape: [{
    feeds: matrix(),
    build: (
      g,
      { x },
    ) => [
      g.apply("Shape", [x as Value]),
      g.apply("Shape", [x as Value], { attributes: { start: 1, end: 2 } }),
    ],
    expected: [{ dims: [2], values: [2, 3] }, { dims: [1], values: [3] }],
  }],
  Range: [{
    feeds: { from: tensor("int64", [], [2]), to: tensor("int64", [], [8]), by: tensor("int64", [], [3]) },
    build: (
      g,
      { from, to, by },
    ) => [g.apply("Range", [from as Value, to as Value, by as Value], { attributes: { length: "n" } })],
    expected: [{ dims: [2], values: [2, 5] }],
  }],
  CumSum: floats.map((dtype) => ({
    feeds: { x: tensor(dtype, [2, 3], x6) as Tensor },
    build: (g, { x }) => [g.apply("CumSum", [x as Value], { attributes: { axis: 1 } })],
    expected: [{ dims: [2, 3], values: [0.5, -0.75, 1.25, 0.75, 0.25, 1.75] }],
  })),
  ArgMax: [{
    feeds: { x: tensor("float32", [2, 3], [1, 3, 3, 4, -1, 2]) },
    build: (g, { x }) => [g.apply("ArgMax", [x as Value], { attributes: { axis: 1 } })],
    expected: [{ dims: [2], values: [1, 0] }],
  }],
  TopK: floats.map((dtype) => ({
    feeds: { x: tensor(dtype, [2, 3], x6) as Tensor },
    build: (g, { x }) => g.node("TopK", [x as Value], { attributes: { k: 2 } }),
    expected: [{ dims: [2, 2], values: [2, 0.5, 1.5, 0.75] }, { dims: [2, 2], values: [2, 0, 2, 0] }],
  })),
  Loop: [{
    // Fibonacci numbers below twenty: the condition stops it before `most` steps are out.
    feeds: { a: tensor("int64", [], [1]), b: tensor("int64", [], [2]), most: tensor("int64", [], [100]) },
    build: (g, { a, b, most }) =>
      g.loop({
        name: "fibonacci",
        maxSteps: most as Value,
        carried: [{ name: "a", start: a as Value }, { name: "b", start: b as Value }],
        body: (body, { step, carried: [left, right] }) => {
          const next = body.add(left as Value, right as Value);
          return {
            goOn: body.apply("Less", [next, body.scalar("int64", 20)]),
            carried: [right as Value, next],
            collected: [body.mul(next, body.add(step, g.scalar("int64", 1)))],
          };
        },
      }),
    expected: [
      { dims: [], values: [13] },
      { dims: [], values: [21] },
      { dims: [5], values: [3 * 1, 5 * 2, 8 * 3, 13 * 4, 21 * 5] },
    ],
  }],
};

for (const [op, cases] of Object.entries(CASES)) {
  Deno.test(`${op} through ONNX Runtime equals plain arithmetic`, async () => {
    for (const item of cases) {
      const graph = graphOf((g) => {
        const entries = Object.entries(item.feeds);
        const values = Object.fromEntries(
          entries.map(([name, { dtype, dims }]) => [name, g.input(name, dtype, dims)]),
        );
        const outputs = item.build(g, values);
        assertEquals(g.nodes.some((node) => node.op === op), true);
        assertEquals(outputs.length, item.expected.length);
        // What the builder knows of a shape is what comes out, wherever it is a number.
        outputs.forEach((output, index) =>
          assertEquals(
            output.dims.map((dim) => typeof dim === "number" ? dim : "any"),
            item.expected[index]?.dims.map((dim, axis) =>
              typeof output.dims[axis] === "number" ? dim : "any"
            ),
          )
        );
        return Object.fromEntries(outputs.map((output, index) => [`out${index}`, output]));
      });
      const out = await runGraph(graph, { feeds: item.feeds });
      item.expected.forEach(({ dims, values }, index) => {
        const actual = out[`out${index}`] as Tensor;
        const declared = graph.outputs[index]?.value.dtype;
        assertEquals([op, actual.dtype, ...actual.dims], [op, declared, ...dims]);
        assertEquals(values.length, elementCount(dims));
        const wide = actual.dtype === "float64";
        const exact = actual.dtype !== "float32" && !wide;
        assertClose(
          numbersOf(actual),
          values,
          exact ? "exact" : wide ? "operatorFloat64" : "operatorFloat32",
        );
      });
    }
  });
}
