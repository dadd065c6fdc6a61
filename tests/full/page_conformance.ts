/**
 * Holds the model in a page against the one in a terminal: the conformance suite of the devices, run in Chromium.
 *
 *     deno task test:site
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { LanguageModel, type StreamedToken } from "../../lib/decode/mod.ts";
import { WEB_RUNTIME, webRuntimeFiles } from "../../lib/runtime/mod.ts";
import { serveFolder } from "../../tasks/site/site_server.ts";
import { pageScript } from "../../tasks/site/site_bundle.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { CONFORMANCE_CASES } from "../decode/_conformance.ts";
import { chromiumLack, withBrowser, withTab } from "./_chromium.ts";
import { packed, unpacked } from "./_page_codec.ts";

const lack = await chromiumLack();

/** Models that are asked alike: one in a terminal, and the same in a page that has the library. */
interface Pair {
  readonly reference: LanguageModel;
  readonly candidate: LanguageModel;
  /** The hashes of the candidate's checkpoint and graph, one behind the other. */
  readonly hashes: string;
}

/** A test of a model that `write` puts into a folder. */
function onPage(
  name: string,
  write: (folder: string) => Promise<unknown>,
  body: (pair: Pair) => Promise<void>,
): void {
  Deno.test(name, { ignore: lack !== null }, () =>
    withFolder(async (folder) => {
      for (const [name, bytes] of await webRuntimeFiles()) await Deno.writeFile(`${folder}/${name}`, bytes);
      await Deno.writeTextFile(`${folder}/page.js`, await pageScript("tests/full/_page_entry.ts"));
      await Deno.writeTextFile(
        `${folder}/index.html`,
        `<!doctype html><link rel="icon" href="data:,"><script type="importmap">{"imports":{"onnxruntime-node":"./${WEB_RUNTIME.module}"}}</script>` +
          `<script type="module" src="page.js"></script>`,
      );
      const model = `${folder}/model`;
      await Deno.mkdir(model);
      await write(model);
      const files = (await Array.fromAsync(Deno.readDir(model))).map(({ name }) => name);
      const server = serveFolder(folder, 0), reference = await LanguageModel.open(model, { threads: 1 });
      try {
        await withBrowser((browser) =>
          withTab(browser, { url: server.url, path: "index.html" }, async (tab) => {
            await tab.waitForFunction("globalThis.page !== undefined");
            const hashes = await tab.evaluate(`page.open("model", ${JSON.stringify(files)})`) as string;
            const method = (called: string) => async (...args: readonly unknown[]) =>
              unpacked(
                await tab.evaluate(`page.call("${called}", ${JSON.stringify(packed(args))})`) as string,
              );
            const called = ["run", "generate", "stream", "logProbs", "steeringAdjoint"];
            const candidate = Object.fromEntries(called.map((name) => [name, method(name)])) as unknown;
            await body({ reference, candidate: candidate as LanguageModel, hashes });
          })
        );
      } finally {
        await reference.release();
        await server.shutdown();
      }
    }));
}

for (const architecture of ["qwen2", "qwen3"] as const) {
  const config = tinyConfig({ architecture, eosTokenIds: [0] });
  onPage(
    `a model of ${architecture} in a page conforms to the one in a terminal, in every kind of graph`,
    (folder) => writeRandomCheckpoint(folder, { config, dtype: "bfloat16", seed: 4 }),
    async (pair) => {
      for (const { name, check } of CONFORMANCE_CASES) {
        await check({ ...pair, tolerance: "pageFloat32" }).catch((error: Error) => {
          throw new Error(`${name}: ${error.message}`, { cause: error });
        });
      }
    },
  );
}

onPage(
  "a page draws the tokens that a terminal draws, at once and in a stream, of one hash and one graph",
  async (folder) => {
    for (const file of ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`fixtures/embedded/base-a/${file}`, `${folder}/${file}`);
    }
  },
  async ({ reference, candidate, hashes }) => {
    assertEquals(hashes, await reference.checkpoint.hash() + reference.graphHash());
    const prompts = Array.from({ length: 8 }, (_, prompt) => [359, 370, 303, 16 + prompt]);
    for (let seed = 0; seed < 10; seed++) {
      const options = { maxNewTokens: 48, seed }; // what is recent in a stream's cache is settled twice
      const drawn = async (model: LanguageModel) =>
        (await model.generate(prompts.map((tokens) => ({ tokens })), options)).map(({ tokens }) => tokens);
      const [first = [], ...rest] = await drawn(reference);
      assertEquals(await drawn(candidate), [first, ...rest]);
      // A call into the page gives all pieces of a stream at once.
      const pieces = await (candidate.stream(prompts[0] as number[], options) as unknown as Promise<
        StreamedToken[]
      >);
      assertEquals(pieces.map(({ token }) => token), first);
    }
  },
);
