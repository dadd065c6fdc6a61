import { assertEquals, assertNotEquals } from "@std/assert";
import { formatGraph, type GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { graphOf } from "./_run_graph.ts";
import { SNAPSHOT_GRAPHS } from "./_snapshot_graphs.ts";

for (const [name, build] of Object.entries(SNAPSHOT_GRAPHS)) {
  Deno.test(`formatGraph() gives the kept text of ${name}`, async () => {
    const kept = await Deno.readTextFile(new URL(`./snapshots/${name}.txt`, import.meta.url));
    // Line by line, so that a failure shows the line; snapshots/write.ts writes them anew.
    assertEquals(formatGraph(build()).split("\n"), kept.split("\n"));
    assertEquals(formatGraph(build()), kept); // building again changes nothing
  });
}

Deno.test("every value that the kept texts use was defined above", async () => {
  for (const name of Object.keys(SNAPSHOT_GRAPHS)) {
    const kept = await Deno.readTextFile(new URL(`./snapshots/${name}.txt`, import.meta.url));
    const defined = new Set<string>(["_"]);
    for (const line of kept.split("\n")) {
      const graph = /^\s*graph \S+?\((.*)\)$/.exec(line)?.[1];
      if (graph !== undefined) {
        for (const part of graph.matchAll(/([^\s,]+): \w+\[/g)) defined.add(part[1] as string);
      }
      const held = /^\s*(?:const|weight) (\S+): /.exec(line)?.[1];
      if (held !== undefined) defined.add(held);
      const node = /^\s*(\S.*) = \w+\(([^)]*)\)/.exec(line);
      if (node === null) continue;
      const used = (node[2] as string).split(", ").filter((value) => value !== "");
      assertEquals(used.filter((value) => !defined.has(value)), [], line);
      for (const output of (node[1] as string).split(", ")) defined.add(output);
    }
  }
});

Deno.test("formatGraph() tells graphs apart that differ in one constant, attribute or weight range", () => {
  const text = (fill: (g: GraphBuilder, x: Value) => Value) =>
    formatGraph(graphOf((g) => ({ y: fill(g, g.input("x", "float32", ["n", 16])) })));
  const table = (last: number) => Array.from({ length: 16 }, (_, index) => index === 15 ? last : index);
  const at = { dtype: "float32", dims: [16], location: "a.safetensors", offset: 0, length: 64 } as const;
  const variants = [
    text((g, x) => g.mul(x, g.scalar("float32", 0.5))),
    text((g, x) => g.mul(x, g.scalar("float32", 0.25))),
    text((g, x) => g.mul(x, g.scalar("float32", 0))),
    text((g, x) => g.mul(x, g.scalar("float32", -0))),
    text((g, x) => g.mul(x, g.constant("float32", [16], table(1)))),
    text((g, x) => g.mul(x, g.constant("float32", [16], table(2)))),
    text((g, x) => g.mul(x, g.external("w", at))),
    text((g, x) => g.mul(x, g.external("w", { ...at, offset: 64 }))),
    text((g, x) => g.softmax(x, { axis: 0 })),
    text((g, x) => g.softmax(x, { axis: 1 })),
  ];
  assertEquals(new Set(variants).size, variants.length);
  assertNotEquals(variants[0], "");
});
