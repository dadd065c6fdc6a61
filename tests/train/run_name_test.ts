import { assertEquals } from "@std/assert";
import { VECTOR_PLACES } from "../../lib/probe/mod.ts";
import { parseRunName, runName, type RunTarget, type SteeringConfig } from "../../lib/train/mod.ts";

/** A target as a config has it. */
function configOf(
  { parameters, layers, place }: RunTarget,
): Pick<SteeringConfig, "layers" | "parameters" | "place"> {
  return parameters === "vectors" ? { layers, place } : { layers, place, parameters };
}

Deno.test("runName() says what is trained, where", () => {
  const name = (config: Parameters<typeof runName>[0]) => runName(config, { layerCount: 4 });
  assertEquals(name({ layers: [0, 1, 2, 3] }), "all");
  assertEquals(name({ layers: [3] }), "layer-3");
  assertEquals(name({ layers: [3, 1], place: "mlp" }), "layers-3-1");
  assertEquals(name({ layers: [3], place: "input_norm" }), "place-input_norm-3");
  assertEquals(name({ layers: [0, 1, 2, 3], place: "attention" }), "place-attention-all");
  assertEquals(name({ layers: [2], parameters: "adapter" }), "adapter-2");
  assertEquals(name({ layers: [0, 1, 2, 3], parameters: "adapter" }), "adapter-all");
  assertEquals(
    name({ layers: [0, 2], parameters: "rank1", place: "attention" }),
    "rank1-place-attention-0-2",
  );
  assertEquals(name({ layers: [], parameters: "full" }), "full");
  assertEquals(name({ layers: [0, 1, 2, 3], reward: "random" }), "random-all");
  assertEquals(name({ layers: [3], place: "attention", reward: "random" }), "random-place-attention-3");
});

Deno.test("parseRunName() is the inverse of runName(), for every kind, place and set of layers", () => {
  const layerCount = 3;
  const names = new Set<string>();
  for (const parameters of ["vectors", "adapter", "rank1"] as const) {
    for (const place of parameters === "adapter" ? ["mlp" as const] : VECTOR_PLACES) {
      for (const layers of [[0], [1], [2], [0, 1], [2, 0], [0, 1, 2]]) {
        const target = { parameters, layers, place };
        const name = runName(configOf(target), { layerCount });
        assertEquals(parseRunName(name, { layerCount }), target, name);
        names.add(name);
      }
    }
  }
  assertEquals(names.size, 6 * (4 + 1 + 4));
  for (const [name, layers] of [["random-all", [0, 1, 2]], ["random-layer-1", [1]]] as const) {
    const target = { parameters: "vectors", layers: [...layers], place: "mlp", reward: "random" } as const;
    assertEquals(parseRunName(name, { layerCount }), target);
    assertEquals(runName({ layers, reward: "random" }, { layerCount }), name);
  }
  assertEquals(parseRunName("full", { layerCount }), { parameters: "full", layers: [], place: "mlp" });
});

Deno.test("parseRunName() knows no other names", () => {
  const unknown = [
    ...["", "ALL", "layer", "layer-3", "layers-1", "layer-all", "layer-01", "layer-0-1", "layers-0-1-2", "0"],
    ...[
      "place-mlp-1",
      "place-nowhere-1",
      "place-attention",
      "adapter",
      "adapter-layer-1",
      "full-1",
      "random",
      "random-full",
      "random-adapter-1",
      "random-random-all",
      "random-layer-3",
      "layer-1 ",
    ],
  ];
  for (const name of unknown) assertEquals(parseRunName(name, { layerCount: 3 }), null, name);
});
