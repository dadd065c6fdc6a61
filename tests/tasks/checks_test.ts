import { assertEquals } from "@std/assert";
import { bytesOf, MEMORY } from "../../tasks/_checks.ts";

Deno.test("bytesOf() reads amounts of memory in decimal and binary units, and nothing else", () => {
  const read: readonly (readonly [string, number | null])[] = [
    ["4GB", 4e9],
    ["4gb", 4e9],
    ["1.5 GiB", 1.5 * 2 ** 30],
    ["800MB", 8e8],
    ["512mib", 2 ** 29],
    ["2TB", 2e12],
    ["4000000000", 4e9],
    ["0GB", null],
    ["-1GB", null],
    ["4G", null],
    ["GB", null],
    ["1e9", null],
    ["4,5GB", null],
    ["", null],
  ];
  for (const [text, bytes] of read) {
    assertEquals(bytesOf(text), bytes, text);
    assertEquals(MEMORY.safeParse(text).success, bytes !== null, text);
  }
});
