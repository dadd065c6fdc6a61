import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  fetchFolder,
  memoryFolder,
  openCheckpoint,
  pathExists,
  readSafetensorsHeader,
} from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { LanguageModel, promptTokens } from "../../../lib/decode/mod.ts";
import { loadVectors } from "../../../lib/vectors/mod.ts";

const DISK = "fixtures/embedded/base-a",
  FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
const VECTORS = "fixtures/embedded/vectors/base-a/all.seed-0.safetensors";

async function inMemory(name: string): Promise<string> {
  return memoryFolder(
    name,
    new Map(
      await Promise.all(FILES.map(async (file) => [file, await Deno.readFile(`${DISK}/${file}`)] as const)),
    ),
  );
}

Deno.test("a model in memory is the model of the disk: hash, graph, tokens of a steered rollout, logits to the bit", async () => {
  const folder = await inMemory("base-a");
  const vectors = memoryFolder("vectors", new Map([["all", await Deno.readFile(VECTORS)]]));
  const models = [await LanguageModel.open(DISK), await LanguageModel.open(folder)] as const;
  const [disk, memory] = models;
  try {
    assertEquals(await memory.checkpoint.hash(), await disk.checkpoint.hash());
    assertEquals(memory.graphHash(), disk.graphHash());
    const { vectors: steer } = await loadVectors(`${vectors}/all`, memory.config);
    assertEquals(steer, (await loadVectors(VECTORS, disk.config)).vectors);
    const tokens = promptTokens(await memory.tokenizer(), "If 3n + 32 = 47, what is n?");
    const [rollouts, logits] = [[], []] as [unknown[], unknown[]];
    for (const model of models) {
      rollouts.push(
        await model.generate([{ tokens, prompt: 0, sample: 0 }], { maxNewTokens: 40, seed: 3, steer }),
      );
      logits.push((await model.run([tokens], { steer })).logits);
    }
    assertEquals(rollouts[1], rollouts[0]);
    assertEquals(logits[1], logits[0]);
  } finally {
    for (const model of models) await model.release();
  }
});

Deno.test("what is not in memory, or is cut short there, is told as of a disk", async () => {
  const config = await Deno.readFile(`${DISK}/config.json`),
    weights = await Deno.readFile(`${DISK}/model.safetensors`);
  await assertRejects(
    () => openCheckpoint("memory:none"),
    InputError,
    "cannot open the model folder, does not exist: memory:none",
  );
  const empty = memoryFolder("empty", new Map([["config.json", config]]));
  await assertRejects(() => openCheckpoint(empty), InputError, "no weights");
  await assertRejects(() => openCheckpoint(`${empty}/config.json`), InputError, "not a folder");
  await assertRejects(() => readSafetensorsHeader(empty), InputError, "not a file");
  assertEquals(await pathExists(`${empty}/model.safetensors`), false);
  const short = memoryFolder(
    "short",
    new Map([["config.json", config], ["model.safetensors", weights.slice(0, -5)]]),
  );
  await assertRejects(() => openCheckpoint(short), InputError, "cut short");
  assertThrows(() => memoryFolder("a/b", new Map()), RangeError, 'no slash: current value is "a/b"');
});

Deno.test("fetchFolder() counts what comes, and names the file that does not", async () => {
  let bytes = 0;
  const bodies: Readonly<Record<string, string>> = {
    "https://example.org/m/a": "one",
    "https://example.org/m/b": "three",
  };
  const fetch = (url: string) =>
    Promise.resolve(url in bodies ? new Response(bodies[url] ?? "") : new Response("", { status: 404 }));
  const folder = await fetchFolder("https://example.org/m/", {
    files: ["a", "b"],
    fetch,
    onBytes: (count) => bytes += count,
  });
  assertEquals([folder, bytes, await pathExists(`${folder}/b`)], ["memory:m", 8, true]);
  const lacking = () => fetchFolder("https://example.org/m", { files: ["a", "c"], fetch });
  await assertRejects(lacking, InputError, "cannot fetch the file: https://example.org/m/c");
});
