import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { placement, Session } from "../../lib/runtime/mod.ts";
import { graphOf } from "../onnx/_run_graph.ts";

const onCuda = (fill: (g: GraphBuilder) => Readonly<Record<string, Value>>) =>
  placement(graphOf(fill), { device: "cuda" });
const count = (g: GraphBuilder) => g.apply("Squeeze", [g.length("n")], { attributes: { axes: [0] } });
const range = (g: GraphBuilder, limit: Value) =>
  g.apply("Range", [g.scalar("int64", 0), limit, g.scalar("int64", 1)], { attributes: { length: "n" } });

Deno.test("placement() finds arithmetic on shapes, and all that hangs on it alone", () => {
  const { faults } = onCuda((g) => {
    g.input("x", "float32", ["n", 4]);
    const places = range(g, count(g));
    const doubled = g.mul(places, g.scalar("int64", 2)); // not on the host: Range reads its bounds there itself
    return { doubled };
  });
  assertEquals(faults, [
    { node: "Squeeze", reason: 'is Squeeze of "Shape", a shape, which is put on the CPU' },
  ]);
  const chain = onCuda((g) => {
    g.input("x", "float32", ["n", 4]);
    const one = count(g);
    return { y: g.cast(g.add(g.mul(one, one), g.scalar("int64", 1)), "float32") };
  });
  assertEquals(chain.faults.map(({ node }) => node), ["Squeeze", "Mul", "Add", "Cast"]);
});

Deno.test("placement() lets a shape be read by a kernel that reads it on the host", () => {
  const { faults, hostReads } = onCuda((g) => {
    const x = g.input("x", "float32", ["n", 4]);
    const like = g.expandLike(g.scalar("float32", 1), g.add(x, x));
    return { places: range(g, g.length("n")), like };
  });
  assertEquals([faults, hostReads], [[], []]);
});

Deno.test("placement() forbids a length that is computed on the device where a kernel reads it on the host", () => {
  /** Kernels that read a length [1] on the host. */
  const readers: Readonly<Record<string, (g: GraphBuilder, length: Value) => Value>> = {
    Range: (g, length) => range(g, length),
    Loop: (g, length) =>
      g.loop({
        name: "steps",
        maxSteps: length,
        carried: [{ name: "state", start: g.scalar("float32", 1) }],
        body: (body, { carried: [state] }) => ({
          goOn: body.scalar("bool", 1),
          carried: [body.apply("Neg", [state as Value])],
          collected: [],
        }),
      })[0] as Value,
  };
  const lengths: Readonly<Record<string, (g: GraphBuilder) => Value>> = {
    computed: (g) => g.reduce("sum", g.cast(g.input("x", "float32", [1, "n"]), "int64"), { axes: [1] }),
    input: (g) => g.input("count", "int64", [1]),
    constant: (g) => g.constant("int64", [1], [3]),
    shape: (g) => {
      g.input("x", "float32", ["n"]);
      return g.length("n");
    },
  };
  for (const [op, read] of Object.entries(readers)) {
    for (const [kind, length] of Object.entries(lengths)) {
      const { faults } = onCuda((g) => ({ y: read(g, length(g)) }));
      const reason = 'reads the length "ReduceSum" on the host, and it is computed on the device';
      assertEquals([op, kind, faults], [
        op,
        kind,
        kind === "computed" ? [{ node: faults[0]?.node ?? "", reason }] : [],
      ]);
    }
  }
});

Deno.test("placement() leaves on the device what reads a shape beside a tensor, a large constant or 16 bits", () => {
  const beside = onCuda((g) => {
    const x = g.input("x", "int64", ["n"]);
    return { y: g.add(g.add(x, x), g.length("n")) };
  });
  const large = (size: number) =>
    onCuda((g) => {
      g.input("x", "float32", ["n"]);
      return { y: g.add(g.constant("int64", [size], new Array(size).fill(1)), g.length("n")) };
    }).faults.length;
  assertEquals([beside.faults, large(100), large(101)], [[], 1, 0]);
  // A graph input counts as lying on the host: it is fed from there.
  assertEquals(onCuda((g) => ({ y: g.add(g.input("x", "int64", ["n"]), g.length("n")) })).faults.length, 1);
  const half = onCuda((g) => {
    g.input("x", "float32", ["n"]);
    const length = g.cast(g.length("n"), "bfloat16");
    return { y: g.cast(g.add(length, length), "float32") };
  });
  assertEquals(half.faults.map(({ node }) => node), ["Cast"]);
});

Deno.test("placement() has shapes and sizes read on the host, as the kernels of these operations ask", () => {
  const made = (g: GraphBuilder, name: string, count: number) => {
    const x = g.input(name, "int64", [count]);
    return g.apply("Neg", [x], { name: `made_${name}` });
  };
  const read = (fill: (g: GraphBuilder, x: Value) => Value) =>
    onCuda((g) => ({ y: fill(g, g.input("x", "float32", [2, 6])) })).hostReads.map(({ node, value }) =>
      `${node} ${value}`
    );
  assertEquals(
    read((g, x) => g.apply("Reshape", [x, made(g, "shape", 2)], { attributes: { dims: "a,b" } })),
    ["Reshape made_shape int64[2]"],
  );
  assertEquals(
    read((g, x) => g.apply("Expand", [x, made(g, "shape", 2)], { attributes: { dims: "2,6" } })),
    ["Expand made_shape int64[2]"],
  );
  assertEquals(
    read((g, x) => g.split(x, { axis: 1, sizes: made(g, "sizes", 2), dims: [2, 4] })[0] as Value),
    ["Split made_sizes int64[2]"],
  );
});

Deno.test("placement() looks into bodies, and names what a loop hands to the host per step", () => {
  const { faults, hostReads } = onCuda((g) => {
    const x = g.input("x", "float32", ["n", 4]);
    const [last] = g.loop({
      name: "steps",
      maxSteps: g.length("n"),
      carried: [{ name: "left", start: g.scalar("int64", 7) }, { name: "state", start: x }],
      body: (body, { carried }) => {
        const [left, state] = carried as [Value, Value];
        const less = body.sub(left, body.scalar("int64", 1));
        const places = body.apply("Range", [body.scalar("int64", 0), less, body.scalar("int64", 1)], {
          attributes: { length: "left" },
        });
        const logs = body.cast(body.apply("Log", [body.cast(state, "bfloat16")]), "float32");
        return {
          goOn: body.apply("Greater", [less, body.scalar("int64", 0)]),
          carried: [body.reduce("sum", places, { axes: [0] }), logs],
          collected: [],
        };
      },
    });
    return { last: last as Value };
  });
  assertEquals(faults, [
    { node: "Range", reason: 'reads the length "Sub" on the host, and it is computed on the device' },
    { node: "Log", reason: "is Log in bfloat16, which cuda takes in float32, float64, float16 only" },
  ]);
  assertEquals(hostReads, [
    { graph: "steps", node: "Range", value: "Sub int64[]" },
    { graph: "steps", node: "steps", value: "Greater bool[]" },
  ]);
});

Deno.test("placement() lets a loop's body compute with shapes on the host, and counts what else is read there", () => {
  const { faults, hostReads, hostNodes } = onCuda((g) => {
    const x = g.input("x", "float32", ["n", 4]);
    const [, last] = g.loop({
      name: "steps",
      maxSteps: g.length("n"),
      carried: [{ name: "count", start: g.reduce("sum", g.cast(x, "int64"), { axes: [0, 1] }) }, {
        name: "state",
        start: x,
      }],
      body: (body, { step, carried }) => {
        const [count, state] = carried as [Value, Value];
        // Of a shape and the number of the step: on the host, and nothing is copied for it.
        const onHost = body.apply("Squeeze", [body.mul(body.add(body.length("n"), step), step)], {
          attributes: { axes: [0] },
        });
        // Of a shape and what the loop carries: on the host as well, and the carried value must come there.
        const mixed = body.add(onHost, count);
        const places = body.apply("Range", [body.scalar("int64", 0), onHost, body.scalar("int64", 1)], {
          attributes: { length: "places" },
        });
        return {
          goOn: body.apply("Greater", [body.reduce("sum", places, { axes: [0] }), body.scalar("int64", 3)]),
          carried: [mixed, state],
          collected: [],
        };
      },
    });
    return { last: last as Value };
  });
  assertEquals([faults, hostNodes], [[], ["Add", "Mul", "Squeeze", "Add_1"]]);
  assertEquals(hostReads.map(({ graph, node, value }) => [graph, node, value.split(" ")[1]]), [
    ["steps", "Add_1", "int64[]"],
    ["steps", "steps", "bool[]"],
  ]);
});

Deno.test("Session.create() names the node that a device has no kernel for, in one line, before anything else", async () => {
  const graph = graphOf((g) => {
    const half = g.cast(g.input("x", "float32", ["n"]), "bfloat16");
    const product = g.within("blocks.3", () => g.mul(half, half));
    return { y: g.cast(g.add(product, half), "float32") };
  });
  const message = 'device "cpu" cannot run graph "test": node "blocks.3.Mul" is Mul in bfloat16, ' +
    "which cpu takes in float32, float64, float16, int32, int64 only (and 1 more) " +
    "(choose another --dtype or --device)";
  const error = await assertRejects(() => Session.create(graph), InputError) as Error;
  assertEquals(error.message, message);
  const log = graphOf((g) => ({
    y: g.cast(g.apply("Log", [g.cast(g.input("x", "float32", ["n"]), "bfloat16")]), "float32"),
  }));
  await assertRejects(
    () => Session.create(log, { device: "cuda" }),
    InputError,
    'device "cuda" cannot run graph "test": node "Log" is Log in bfloat16, which cuda takes in float32, float64',
  );
});
