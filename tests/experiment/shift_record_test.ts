import { assertEquals } from "@std/assert";
import { probabilityShift } from "../../lib/analysis/mod.ts";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { fromRecord, toRecord } from "../../lib/experiment/shift_record.ts";

Deno.test("fromRecord() gives back what toRecord() took, through JSON and to the last bit", () => {
  const stream = new RandomStream(0, "logits");
  const logits = () =>
    tensor("float32", [4, 9], Float32Array.from({ length: 36 }, () => 9 * stream.normal()));
  const shift = probabilityShift({ base: logits(), steered: logits() }, { follow: [3, 8] });
  const sample = { tokens: [5, 1, 2, 8, 0], promptLength: 2, shift };
  const back = fromRecord(JSON.parse(JSON.stringify(toRecord(sample))));
  assertEquals(back, sample);
  // Equal numbers in arrays of another type would not do.
  assertEquals(back.shift.maxShift.constructor, Float64Array);
  assertEquals(back.shift.baseToken.constructor, Int32Array);
  assertEquals(back.shift.followed.map((series) => series.constructor), [Float64Array, Float64Array]);
});
