import { assertEquals } from "@std/assert";
import { bytesOf, DURATION, durationOf, MEMORY } from "../../../tasks/command/checks.ts";

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

Deno.test("durationOf() reads lengths of time from hours down, and nothing else", () => {
  const read: readonly (readonly [string, number | null])[] = [
    ["3h", 10_800_000],
    ["1h30min", 5_400_000],
    ["1.5h", 5_400_000],
    ["45min", 2_700_000],
    ["20s", 20_000],
    ["2min30s", 150_000],
    ["0s", null],
    ["30min1h", null],
    ["3", null],
    ["3m", null],
    ["-3h", null],
    ["", null],
  ];
  for (const [text, ms] of read) {
    assertEquals(durationOf(text), ms, text);
    assertEquals(DURATION.safeParse(text).success, ms !== null, text);
  }
});
