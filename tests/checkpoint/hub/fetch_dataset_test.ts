import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { cachedDataset, datasetPlace, fetchDataset } from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { withFolder } from "../_folder.ts";
import { type StubHub, stubHub } from "../_stub_hub.ts";

const ROWS = '{"problem": "1 + 1?", "answer": 2}\n';

/** A hub with a data set: a table at the top, one below, and files that are no tables. */
function withHub(body: (hub: StubHub, hubCache: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/sums/data/deep`, { recursive: true });
    await Deno.writeTextFile(`${folder}/sums/test.jsonl`, ROWS);
    await Deno.writeTextFile(`${folder}/sums/README.md`, "not needed");
    await Deno.writeTextFile(`${folder}/sums/load.py`, "never run");
    await Deno.writeFile(`${folder}/sums/data/train-00000-of-00001.parquet`, new Uint8Array(100).fill(7));
    await Deno.writeFile(`${folder}/sums/data/deep/more.parquet`, new Uint8Array(50).fill(8));
    const hub = await stubHub(`${folder}/sums`, { kind: "dataset", name: "ada/sums" });
    await body(hub, `${folder}/cache`);
  });
}

/** Files and links below a folder, by their paths; nothing where there is no such folder. */
async function below(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) names.push(...await below(`${folder}/${name}`, `${prefix}${name}/`));
      else names.push(`${prefix}${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

const TABLES = ["data/deep/more.parquet", "data/train-00000-of-00001.parquet", "test.jsonl"];

Deno.test("fetchDataset() brings a data set's tables into the cache once, and datasetPlace() finds them offline", async () => {
  await withHub(async (hub, hubCache) => {
    const progress: number[] = [], { fetch } = hub;
    const folder = await fetchDataset("ada/sums@v1", {
      hubCache,
      fetch,
      onProgress: ({ bytes, of }) => void progress.push(bytes / of),
    });
    const dataset = `${hubCache}/datasets--ada--sums`;
    assertEquals(folder, `${dataset}/snapshots/${hub.commit}`);
    assertEquals(await below(folder), TABLES);
    assertEquals([await below(`${dataset}/refs`), (await below(`${dataset}/blobs`)).length], [["v1"], 3]);
    for (const path of TABLES) {
      const up = "../".repeat(1 + path.split("/").length);
      assertMatch(
        await Deno.readLink(`${folder}/${path}`),
        new RegExp(`^${up}blobs/[0-9a-f]{40}([0-9a-f]{24})?$`),
      );
    }
    for (const path of TABLES) assertEquals(await Deno.readFile(`${folder}/${path}`), hub.files.get(path)!);
    assertEquals(progress.at(-1), 1);
    for (const place of ["ada/sums@v1", `ada/sums@${hub.commit}`, folder, `${folder}/test.jsonl`]) {
      const meant = place.startsWith("ada/") ? folder : place;
      assertEquals(await datasetPlace(place, { hubCache }), meant);
    }
    hub.asked.length = 0;
    await fetchDataset("ada/sums", { hubCache, fetch });
    assertEquals(hub.asked.filter((path) => path.includes("/resolve/")), [], "whole files stay");
    assertEquals(await below(`${dataset}/refs`), ["main", "v1"]);
  });
});

Deno.test("datasetPlace() says what is not in the cache, and lets a path of the same name win", async () => {
  await withHub(async (hub, hubCache) => {
    const refused = (id: string) =>
      assertRejects(
        () => datasetPlace(id, { hubCache }),
        InputError,
        `"${id}" is neither a file or folder nor a data set in the hub cache: ${hubCache} ` +
          `(fetch it once: deno task fetch --dataset ${id.includes("@") ? id : `${id}@main`})`,
      );
    await refused("ada/sums");
    assertEquals(await cachedDataset(["ada/sums"], { hubCache }), null);
    // A model of the same name is no data set.
    const model = `${hubCache}/models--ada--sums`;
    await Deno.mkdir(`${model}/snapshots/${hub.commit}`, { recursive: true });
    await refused(`ada/sums@${hub.commit}`);
    const folder = await fetchDataset("ada/sums", { hubCache, fetch: hub.fetch });
    await refused("ada/sums@v2");
    assertEquals(await cachedDataset(["ada/other", "ada/sums"], { hubCache }), folder);
    assertEquals(await cachedDataset(["ada/other"], { hubCache }), null);
    await assertRejects(() => cachedDataset(["../sums"], { hubCache }), RangeError, 'is "../sums"');
    const ref = `${hubCache}/datasets--ada--sums/refs/main`;
    await Deno.writeTextFile(ref, "../../../etc");
    await assertRejects(
      () => datasetPlace("ada/sums", { hubCache }),
      InputError,
      `this file of the hub cache does not name a commit: ${ref} ` +
        "(remove it and fetch the data set again: deno task fetch --dataset ada/sums@main)",
    );
    assertEquals(await datasetPlace("lib/checkpoint", { hubCache }), "lib/checkpoint");
    assertEquals(await datasetPlace("no-id.jsonl", { hubCache }), "no-id.jsonl");
  });
});

Deno.test("fetchDataset() keeps nothing that is not what the hub states, and leaves no revision behind", async () => {
  const refused = (lie: (hub: StubHub) => void, message: string) =>
    withHub(async (hub, hubCache) => {
      lie(hub);
      const error = await assertRejects(
        () => fetchDataset("ada/sums@v1", { hubCache, fetch: hub.fetch }),
        InputError,
        message,
      );
      assert(!error.message.includes("\n"), error.message);
      const there = await below(`${hubCache}/datasets--ada--sums`);
      assertEquals(there.filter((path) => path.startsWith("refs/") || path.endsWith(".part")), []);
      assertEquals((await below(`${hubCache}/..`)).filter((path) => path.includes("escaped")), []);
    });
  const table = "data/train-00000-of-00001.parquet";
  const sized = (size: number) => ({ lfs: { oid: "0".repeat(64), size } });
  await refused((hub) => hub.lies.set(table, sized(100)), "other content than");
  await refused((hub) => hub.lies.set(table, sized(5)), "another length than the 5 bytes");
  await refused((hub) => hub.lies.set(table, sized(2 ** 40)), "bytes of tables, more than 1073741824");
  await refused((hub) => Object.assign(hub, { commit: "../../escaped" }), "its commit is");
  for (
    const path of [
      "../../../escaped.jsonl",
      "/escaped.jsonl",
      "data/../../escaped.jsonl",
      "a\\..\\escaped.jsonl",
    ]
  ) {
    await refused((hub) => hub.files.set(path, new Uint8Array(8)), "leads out of its folder");
  }
  await refused((hub) => {
    for (const path of TABLES) hub.files.delete(path);
  }, 'the data set "ada/sums@v1" has no .jsonl or .parquet file');
});

Deno.test("fetchDataset() tells a wrong form, a wrong name and a gated data set apart", async () => {
  await withHub(async (hub, hubCache) => {
    const refused = (id: string, message: string) =>
      assertRejects(() => fetchDataset(id, { hubCache, fetch: hub.fetch }), InputError, message);
    await refused("./sums", '"./sums" is no id of a data set on the hub (pass owner/name@revision, such as');
    await refused("ada/other@v1", 'the hub has no "ada/other@v1": https://huggingface.co');
    hub.status = 401;
    await refused("ada/sums@v1", "if it is gated, accept its terms there and set HF_TOKEN");
  });
});
