import { assertEquals } from "@std/assert";
import proto from "onnx-proto";
import { tensor } from "../../lib/core/mod.ts";
import { encodeModel, type Value } from "../../lib/onnx/mod.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../lib/checkpoint/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { graphOf, numbersOf, runGraph } from "./_run_graph.ts";
import { SNAPSHOT_GRAPHS } from "./_snapshot_graphs.ts";

const decode = (bytes: Uint8Array) => proto.onnx.ModelProto.decode(bytes);

Deno.test("encodeModel() gives the same bytes for the same graph", () => {
  for (const build of Object.values(SNAPSHOT_GRAPHS)) {
    assertEquals(encodeModel(build()), encodeModel(build()));
  }
});

Deno.test("encodeModel() states the versions of the format and the operations, and the factor of a product", () => {
  const model = decode(encodeModel((SNAPSHOT_GRAPHS["cached_block"] as () => ReturnType<typeof graphOf>)()));
  assertEquals(Number(model.irVersion), 10);
  const sets = model.opsetImport?.map(({ domain, version }) => [domain, Number(version)]);
  assertEquals(sets, [["", 23], ["com.microsoft", 1]]);
  const fused = model.graph?.node?.find((node) => node.opType === "FusedMatMul");
  assertEquals([fused?.domain, fused?.output?.length], ["com.microsoft", 1]);
  const scaled = model.graph?.node?.find((node) => node.name === "blocks.0.attn.MatMul");
  assertEquals(scaled?.attribute?.find((item) => item.name === "alpha")?.f, 0.25);
});

Deno.test("encodeModel() keeps weights outside: file, offset and length, and symbols in shapes", () => {
  const build = SNAPSHOT_GRAPHS["control_flow"] as () => ReturnType<typeof graphOf>;
  const { graph } = decode(encodeModel(build()));
  const weight = graph?.initializer?.find((item) => item.name === "proj.weight");
  assertEquals(weight?.dims?.map(Number), [4, 4]);
  assertEquals(weight?.rawData?.length ?? 0, 0);
  assertEquals(weight?.externalData?.map(({ key, value }) => [key, value]), [
    ["location", "model.safetensors"],
    ["offset", "128"],
    ["length", "32"],
  ]);
  const dims = graph?.input?.[0]?.type?.tensorType?.shape?.dim;
  assertEquals([dims?.[0]?.dimParam, Number(dims?.[1]?.dimValue)], ["batch", 4]);
});

Deno.test("encodeModel() hands on what a loop's body makes as it is: a node of its own would copy it at every step", () => {
  const build = SNAPSHOT_GRAPHS["control_flow"] as () => ReturnType<typeof graphOf>;
  const loop = decode(encodeModel(build())).graph?.node?.find(({ opType }) => opType === "Loop");
  const body = loop?.attribute?.find(({ name }) => name === "body")?.g;
  assertEquals(body?.output?.map(({ name }) => name), ["halving.go_on", "Where", "ReduceSum"]);
  // That the loop goes on is a constant, which is no output by itself.
  assertEquals(body?.node?.filter(({ opType }) => opType === "Identity").map(({ output }) => output), [[
    "halving.go_on",
  ]]);
});

Deno.test("a loop runs as written", () =>
  withFolder(async (folder) => {
    const weight = Float32Array.from({ length: 16 }, (_, index) => (index % 5) - 1.5);
    const bytes = new Uint8Array(160);
    bytes.set(new Uint8Array(toBfloat16(weight).buffer), 128);
    await Deno.writeFile(`${folder}/model.safetensors`, bytes);
    const graph = (SNAPSHOT_GRAPHS["control_flow"] as () => ReturnType<typeof graphOf>)();
    const x = [1, -2, 0.5, 4];
    const out = await runGraph(graph, { feeds: { x: tensor("float32", [1, 4], x) }, weightsFolder: folder });
    const row = [0, 1, 2, 3].map((i) =>
      x.reduce((sum, value, k) => sum + value * (weight[4 * i + k] as number), 0)
    );
    // Halved in steps 0 and 1, then the sign turned in steps 2, 3 and 4; every step gives its sum.
    const total = row.reduce((a, b) => a + b);
    assertEquals(numbersOf(out["last"]), row.map((value) => -value / 4));
    assertEquals(out["sums"]?.dims, [5, 1]);
    assertEquals(numbersOf(out["sums"]), [total / 2, total / 4, -total / 4, total / 4, -total / 4]);
    assertEquals(numbersOf(out["shifted"]), [-Infinity]);
  }));

Deno.test("float32, float16 and bfloat16 weights are read by offset, aligned or not", () =>
  withFolder(async (folder) => {
    const values = Float32Array.of(0.1, -1.5, 3.25, 1e-3, -700, 0.3);
    const stored = {
      float32: [values, values],
      float16: [toFloat16(values), fromFloat16(toFloat16(values))],
      bfloat16: [toBfloat16(values), fromBfloat16(toBfloat16(values))],
    } as const;
    for (const [dtype, [kept, expected]] of Object.entries(stored)) {
      for (const offset of [0, 16, 7]) {
        const bytes = new Uint8Array(offset + kept.byteLength + 3).fill(0xff);
        bytes.set(new Uint8Array(kept.buffer), offset);
        await Deno.writeFile(`${folder}/${dtype}.bin`, bytes);
        const at = { dims: [2, 3], location: `${dtype}.bin`, offset, length: kept.byteLength };
        const graph = graphOf((g) => {
          const weight: Value = g.external("w", {
            ...at,
            dtype: dtype as "float32" | "float16" | "bfloat16",
          });
          return { y: g.apply("Cast", [weight], { attributes: { to: "float32" } }) };
        });
        const out = await runGraph(graph, { weightsFolder: folder });
        assertEquals([dtype, numbersOf(out["y"])], [dtype, Array.from(expected)]);
      }
    }
  }));
