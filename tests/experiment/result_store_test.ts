import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { ResultStore } from "../../lib/experiment/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const KEY = { kind: "sum", of: [1, 2], vectors: null };

/** Counts how often a result was computed. */
function counted<T>(result: T) {
  const calls = { count: 0 };
  return { calls, compute: () => Promise.resolve((calls.count++, result)) };
}

const filesOf = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("ResultStore computes once per key, in this run and the next", () =>
  withFolder(async (folder) => {
    const { calls, compute } = counted({ rows: [[1, 0.1], [1e-300, -7]] });
    const store = new ResultStore(`${folder}/deep/store`);
    const first = await store.get(KEY, compute);
    // The order of a key's fields says nothing.
    const again = await store.get({ vectors: null, of: [1, 2], kind: "sum" }, compute);
    const later = await new ResultStore(`${folder}/deep/store`).get(KEY, compute);
    assertEquals(first, { rows: [[1, 0.1], [1e-300, -7]] });
    assertEquals([again, later], [first, first]);
    assertEquals(calls.count, 1);
    assertEquals(store.counts, { read: 1, made: 1, earlier: 0 });
    const next = new ResultStore(`${folder}/deep/store`);
    for (let time = 0; time < 2; time++) await next.get(KEY, compute);
    await next.get("other", compute);
    await next.get("other", compute);
    // What an earlier run left counts once, however often it is read; what this run made is nobody else's.
    assertEquals(next.counts, { read: 3, made: 1, earlier: 1 });
  }));

Deno.test("ResultStore misses when any input changes", () =>
  withFolder(async (folder) => {
    const store = new ResultStore(folder);
    const keys = [KEY, { ...KEY, of: [1, 3] }, { ...KEY, vectors: "ab" }, { ...KEY, device: "cpu" }];
    for (const [index, key] of keys.entries()) {
      assertEquals(await store.get(key, () => Promise.resolve(index)), index);
    }
    for (const [index, key] of keys.entries()) {
      assertEquals(await store.get(key, () => Promise.resolve(-1)), index);
    }
    assertEquals(filesOf(folder).length, keys.length);
  }));

Deno.test("ResultStore computes a damaged entry again and mends it", () =>
  withFolder(async (folder) => {
    const store = new ResultStore(folder);
    await store.get(KEY, () => Promise.resolve("right"));
    const path = `${folder}/${filesOf(folder)[0]}`, whole = await Deno.readTextFile(path);
    const damages = [
      "",
      whole.slice(0, -4),
      "null",
      "7",
      "[]",
      '{"result":"without its key"}',
      '{"key":{"kind":"another"},"result":"of another key"}',
    ];
    for (const damage of damages) {
      await Deno.writeTextFile(path, damage);
      assertEquals(await store.get(KEY, () => Promise.resolve("right")), "right", damage);
      assertEquals(await Deno.readTextFile(path), whole);
    }
    assertEquals(store.counts, { read: 0, made: 1 + damages.length, earlier: 0 });
  }));

Deno.test("ResultStore gives a result that is null back without computing it", () =>
  withFolder(async (folder) => {
    const store = new ResultStore(folder);
    assertEquals(await store.get<number | null>(KEY, () => Promise.resolve(null)), null);
    assertEquals(await store.get<number | null>(KEY, () => Promise.resolve(1)), null);
  }));

Deno.test("ResultStore without a folder keeps results in memory alone, while it lives", () =>
  withFolder(async (folder) => {
    const { calls, compute } = counted(3);
    const store = new ResultStore(null);
    assertEquals(await Promise.all([store.get(KEY, compute), store.get(KEY, compute)]), [3, 3]);
    assertEquals(calls.count, 1);
    assertEquals(store.counts, { read: 1, made: 1, earlier: 0 });
    assertEquals(await new ResultStore(null).get(KEY, compute), 3);
    assertEquals(calls.count, 2);
    await assertRejects(() => store.get("other", () => Promise.reject(new Error("failed"))), Error, "failed");
    assertEquals(await store.get("other", compute), 3); // a failure is not kept
    assertEquals(filesOf(folder), []);
  }));

Deno.test("ResultStore computes once what is asked for twice at a time, and reads it from disk later", () =>
  withFolder(async (folder) => {
    const { calls, compute } = counted(3);
    const store = new ResultStore(folder);
    assertEquals(await Promise.all([store.get(KEY, compute), store.get(KEY, compute)]), [3, 3]);
    assertEquals(calls.count, 1);
    await Deno.remove(filesOf(folder).map((name) => `${folder}/${name}`)[0] as string);
    assertEquals(await store.get(KEY, compute), 3); // it was not held in memory
    assertEquals(calls.count, 2);
  }));

Deno.test("ResultStore leaves nothing behind when the computation fails, or gives what JSON cannot carry", () =>
  withFolder(async (folder) => {
    const store = new ResultStore(folder);
    await assertRejects(
      () => store.get(KEY, () => Promise.reject(new Error("interrupted"))),
      Error,
      "interrupted",
    );
    await assertRejects(() => store.get(KEY, () => Promise.resolve([NaN])), RangeError, "NaN");
    assertEquals(filesOf(folder), []);
    assertEquals(await store.get(KEY, () => Promise.resolve(5)), 5);
    assertEquals(filesOf(folder).length, 1);
  }));

Deno.test("ResultStore says in one line that its folder cannot be made", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const store = new ResultStore(`${folder}/file`);
    const { message } = await assertRejects(() => store.get(KEY, () => Promise.resolve(5)), InputError);
    assertEquals(message, `a file stands where a folder is needed: ${folder}/file (choose another folder)`);
  }));
