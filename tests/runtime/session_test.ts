import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError, tensor } from "../../lib/core/mod.ts";
import { GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { runtimeReport, Session, WEB_RUNTIME } from "../../lib/runtime/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { graphOf, numbersOf, runGraph, withSession } from "../onnx/_run_graph.ts";

const sum = graphOf((g) => ({
  z: g.add(g.input("x", "float32", ["n", 2]), g.input("y", "float32", ["n", 2])),
}));
const x = tensor("float32", [1, 2], [1, 2]);

Deno.test("Session.run() names a missing feed", () =>
  withSession(sum, async (session) => {
    await assertRejects(() => session.run({ x }), TypeError, 'Cannot run "test" as it needs input "y"');
  }));

Deno.test("Session.run() names a feed that the graph does not have", () =>
  withSession(sum, async (session) => {
    await assertRejects(
      () => session.run({ x, y: x, w: x }),
      TypeError,
      'Cannot run "test" as it has no input "w"',
    );
  }));

Deno.test("Session.run() refuses a feed of another width, rank or type, and lengths that disagree", () =>
  withSession(sum, async (session) => {
    const message = 'Cannot run "test" as "x" must be float32[n, 2]';
    const wide = tensor("float32", [1, 3], [1, 2, 3]), flat = tensor("float32", [2], [1, 2]);
    await assertRejects(
      () => session.run({ x: wide, y: x }),
      TypeError,
      `${message} where n = 1: current value is float32[1, 3]`,
    );
    await assertRejects(
      () => session.run({ x: flat, y: x }),
      TypeError,
      `${message}: current value is float32[2]`,
    );
    const whole = tensor("int64", [1, 2], [1, 2]);
    await assertRejects(
      () => session.run({ x: whole, y: x }),
      TypeError,
      `${message}: current value is int64[1, 2]`,
    );
    const long = tensor("float32", [2, 2], [1, 2, 3, 4]);
    await assertRejects(
      () => session.run({ x, y: long }),
      TypeError,
      '"y" must be float32[n, 2] where n = 1: current value is float32[2, 2]',
    );
    assertEquals(numbersOf((await session.run({ x, y: x }))["z"]), [2, 4]);
  }));

Deno.test("Session.run() carries every border type both ways", async () => {
  const types = ["float32", "float64", "int32", "int64", "bool"] as const;
  const graph = graphOf((g) =>
    Object.fromEntries(
      types.map((dtype) => [`${dtype}_out`, g.apply("Identity", [g.input(dtype, dtype, ["n"])])]),
    )
  );
  const feeds = Object.fromEntries(types.map((dtype) => [dtype, tensor(dtype, [2], [1, 0])]));
  const out = await runGraph(graph, { feeds });
  for (const dtype of types) {
    assertEquals([out[`${dtype}_out`]?.dtype, out[`${dtype}_out`]?.dims], [dtype, [2]]);
    assertEquals(out[`${dtype}_out`]?.data, tensor(dtype, [2], [1, 0]).data);
  }
});

Deno.test("Session.create() refuses 16-bit values at the graph's border, by name", async () => {
  for (const dtype of ["bfloat16", "float16", "uint8"] as const) {
    const graph = graphOf((g) => ({ y: g.cast(g.input("half", dtype, ["n"]), "float32") }));
    await assertRejects(
      () => Session.create(graph),
      TypeError,
      `graph borders must be float32, float64, int32, int64, bool: "half" is ${dtype}[n]`,
    );
    const out = graphOf((g) => ({ y: g.cast(g.input("x", "float32", ["n"]), dtype) }));
    await assertRejects(() => Session.create(out), TypeError, `${dtype}[n]`);
  }
});

Deno.test("Session.create() says in one line that a device cannot be had", async () => {
  // A weight that is nowhere, so that this graph is refused with a device and without one.
  const at = { dtype: "float32", dims: [2], location: "none.safetensors", offset: 0, length: 8 } as const;
  const graph = graphOf((g) => ({ y: g.add(g.input("x", "float32", [2]), g.external("w", at)) }));
  const error = await assertRejects(
    () => Session.create(graph, { device: "cuda", weightsFolder: "/nowhere" }),
    InputError,
    'device "cuda" cannot run graph "test"',
  );
  assertStringIncludes((error as Error).message, "deno task doctor");
  assertEquals((error as Error).message.includes("\n"), false);
});

Deno.test("Session.create() reads weights by offset, and names a file that is missing or too short", () =>
  withFolder(async (folder) => {
    const graph = graphOf((g) => ({
      y: g.mul(
        g.input("x", "float32", [2]),
        g.external("w", { dtype: "float32", dims: [2], location: "weights.bin", offset: 12, length: 8 }),
      ),
    }));
    const feeds = { x: tensor("float32", [2], [10, 100]) };
    const missing = () => runGraph(graph, { feeds, weightsFolder: folder });
    await assertRejects(missing, InputError, `a weight file is missing or too short: ${folder}/weights.bin`);
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    await Deno.writeFile(`${folder}/weights.bin`, new Uint8Array(values.buffer, 0, 16));
    await assertRejects(
      missing,
      InputError,
      `too short: ${folder}/weights.bin (fetch or write the model again)`,
    );
    await Deno.writeFile(`${folder}/weights.bin`, new Uint8Array(values.buffer));
    assertEquals(numbersOf((await missing())["y"]), [40, 500]);
  }));

Deno.test("Session.create() runs x·sigmoid(x) in float64, in bodies too", async () => {
  const silu = (g: GraphBuilder, name: string) => {
    const x = g.input(name, "float64", [1]);
    return g.mul(x, g.apply("Sigmoid", [x]));
  };
  const plain = await runGraph(graphOf((g) => ({ y: silu(g, "x") })), {
    feeds: { x: tensor("float64", [1], [2]) },
  });
  const graph = graphOf((g) => {
    const x = g.input("x", "float64", [1]);
    const [y] = g.loop({
      name: "silu",
      carried: [],
      body: (inner) => ({
        goOn: inner.scalar("bool", 0),
        carried: [],
        collected: [inner.mul(x, inner.apply("Sigmoid", [x]))],
      }),
    });
    return { y: y as Value };
  });
  const body = await runGraph(graph, { feeds: { x: tensor("float64", [1], [2]) } });
  const expected = 2 / (1 + Math.exp(-2));
  for (const out of [plain, body]) {
    const [y] = numbersOf(out["y"]) as [number];
    if (!(Math.abs(y - expected) < 1e-15)) throw new Error(`${y} against ${expected}`);
  }
});

Deno.test("runtimeReport() gives the pinned version of the binding and its backends", async () => {
  const settings = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const report = runtimeReport();
  assertEquals(`npm:onnxruntime-node@${report.version}`, settings.imports["onnxruntime-node"]);
  assertEquals(report.backends.includes("cpu"), true);
  // The build for pages is of the same version: graphs and numbers are those of the binding.
  assertEquals(WEB_RUNTIME.package, `npm:onnxruntime-web@${report.version}`);
});
