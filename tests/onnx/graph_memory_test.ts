import { assertEquals, assertThrows } from "@std/assert";
import { type GraphBuilder, graphMemory, type Value } from "../../lib/onnx/mod.ts";
import { graphOf } from "./_run_graph.ts";

const row = (g: GraphBuilder) => g.input("x", "float32", ["n"]);

/** Bytes of values at n = 100, so that 400 is one row of float32. */
const bytes = (fill: (g: GraphBuilder) => Readonly<Record<string, Value>>, lengths = { n: 100 }) =>
  graphMemory(graphOf(fill), { lengths }).values;

Deno.test("graphMemory() counts values from where they are made to where they are last read", () => {
  // Held at once: the input, and one more.
  assertEquals(bytes((g) => ({ y: g.apply("Cos", [row(g)]) })), 800);
  // a dies when b is made of it, which needs room of its own beside it: three.
  assertEquals(bytes((g) => ({ y: g.apply("Sin", [g.apply("Cos", [row(g)])]) })), 1200);
  // By the third one the first is gone.
  assertEquals(bytes((g) => ({ y: g.apply("Cos", [g.apply("Sin", [g.apply("Cos", [row(g)])])]) })), 1200);
  // Two that live until their sum is made: the sum takes the place of one.
  assertEquals(
    bytes((g) => {
      const x = row(g);
      return { y: g.add(g.apply("Cos", [x]), g.apply("Sin", [x])) };
    }),
    1200,
  );
  // a is an output, so that nothing may take its place.
  assertEquals(
    bytes((g) => {
      const a = g.apply("Cos", [row(g)]);
      return { a, y: g.apply("Neg", [a]) };
    }),
    1200,
  );
});

Deno.test("graphMemory() takes a view for where its input lies, which lives as long", () => {
  assertEquals(
    bytes((g) => {
      const view = g.unsqueeze(g.apply("Cos", [row(g)]), [0]);
      return { y: g.apply("Neg", [view]) };
    }),
    800,
  );
  assertEquals(
    bytes((g) => {
      const a = g.apply("Cos", [row(g)]), view = g.unsqueeze(a, [0]);
      return { y: g.apply("Sin", [a]), z: view };
    }),
    1200,
  );
});

Deno.test("graphMemory() counts lengths by their names, products too, and refuses what it is not told", () => {
  const flat = (g: GraphBuilder) => {
    const x = g.input("x", "float64", ["a", "b"]);
    return { y: g.apply("Cos", [g.reshape(x, ["a*b"])]) };
  };
  assertEquals(graphMemory(graphOf(flat), { lengths: { a: 3, b: 5 } }).values, 240);
  assertThrows(
    () => graphMemory(graphOf(flat), { lengths: { a: 3 } }),
    RangeError,
    'length "b" must be given',
  );
});

Deno.test("graphMemory() adds what a loop's body holds at its peak, and keeps what the body reads", () => {
  const loop = (g: GraphBuilder) => {
    const x = row(g), kept = g.apply("Cos", [x]);
    const [y] = g.loop({
      name: "twice",
      maxSteps: g.constant("int64", [1], [2]),
      carried: [{ name: "sum", start: x }],
      body: (body, { carried: [sum] }) => ({
        goOn: body.scalar("bool", 1),
        carried: [body.apply("Sin", [body.add(sum as Value, kept)])],
        collected: [],
      }),
    }) as [Value];
    return { y };
  };
  // x, kept and the result; inside the carried sum, whose place the sum takes, its sine, and the step's two scalars.
  assertEquals(bytes(loop), 1200 + 800 + 9);
});

Deno.test("graphMemory() counts a constant once per product where it is packed, else once, and what it is made of never", () => {
  const fill = (g: GraphBuilder) => {
    const x = g.input("x", "float32", ["n", 10]);
    const at = { dtype: "bfloat16", dims: [10, 10], location: "w", offset: 0, length: 200 } as const;
    const w = g.cast(g.external("w", at), "float32");
    const gain = g.constant("float32", [10], new Array(10).fill(2));
    return { y: g.matMul(g.mul(g.matMul(x, w), gain), w, { transB: true }) };
  };
  const constants = (packed: boolean) => graphMemory(graphOf(fill), { lengths: { n: 1 }, packed }).constants;
  assertEquals(constants(true), 2 * 400 + 40);
  assertEquals(constants(false), 400 + 40);
});
