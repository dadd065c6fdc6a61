import { assertEquals } from "@std/assert";
import { sessionLimit } from "../../lib/decode/_session_limit.ts";

Deno.test("sessionLimit() keeps six sessions of a small model, and one of a model that would fill the memory", () => {
  // 8 GiB over four bytes per parameter: base A, 494 M, 1 B, 1.54 B and 8 B parameters.
  assertEquals([1.44e6, 4.94e8, 1e9, 1.544e9, 8e9].map(sessionLimit), [6, 4, 2, 1, 1]);
});
