import { assertEquals, assertThrows } from "@std/assert";
import { canonicalJson, Sha256, sha256 } from "../../lib/core/mod.ts";

Deno.test("sha256() gives the answers of FIPS 180", () => {
  assertEquals(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assertEquals(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

Deno.test("sha256() reads text as UTF-8 and a view as its own bytes", () => {
  assertEquals(sha256("é"), sha256(new Uint8Array([0xc3, 0xa9])));
  assertEquals(sha256(new Uint8Array([9, 97, 98, 99, 9]).subarray(1, 4)), sha256("abc"));
});

Deno.test("canonicalJson() sorts keys at every depth by code unit", () => {
  assertEquals(
    canonicalJson({ b: { z: 1, a: 2 }, B: [], a: [{ d: 1, c: 2 }] }),
    '{"B":[],"a":[{"c":2,"d":1}],"b":{"a":2,"z":1}}',
  );
  assertEquals(canonicalJson({ 10: 1, 9: 2 }), '{"10":1,"9":2}');
});

Deno.test("canonicalJson() is JSON of the same value", () => {
  const value = { text: 'quote " and \n', list: [1.5, -2e-7, null, true], nested: { empty: {} } };
  assertEquals(JSON.parse(canonicalJson(value)), value);
});

Deno.test("canonicalJson() leaves undefined keys out and refuses numbers that JSON cannot carry", () => {
  assertEquals(canonicalJson({ a: undefined, b: null }), '{"b":null}');
  for (const value of [NaN, Infinity, -Infinity]) {
    assertThrows(() => canonicalJson({ deep: [value] }), RangeError, `${value}`);
  }
});

Deno.test("Sha256 in JavaScript alone, as in a page, gives what the system's gives, in pieces of any length", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 131 + 7) % 256);
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const whole = bytes.subarray(0, length);
    for (const piece of [1, 17, 64]) {
      const hash = new Sha256("portable");
      for (let at = 0; at < length; at += piece) {
        hash.update(whole.subarray(at, Math.min(length, at + piece)));
      }
      assertEquals(hash.hex(), sha256(whole), `${length} bytes in pieces of ${piece}`);
    }
  }
  assertEquals(new Sha256("portable").update("é").hex(), sha256("é"));
});
