/**
 * Holds the model in a page against the one in a terminal: the conformance suite of the devices, run in Chromium.
 *
 *     deno task test:site
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { tinyConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { WEB_RUNTIME, webRuntimeFiles } from "../../lib/runtime/mod.ts";
import { serveFolder } from "../../tasks/_site_server.ts";
import { pageScript } from "../../tasks/_site_bundle.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { CONFORMANCE_CASES } from "../decode/_conformance.ts";
import { chromiumLack, withBrowser, withTab } from "./_chromium.ts";
import { packed, unpacked } from "./_page_codec.ts";

const lack = await chromiumLack();

/** Gives a test a folder that is served, with a page that has the library, and what calls into it. */
async function withPage(
  body: (given: {
    readonly folder: string;
    readonly open: (
      name: string,
      files: readonly string[],
    ) => Promise<{ readonly model: LanguageModel; readonly hashes: string }>;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    for (const [name, bytes] of await webRuntimeFiles()) await Deno.writeFile(`${folder}/${name}`, bytes);
    await Deno.writeTextFile(`${folder}/page.js`, await pageScript("tests/full/_page_entry.ts"));
    await Deno.writeTextFile(
      `${folder}/index.html`,
      `<!doctype html><link rel="icon" href="data:,"><script type="importmap">{"imports":{"onnxruntime-node":"./${WEB_RUNTIME.module}"}}</script>` +
        `<script type="module" src="page.js"></script>`,
    );
    const server = serveFolder(folder, 0);
    try {
      await withBrowser((browser) =>
        withTab(browser, { url: server.url, path: "index.html" }, async (tab) => {
          await tab.waitForFunction("globalThis.page !== undefined");
          const open = async (name: string, files: readonly string[]) => {
            const hashes = await tab.evaluate(
              `page.open(${JSON.stringify(name)}, ${JSON.stringify(files)})`,
            ) as string;
            const method = (called: string) => async (...args: readonly unknown[]) =>
              unpacked(
                await tab.evaluate(
                  `page.call(${JSON.stringify(name)}, "${called}", ${JSON.stringify(packed(args))})`,
                ) as string,
              );
            const model = Object.fromEntries(
              ["run", "generate", "logProbs", "steeringAdjoint"].map((name) => [name, method(name)]),
            );
            return { model: model as unknown as LanguageModel, hashes };
          };
          await body({ folder, open });
        })
      );
    } finally {
      await server.shutdown();
    }
  });
}

Deno.test("the model in a page conforms to the one in a terminal, in every kind of graph", {
  ignore: lack !== null,
}, () =>
  withPage(async ({ folder, open }) => {
    for (const architecture of ["qwen2", "qwen3"] as const) {
      const config = tinyConfig({ architecture, eosTokenIds: [0] });
      await writeRandomCheckpoint(`${folder}/${architecture}`, { config, dtype: "bfloat16", seed: 4 });
      const reference = await LanguageModel.open(`${folder}/${architecture}`, { threads: 1 });
      const { model: candidate } = await open(architecture, ["config.json", "model.safetensors"]);
      try {
        for (const { name, check } of CONFORMANCE_CASES) {
          await check({ reference, candidate, tolerance: "pageFloat32" }).catch((error: Error) => {
            throw new Error(`${architecture}, ${name}: ${error.message}`, { cause: error });
          });
        }
      } finally {
        await reference.release();
      }
    }
  }));

Deno.test("a page draws the tokens that a terminal draws, of one hash and one graph", {
  ignore: lack !== null,
}, () =>
  withPage(async ({ folder, open }) => {
    const source = "fixtures/embedded/base-a",
      files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    await Deno.mkdir(`${folder}/base-a`);
    for (const file of files) await Deno.copyFile(`${source}/${file}`, `${folder}/base-a/${file}`);
    const reference = await LanguageModel.open(source), { model, hashes } = await open("base-a", files);
    try {
      assertEquals(hashes, await reference.checkpoint.hash() + reference.graphHash());
      const requests = Array.from(
        { length: 8 },
        (_, prompt) => ({ tokens: [359, 370, 303, 16 + prompt], prompt, sample: 0 }),
      );
      for (let seed = 0; seed < 10; seed++) {
        const options = { maxNewTokens: 32, seed };
        const tokens = async (of: LanguageModel) =>
          (await of.generate(requests, options)).map((rollout) => rollout.tokens);
        assertEquals(await tokens(model), await tokens(reference));
      }
    } finally {
      await reference.release();
    }
  }));
