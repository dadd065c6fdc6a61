import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";

Deno.test("InputError says what, where and what to do in one line", () => {
  const error = new InputError("no such file", { where: "./a\n b", repair: "check\n  the path" });
  assertEquals(error.message, "no such file: ./a b (check the path)");
  assertEquals(error.name, "InputError");
  assertInstanceOf(error, Error);
});

Deno.test("InputError leaves out what is not said", () => {
  assertEquals(new InputError("bad").message, "bad");
  assertEquals(new InputError("bad", { repair: "mend it" }).message, "bad (mend it)");
  assertEquals("cause" in new InputError("bad"), false);
});

Deno.test("InputError keeps its cause", () => {
  const cause = new TypeError("deep");
  assertStrictEquals(new InputError("bad", { cause }).cause, cause);
});

Deno.test("InputError.what is what went wrong without the place", () => {
  const error = new InputError('no run\n"all"', { where: "/somewhere", repair: "train it" });
  assertEquals(error.what, 'no run "all"');
});
