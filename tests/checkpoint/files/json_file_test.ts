import { assertEquals, assertRejects } from "@std/assert";
import { duplicateKey, JSON_LIMITS, readJsonFile } from "../../../lib/checkpoint/files/_json_file.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { withFolder } from "../_folder.ts";

Deno.test("duplicateKey() finds the key that stands twice in one object, at any depth", () => {
  assertEquals(duplicateKey('{"a":1,"b":2,"a":3}'), "a");
  assertEquals(duplicateKey('[{"a":[{"b":1,"c":{},"b":1}]}]'), "b");
  assertEquals(duplicateKey('{"a":{},"\\u0061":1}'), "a");
  assertEquals(duplicateKey('{"a\\"":1, "a\\"" :1}'), 'a"');
});

Deno.test("duplicateKey() is not misled by values, nesting and escapes", () => {
  for (
    const text of [
      '{"a":"a","b":"a"}',
      '{"a":{"a":{"a":1}},"b":{"a":1}}',
      '[{"a":1},{"a":1}]',
      '{"a":["a","a",{"a":1}],"b":["a"]}',
      '{"a":"{\\"b\\":1,\\"b\\":2}","c":"\\\\","d":",\\""}',
      '"a"',
      "[]",
    ]
  ) {
    JSON.parse(text);
    assertEquals(duplicateKey(text), null, text);
  }
});

Deno.test("readJsonFile() skips a byte order mark before the JSON, and no other", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.json`, read = () => readJsonFile(path, { what: "a.json", kind: "config" });
    await Deno.writeTextFile(path, '\ufeff{"a": "\ufeff"}');
    assertEquals(await read(), { a: "\ufeff" });
    await Deno.writeTextFile(path, '\ufeff\ufeff{"a": 1}');
    await assertRejects(read, InputError, "is not valid JSON");
  });
});

Deno.test("readJsonFile() refuses a file past the limit without reading it", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/config.json`;
    await Deno.writeTextFile(path, "{}");
    assertEquals(await readJsonFile(path, { what: "config.json", kind: "config" }), {});
    // A sparse file: long, but of no size on disk.
    await Deno.truncate(path, JSON_LIMITS.config.bytes + 1);
    await assertRejects(
      () => readJsonFile(path, { what: "config.json", kind: "config" }),
      InputError,
      "more than the limit",
    );
  });
});
