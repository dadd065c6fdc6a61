import { assertEquals } from "@std/assert";
import { hasEnding, withoutMark } from "../../lib/core/mod.ts";

Deno.test("withoutMark() takes one mark from the start and nothing else", () => {
  assertEquals(withoutMark("\ufeffa\ufeff"), "a\ufeff");
  assertEquals(withoutMark("\ufeff\ufeffa"), "\ufeffa");
  assertEquals([withoutMark(""), withoutMark(" \ufeff")], ["", " \ufeff"]);
});

Deno.test("hasEnding() does not mind capitals", () => {
  assertEquals([
    hasEnding("a/B.JSONL", ".jsonl"),
    hasEnding("a.jsonl.gz", ".jsonl"),
    hasEnding("a.Jsonl", ".jsonl"),
  ], [
    true,
    false,
    true,
  ]);
});
