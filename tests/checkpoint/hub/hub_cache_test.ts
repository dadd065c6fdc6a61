import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import {
  fetchModel,
  hubCacheFolder,
  modelFolder,
  openCheckpoint,
  parseHubId,
  writeRandomCheckpoint,
} from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../_tiny_config.ts";
import { withFolder } from "../_folder.ts";
import { type StubHub, stubHub } from "../_stub_hub.ts";

/** A hub with a random model, and an empty cache. */
function withHub(
  options: { readonly shards?: number },
  body: (hub: StubHub, hubCache: string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    await writeRandomCheckpoint(`${folder}/model`, {
      config: tinyConfig(),
      dtype: "bfloat16",
      seed: 0,
      ...options,
    });
    const hub = await stubHub(`${folder}/model`);
    hub.files.set("tokenizer.json", new TextEncoder().encode("{}"));
    hub.files.set("README.md", new TextEncoder().encode("not needed"));
    hub.files.set("pytorch_model.bin", new Uint8Array(1000));
    await body(hub, `${folder}/cache`);
  });
}

const below = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? below(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  ).sort();

Deno.test("parseHubId() takes owner/name and a revision, and no path", () => {
  assertEquals(parseHubId("a/b"), { name: "a/b", revision: "main" });
  assertEquals(parseHubId("Qwen/Qwen2.5-Math-7B@refs/pr/1"), {
    name: "Qwen/Qwen2.5-Math-7B",
    revision: "refs/pr/1",
  });
  for (
    const path of [
      "",
      "a",
      "./a/b",
      "../a",
      "/a/b",
      "a/b/c",
      "a/..",
      "a/b@",
      "a/b@../c",
      "a/b@c/../d",
      "a/b@/c",
      "a--b/c",
      "a/b@c/",
      "a/b@c//d",
      "a/b\n",
      "a b/c",
      "a/b@c@d",
      `a/${"b".repeat(97)}`,
    ]
  ) assertEquals([path, parseHubId(path)], [path, null]);
});

Deno.test("hubCacheFolder() follows the variables of Hugging Face in their order", () => {
  const all = { HF_HUB_CACHE: "/a", HF_HOME: "/b", XDG_CACHE_HOME: "/c", HOME: "/d" };
  const from = (variables: Record<string, string>) => hubCacheFolder((name) => variables[name]);
  assertEquals(from(all), "/a");
  assertEquals(from({ ...all, HF_HUB_CACHE: "" }), "/b/hub");
  assertEquals(from({ XDG_CACHE_HOME: "/c", HOME: "/d" }), "/c/huggingface/hub");
  assertEquals(from({ HOME: "/d" }), "/d/.cache/huggingface/hub");
  assertThrows(() => from({}), InputError, "none of HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HOME is set");
  const denied = () => {
    throw new Deno.errors.NotCapable("env");
  };
  assertThrows(
    () => hubCacheFolder(denied),
    InputError,
    "add --allow-env=HF_HUB_CACHE,HF_HOME,XDG_CACHE_HOME,HOME",
  );
});

Deno.test("fetchModel() brings what a model needs into the cache once, and openCheckpoint() finds it offline", async () => {
  for (const shards of [1, 3]) {
    await withHub({ shards }, async (hub, hubCache) => {
      const progress: number[] = [];
      const { fetch } = hub,
        onProgress = (done: { bytes: number; of: number }) => void progress.push(done.bytes / done.of);
      const folder = await fetchModel("ada/tiny@v1", { hubCache, fetch, onProgress });
      const model = `${hubCache}/models--ada--tiny`;
      assertEquals(folder, `${model}/snapshots/${hub.commit}`);
      const needed = [...hub.files.keys()].filter((name) =>
        !["README.md", "pytorch_model.bin"].includes(name)
      ).sort();
      assertEquals(below(folder), needed);
      assertEquals(below(`${model}/refs`), ["v1"]);
      assertEquals(below(`${model}/blobs`).length, needed.length);
      for (const name of needed) {
        assert((await Deno.readLink(`${folder}/${name}`)).startsWith("../../blobs/"), name);
        assertEquals(await Deno.readFile(`${folder}/${name}`), hub.files.get(name)!);
      }
      assertEquals([progress.at(-1), progress.every((share, i) => i === 0 || share >= 0)], [1, true]);
      // Offline: by tag, by commit, and as a plain folder.
      for (const place of ["ada/tiny@v1", `ada/tiny@${hub.commit}`, folder]) {
        const checkpoint = await openCheckpoint(place, { hubCache });
        assertEquals([checkpoint.folder, checkpoint.weightsFolder], [folder, `${model}/blobs`]);
      }
      hub.asked.length = 0;
      await fetchModel("ada/tiny", { hubCache, fetch });
      assertEquals(
        hub.asked.filter((path) => path.includes("/resolve/")),
        [],
        "whole files are not fetched again",
      );
      assertEquals(below(`${model}/refs`), ["main", "v1"]);
      assertEquals(await modelFolder("ada/tiny", { hubCache }), folder);
    });
  }
});

Deno.test("modelFolder() says what is not in the cache, and lets a folder of the same name win", async () => {
  await withHub({}, async (hub, hubCache) => {
    const refused = async (id: string, message: string) => {
      const error = await assertRejects(() => openCheckpoint(id, { hubCache }), InputError, message);
      assert(!error.message.includes("\n"), error.message);
    };
    const line = (id: string, fetch = id) =>
      `"${id}" is neither a folder nor a model in the hub cache: ${hubCache} (fetch it once: deno task fetch ${fetch})`;
    await refused("ada/tiny", line("ada/tiny", "ada/tiny@main"));
    await refused(`ada/tiny@${hub.commit}`, line(`ada/tiny@${hub.commit}`));
    const folder = await fetchModel("ada/tiny@v1", { hubCache, fetch: hub.fetch });
    await refused("ada/tiny@v2", line("ada/tiny@v2"));
    await refused("ada/other@v1", line("ada/other@v1"));
    const ref = `${hubCache}/models--ada--tiny/refs/v1`;
    for (const text of ["../../../etc", "", "x".repeat(1000)]) {
      await Deno.writeTextFile(ref, text);
      await refused("ada/tiny@v1", `this file of the hub cache does not name a commit: ${ref}`);
    }
    await Deno.remove(ref);
    await Deno.symlink("v1", ref);
    await refused("ada/tiny@v1", "its links lead in a circle");
    assertEquals(await modelFolder(folder, { hubCache }), folder);
    assertEquals(await modelFolder("no-id", { hubCache }), "no-id");
    assertEquals(await modelFolder("lib/checkpoint", { hubCache }), "lib/checkpoint");
  });
});

Deno.test("fetchModel() keeps nothing that is not what the hub states", async () => {
  const refused = (
    lie: (hub: StubHub) => void,
    message: string,
    options: { readonly shards?: number } = {},
  ) =>
    withHub(options, async (hub, hubCache) => {
      const before = new Map([...hub.files]);
      lie(hub);
      const error = await assertRejects(
        () => fetchModel("ada/tiny@v1", { hubCache, fetch: hub.fetch }),
        InputError,
        message,
      );
      assert(!error.message.includes("\n"), error.message);
      const model = `${hubCache}/models--ada--tiny`;
      const there = await Deno.stat(model).then(() => below(model), () => []);
      assertEquals(there.filter((path) => path.startsWith("refs/") || path.endsWith(".part")), []);
      for (const path of there.filter((path) => path.startsWith("blobs/"))) {
        const bytes = await Deno.readFile(`${model}/${path}`);
        assert([...before.values(), ...hub.files.values()].some((own) => own.length === bytes.length), path);
      }
      assertEquals(below(`${hubCache}/..`).filter((path) => path.includes("escaped")), []);
    });
  const weights = "model.safetensors", index = "model.safetensors.index.json";
  const sized = (size: number) => ({ lfs: { oid: "0".repeat(64), size } });
  await refused((hub) => hub.lies.set(weights, sized(hub.files.get(weights)!.length)), "other content than");
  await refused((hub) => hub.lies.set(weights, sized(5)), "another length than the 5 bytes");
  await refused((hub) => hub.lies.set(weights, sized(1e9)), "another length than the 1000000000 bytes");
  await refused((hub) => hub.lies.set("config.json", { oid: "0".repeat(40) }), "other content than");
  await refused((hub) => hub.lies.set(weights, { lfs: { oid: "../../x", size: 1 } }), "no weights");
  await refused((hub) => hub.files.delete(weights), "no weights");
  await refused((hub) => hub.files.delete("config.json"), "config.json");
  await refused((hub) => hub.files.delete("model-00002-of-00003.safetensors"), "does not exist", {
    shards: 3,
  });
  await refused((hub) => Object.assign(hub, { commit: "../../escaped" }), "its commit is");
  const outside = "../../../escaped.safetensors";
  await refused(
    (hub) => {
      hub.files.set(index, new TextEncoder().encode(JSON.stringify({ weight_map: { x: outside } })));
      hub.files.set(outside, new Uint8Array(8));
    },
    "must be the name of a .safetensors file",
    { shards: 3 },
  );
});

Deno.test("fetchModel() tells a wrong name, a gated model, a broken hub and no network apart", async () => {
  await withHub({}, async (hub, hubCache) => {
    const refused = (id: string, message: string) =>
      assertRejects(() => fetchModel(id, { hubCache, fetch: hub.fetch }), InputError, message);
    await refused("./ada", '"./ada" is no id of a model on the hub');
    await refused("ada/other@v1", 'the hub has no "ada/other@v1": https://huggingface.co');
    for (const status of [401, 403]) {
      hub.status = status;
      await refused("ada/tiny@v1", "if it is gated, accept its terms there and set HF_TOKEN");
    }
    hub.status = 500;
    await refused("ada/tiny@v1", 'cannot fetch "ada/tiny@v1", no');
    const offline = () => Promise.reject(new TypeError("error sending request"));
    await assertRejects(
      () => fetchModel("ada/tiny@v1", { hubCache, fetch: offline }),
      InputError,
      "error sending request: https://huggingface.co (try again; files that are whole are kept)",
    );
    const denied = () => Promise.reject(new Deno.errors.NotCapable("net"));
    await assertRejects(
      () => fetchModel("ada/tiny@v1", { hubCache, fetch: denied }),
      InputError,
      "cannot reach the hub, Deno was started without the permission for it",
    );
  });
});

Deno.test("fetchModel() stops where progress throws and goes on where it stopped", async () => {
  await withHub({ shards: 3 }, async (hub, hubCache) => {
    let pieces = 0;
    const stop = new DOMException("stop", "AbortError");
    const onProgress = () => {
      if (++pieces === 4) throw stop;
    };
    const error = await assertRejects(() =>
      fetchModel("ada/tiny@v1", { hubCache, fetch: hub.fetch, onProgress })
    );
    assertEquals(error, stop);
    const kept = below(`${hubCache}/models--ada--tiny/blobs`).length;
    assert(kept >= 2 && kept < hub.files.size - 2, `${kept} files are whole`);
    hub.asked.length = 0;
    await fetchModel("ada/tiny@v1", { hubCache, fetch: hub.fetch });
    const needed = hub.files.size - 2,
      fetched = new Set(hub.asked.filter((path) => path.includes("/resolve/"))).size;
    assertEquals(fetched, needed - kept);
  });
});
