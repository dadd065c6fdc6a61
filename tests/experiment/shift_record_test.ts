import { assertEquals } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import { fromRecord, toRecord } from "../../lib/experiment/shift_record.ts";

Deno.test("fromRecord() gives back what toRecord() took, through JSON and to the last bit", () => {
  const stream = new RandomStream(0, "shifts");
  const values = () => Float64Array.from({ length: 4 }, () => stream.normal() / 3);
  const ids = () => Int32Array.from({ length: 4 }, () => stream.integer({ below: 9 }));
  const shift = {
    ...{ rows: 4, maxShift: values(), maxToken: ids(), minShift: values(), minToken: ids() },
    ...{ baseToken: ids(), steeredToken: ids(), klNats: values(), followed: [values(), values()] },
  };
  const sample = { tokens: [5, 1, 2, 8, 0], promptLength: 2, shift };
  const back = fromRecord(JSON.parse(JSON.stringify(toRecord(sample))));
  assertEquals(back, sample);
  // Equal numbers in arrays of another type would not do.
  assertEquals(back.shift.maxShift.constructor, Float64Array);
  assertEquals(back.shift.baseToken.constructor, Int32Array);
  assertEquals(back.shift.followed.map((series) => series.constructor), [Float64Array, Float64Array]);
});
