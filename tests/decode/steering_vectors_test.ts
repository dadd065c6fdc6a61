import { assertEquals, assertThrows } from "@std/assert";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { checkSteering, layerMatrix } from "../../lib/decode/mod.ts";

const vectors = new Map([[4, Float32Array.of(1, 2)], [1, Float32Array.of(3, 4)]]);

Deno.test("layerMatrix() has a row per layer in the order asked for, zero where there is no vector", () => {
  const matrix = layerMatrix(vectors, { layers: [1, 3, 4], width: 2, action: "steer" });
  assertEquals(matrix.dims, [3, 2]);
  assertEquals(Array.from(matrix.data), [3, 4, 0, 0, 1, 2]);
});

Deno.test("layerMatrix() refuses a vector that would steer nothing", () => {
  assertThrows(
    () => layerMatrix(vectors, { layers: [1], width: 2, action: "steer" }),
    RangeError,
    "Cannot steer layer 4 as the graph steers layers 1 alone",
  );
});

Deno.test("checkSteering() refuses layers and widths that the model lacks", () => {
  const config = tinyConfig({ layers: 2, embed: 2 });
  checkSteering(new Map([[0, Float32Array.of(1, 2)]]), config);
  assertThrows(
    () => checkSteering(vectors, config),
    RangeError,
    "Cannot steer layer 4 as it must lie in [0, 2)",
  );
  for (const layer of [-1, 0.5, NaN]) {
    assertThrows(
      () => checkSteering(new Map([[layer, Float32Array.of(1, 2)]]), config),
      RangeError,
      `layer ${layer}`,
    );
  }
  assertThrows(
    () => checkSteering(new Map([[1, Float32Array.of(1)]]), config),
    RangeError,
    "Cannot steer layer 1 as its vector must have 2 values: current count is 1",
  );
});
