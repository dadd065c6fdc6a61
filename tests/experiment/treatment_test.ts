import { assertEquals, assertNotEquals } from "@std/assert";
import { derivedTreatment } from "../../lib/experiment/mod.ts";
import { withZooModel } from "./_tiny_zoo.ts";

Deno.test("derivedTreatment() has a hash of its values alone, and names every file it came from", () =>
  withZooModel(async (zoo) => {
    const [first, second] = await zoo.trained("layer-3");
    if (first === undefined || second === undefined) throw new Error("two training seeds");
    const steer = new Map([[3, Float32Array.of(1, 2)]]);
    const sum = derivedTreatment("sum", { of: [first, second], steer });
    const same = derivedTreatment("another name", { of: [first], steer: new Map(steer) });
    const other = derivedTreatment("sum", {
      of: [first, second],
      steer: new Map([[2, Float32Array.of(1, 2)]]),
    });
    assertEquals(sum.hash, same.hash);
    assertNotEquals(sum.hash, other.hash);
    assertEquals(Object.keys(sum.inputs), ["vectors.base-a.layer-3.seed-0", "vectors.base-a.layer-3.seed-1"]);
    assertEquals(sum.inputs["vectors.base-a.layer-3.seed-1"], second.hash);
  }));
