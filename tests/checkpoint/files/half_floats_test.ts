import { assert, assertEquals } from "@std/assert";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../../lib/checkpoint/mod.ts";
import { golden } from "../_folder.ts";

/** float32 of a bit pattern. */
function ofBits(...words: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

Deno.test("toBfloat16() rounds to nearest, ties to even", () => {
  // 0x3f80 is 1, its neighbour 0x3f81; the lower half of the float32 decides, 0x8000 being the middle.
  const words = ofBits(0x3f807fff, 0x3f808000, 0x3f808001, 0x3f818000, 0xbf818000);
  assertEquals([...toBfloat16(words)], [0x3f80, 0x3f80, 0x3f81, 0x3f82, 0xbf82]);
});

Deno.test("toBfloat16() keeps signed zero, infinities and NaN, and overflows to infinity", () => {
  const words = ofBits(0x80000000, 0x7f800000, 0xff800000, 0x7f7fffff);
  assertEquals([...toBfloat16(words)], [0x8000, 0x7f80, 0xff80, 0x7f80]);
  // The second pattern has its only set bit in the half that is cut off: cutting alone would give infinity.
  for (const bits of toBfloat16(ofBits(0x7fc00000, 0x7f800001, 0xffffffff))) {
    assert(Number.isNaN(fromBfloat16(Uint16Array.of(bits))[0]), bits.toString(16));
  }
});

Deno.test("toFloat16() agrees with bit patterns known by hand", () => {
  // 2^-24 is the smallest float16; half of it ties to zero, a little more does not. 65504 is the largest, and
  // 65520, the middle between it and the next power of two, ties to infinity.
  const values = Float32Array.of(1, -2, 0.1, 65504, 65519.996, 65520, 2 ** -24, 2 ** -25, 2 ** -25 * 1.001);
  const bits = [0x3c00, 0xc000, 0x2e66, 0x7bff, 0x7bff, 0x7c00, 0x0001, 0x0000, 0x0001];
  assertEquals([...toFloat16(values)], bits);
});

Deno.test("fromFloat16() and fromBfloat16() invert every finite bit pattern", () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);
  const finite = (exponent: number) => all.filter((bits) => (bits & exponent) !== exponent);
  const halves = finite(0x7c00), brains = finite(0x7f80);
  assertEquals(toFloat16(fromFloat16(halves)), halves);
  assertEquals(toBfloat16(fromBfloat16(brains)), brains);
  assertEquals([...fromFloat16(Uint16Array.of(0x3555, 0xfbff))], [Math.fround(1365 / 4096), -65504]);
});

Deno.test("toBfloat16() and toFloat16() round as torch does", async () => {
  const { roundings } = await golden<{ roundings: { rows: [number, number, number][] } }>("checkpoint.json");
  assert(roundings.rows.length > 200);
  for (const [word, brain, half] of roundings.rows) {
    const value = ofBits(word);
    assertEquals([toBfloat16(value)[0], toFloat16(value)[0]], [brain, half], `float32 ${word.toString(16)}`);
  }
});

Deno.test("conversions read a view, not the buffer behind it", () => {
  const values = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  assertEquals([...fromBfloat16(toBfloat16(values))], [1, 2]);
  assertEquals([...fromFloat16(toFloat16(values).subarray(1))], [2]);
});
