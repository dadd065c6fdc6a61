import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { DTYPE_BYTES, elementCount, tensor, zeros } from "../../lib/core/mod.ts";

Deno.test("elementCount() multiplies, with 1 for a scalar and 0 for an empty axis", () => {
  assertEquals([elementCount([]), elementCount([5]), elementCount([2, 3, 4]), elementCount([2, 0, 4])], [
    1,
    5,
    24,
    0,
  ]);
});

Deno.test("tensor() rounds numbers to its type", () => {
  assertEquals(tensor("float32", [2], [0.1, 1]).data, new Float32Array([0.1, 1]));
  assertEquals(tensor("float64", [1], [0.1]).data, new Float64Array([0.1]));
  assertEquals(tensor("int32", [2, 1], [7, -7]), {
    dtype: "int32",
    dims: [2, 1],
    data: new Int32Array([7, -7]),
  });
  assertEquals(tensor("int64", [1], [2 ** 40]).data, new BigInt64Array([1099511627776n]));
  assertEquals(tensor("bool", [2], [1, 0]).data, new Uint8Array([1, 0]));
});

Deno.test("tensor() keeps an array of the right type and copies another", () => {
  const right = new Float32Array([1, 2]), wrong = new Float64Array([1, 2]);
  assertStrictEquals(tensor("float32", [2], right).data, right);
  assertEquals(tensor("float32", [2], wrong).data, right);
});

Deno.test("tensor() copies its shape", () => {
  const dims = [2];
  const value = tensor("float32", dims, [1, 2]);
  dims[0] = 3;
  assertEquals(value.dims, [2]);
});

Deno.test("tensor() refuses a wrong count and fractions in int64", () => {
  assertThrows(() => tensor("float32", [2, 2], [1, 2, 3]), RangeError, "needs 4 values: got 3");
  assertThrows(() => tensor("int64", [1], [0.5]), RangeError);
});

Deno.test("zeros() fills its shape with the array of its type", () => {
  assertEquals(zeros("int64", [2, 1]), { dtype: "int64", dims: [2, 1], data: new BigInt64Array(2) });
  assertEquals(zeros("float32", []).data, new Float32Array([0]));
});

Deno.test("DTYPE_BYTES agrees with the arrays of the border types", () => {
  for (const dtype of ["float32", "float64", "int32", "int64", "bool"] as const) {
    assertEquals(zeros(dtype, [1]).data.BYTES_PER_ELEMENT, DTYPE_BYTES[dtype], dtype);
  }
});
