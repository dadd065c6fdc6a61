/**
 * Builds the site from a few quick reproductions and uses it as a person does, in Chromium: reads the study, follows
 * links, hovers, filters samples, steers the model, shares a link, drops files.
 *
 *     deno task test:site
 *     deno task test:site -- --shots DIR      # leaves pictures of the pages in DIR, to be looked at
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import axe from "axe-core";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";
import { type FolderServer, serveFolder } from "../../tasks/site/site_server.ts";
import { answer } from "../../tasks/answer.ts";
import { reproduce } from "../../tasks/reproduce.ts";
import { site } from "../../tasks/site.ts";
import { runOn } from "../tasks/_tiny_zoo.ts";
import { chromiumLack, withBrowser, withTab } from "./_chromium.ts";

const lack = await chromiumLack();
const shots = Deno.args[0] === "--shots" ? Deno.args[1] : undefined;

const ITEMS = ["fig1", "fig3", "fig5", "table1"];

/** The site, built once for all tests, and served. */
let built: Promise<{ readonly folder: string; readonly server: FolderServer }> | undefined;

async function build(): Promise<{ folder: string; server: FolderServer }> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "site-" }));
  const made = await runOn(reproduce, [
    ...ITEMS,
    "--size",
    "quick",
    "--samples",
    "--quiet",
    "--out",
    `${folder}/out`,
  ]);
  assertEquals(made.code, 0, made.error);
  const written = await runOn(site, ["--results", `${folder}/out`, "--out", `${folder}/site`]);
  assertEquals(written.code, 0, written.error);
  assertStringIncludes(written.output, `${ITEMS.length} of ${REPRODUCTIONS.length} items reproduced`);
  return { folder, server: serveFolder(`${folder}/site`, 0) };
}

/** A test in a tab of Chromium on one of the pages. */
function onPage(
  name: string,
  path: string,
  body: (
    page: Page,
    given: { readonly requests: readonly string[]; readonly folder: string; readonly url: string },
  ) => Promise<void>,
  options: { readonly width?: number; readonly dark?: boolean } = {},
): void {
  Deno.test(name, { ignore: lack !== null }, async () => {
    const { folder, server: { url } } = await (built ??= build());
    const { width = 1280, dark = false } = options;
    await withBrowser((browser) =>
      withTab(
        browser,
        {
          url,
          path,
          viewport: { width, height: 900 },
          colorScheme: dark ? "dark" : "light",
          permissions: ["clipboard-read", "clipboard-write"],
        },
        (page, requests) => body(page, { requests, folder, url }),
      )
    );
  });
}

async function shoot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png` });
}

/** Rules of accessibility that a page breaks in earnest, by axe. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(" | ")))`);
}

const answered = (page: Page) => page.waitForSelector("body[data-answered=true]", { timeout: 30_000 });
const said = async (page: Page, side: string): Promise<string> =>
  await page.textContent(`#answer-${side}`) ?? "";

/** Changes a slider as a hand does. */
async function slide(page: Page, id: string, value: number): Promise<void> {
  await page.evaluate(`(() => {
    const slider = document.getElementById(${JSON.stringify(id)});
    slider.value = "${value}";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  })()`);
  await page.waitForTimeout(250);
  await answered(page);
}

onPage(
  "the study opens within a second, and its figures come alive as they are scrolled to",
  "index.html",
  async (page, { requests }) => {
    const paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
    await page.waitForFunction(`${paint} > 0`);
    const painted = await page.evaluate(paint) as number;
    assert(painted <= 1000, `first view after ${painted} ms`);
    assertEquals(requests.filter((url) => url.endsWith("spec.vl.json")), []);
    await shoot(page, "study-1280");
    for (const id of ["fig1", "fig3", "table1"]) {
      await page.click(`.contents a[href="#${id}"]`);
      assertEquals(new URL(page.url()).hash, `#${id}`);
      await page.waitForSelector(`#${id} .drawing[data-live] svg`);
      assert(await page.locator(`#${id}`).isVisible());
    }
    // Nobody came by this one.
    assertEquals(requests.some((url) => url.endsWith("items/fig5/spec.vl.json")), false);
    await page.locator("#fig1 .drawing svg .mark-symbol path").first().hover({ force: true });
    const tip = page.locator("#vg-tooltip-element.visible");
    await tip.waitFor();
    assert(/\d/.test(await tip.textContent() ?? ""), "the tooltip tells a value");
    await shoot(page, "fig1-1280");
    await page.locator("#fig1 details.numbers summary").click();
    await page.locator("#fig1 details.numbers td", { hasText: "accuracy.base" }).first().waitFor();
    const download = page.waitForEvent("download");
    await page.locator("#fig1 .vega-embed summary").click();
    await page.locator("#fig1 .vega-actions a", { hasText: "SVG" }).click();
    assertEquals((await download).suggestedFilename(), "fig1.svg");
  },
);

onPage(
  "the search leaves what has its words, a deep link leads to its item, what is missing says how to get it",
  "index.html#table1",
  async (page, { url }) => {
    await page.waitForFunction("document.getElementById('table1').getBoundingClientRect().top < 400");
    await page.fill("#search", "transfer");
    assertEquals(await page.locator(".item:visible").count() < 5, true);
    assert(await page.locator("#table1").isVisible());
    assert(/^\d+ of \d+$/.test(await page.textContent("#matches") ?? ""));
    await page.fill("#search", "no such words");
    assertEquals([await page.locator(".item:visible").count(), await page.textContent("#matches")], [
      0,
      `0 of ${REPRODUCTIONS.length}`,
    ]);
    await page.fill("#search", "");
    assertStringIncludes(
      await page.locator("#fig2").textContent() ?? "",
      "deno task reproduce fig2 makes it",
    );
    assertStringIncludes(
      await page.locator("main").textContent() ?? "",
      "deno task reproduce claims decides them",
    );
    const module = await page.locator("#fig1 a", { hasText: "the module" }).getAttribute("href");
    assertStringIncludes(await (await fetch(url + module)).text(), "export const fig01");
  },
);

onPage("samples stand side by side, coloured, filtered and paged", "samples.html", async (page) => {
  await page.locator(".pair").first().waitFor();
  const count = async () => Number.parseInt(await page.textContent("#count") ?? "");
  const all = await count();
  assertEquals([all, await page.locator(".pair").count()], [8, 4]);
  await page.click("#next");
  assertEquals(await page.textContent("#page"), "2 of 2");
  await page.selectOption("#verdict", "mended");
  const mended = await count();
  assert(mended > 0 && mended < all, `${mended} of ${all}`);
  for (const pair of await page.locator(".pair").all()) {
    assertEquals(
      await pair.locator(".badge").allTextContents().then((
        [before, after],
      ) => [before?.startsWith("wrong"), after]),
      [true, "right"],
    );
  }
  const colours = async () =>
    await page.locator(".pair .token").evaluateAll((tokens) =>
      tokens.map((token) => token.getAttribute("style")).join()
    );
  const seen = new Set<string>();
  for (
    const colour of await page.locator("#colour option").evaluateAll((options) =>
      options.slice(0, 3).map((option) => (option as unknown as { value: string }).value)
    )
  ) {
    await page.selectOption("#colour", colour);
    seen.add(await colours());
  }
  assertEquals(seen.size, 3);
  await page.selectOption("#family", "chain");
  await page.reload();
  assertEquals(await page.inputValue("#family"), "chain");
  await shoot(page, "samples-1280");
});

onPage(
  "the explorer is ready in seconds, weighs little, and another strength gives another answer",
  "explorer.html",
  async (page, { requests, folder }) => {
    await page.waitForFunction("document.getElementById('answer-base').textContent.length > 0", null, {
      timeout: 30_000,
    });
    const ready = await page.evaluate("performance.now()") as number;
    assert(ready <= 4000, `first tokens after ${ready} ms`);
    await answered(page);
    const first = await said(page, "steered"), base = await said(page, "base");
    assert(first.length > 10 && first !== base);
    assertEquals(await page.locator(".answer .badge").count(), 2);
    await slide(page, "strength-all", 0);
    assertEquals(await said(page, "steered"), base);
    await slide(page, "strength-all", 1);
    assertEquals(await said(page, "steered"), first);
    let weight = 0;
    const names = new Set(requests.map((url) => new URL(url).pathname));
    for (const name of names) {
      const bytes = await Deno.readFile(`${folder}/site${name}`);
      weight += (await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")))
        .arrayBuffer()).byteLength;
    }
    assert(weight <= 7e6, `the page weighs ${weight} bytes`);
    await shoot(page, "explorer-1280");
    const memory = await page.evaluate("performance.memory.usedJSHeapSize") as number;
    assert(memory < 5e8, `${memory} bytes of JavaScript's memory`);
  },
);

onPage(
  "a token shows what stood behind it: likelier tokens, the lens, attention of a head",
  "explorer.html",
  async (page) => {
    await answered(page);
    await page.locator("#answer-steered .token").first().click();
    await page.locator("#inspector").waitFor();
    assertStringIncludes(
      await page.textContent("#inspected") ?? "",
      (await page.locator("#answer-steered .token").first().textContent() ?? "").trim(),
    );
    assertEquals(await page.locator("#lens tbody tr").count(), 8);
    // The last block's lens is what the model says.
    const likeliest = await page.locator("#next-tokens tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent ?? "")).sort((a, b) =>
        parseFloat(b[2] ?? "") - parseFloat(a[2] ?? "")
      )[0]
    );
    const last = await page.locator("#lens tbody tr").last().locator("td").allTextContents();
    assertEquals([last[2], last[3]], [likeliest?.[0], likeliest?.[2]]);
    const attention = async () =>
      await page.locator("#attention .token").evaluateAll((tokens) =>
        tokens.map((token) => token.getAttribute("title")).join()
      );
    const before = await attention();
    await page.selectOption("#attention-head", "2");
    assert(await attention() !== before);
    await shoot(page, "inspector-1280");
    await page.locator("#answer-steered .token").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const second = (await page.locator("#answer-steered .token").nth(1).textContent() ?? "").trim();
    await page.locator("#inspected", { hasText: second }).waitFor();
  },
);

onPage(
  "a link holds what was chosen, and a copied command gives the same tokens in a terminal, for ten seeds",
  "explorer.html#problem=chain/5&with=all*0.75&opener=To&patch=skip-attn",
  async (page, { url }) => {
    await answered(page);
    await page.click("#share");
    const link = await page.evaluate("navigator.clipboard.readText()") as string;
    const steered = await said(page, "steered");
    const other = await page.context().newPage();
    await other.goto(link);
    await answered(other);
    assertEquals([
      await said(other, "steered"),
      await other.inputValue("#patch"),
      await other.inputValue("#opener"),
    ], [steered, "skip-attn", "To"]);
    await other.close();
    const words = (command: string) =>
      [...command.matchAll(/'((?:[^']|'\\'')*)'|\S+/g)].map(([word, quoted]) =>
        quoted?.replaceAll("'\\''", "'") ?? word
      );
    for (let seed = 0; seed < 10; seed++) {
      if (seed > 0) {
        await page.goto(
          `${url}explorer.html#problem=${["chain", "words", "linear"][seed % 3]}/${seed}&with=all*${
            seed % 2 === 0 ? 1 : 0.5
          }&seed=${seed}`,
        );
        await page.reload();
        await answered(page);
      }
      for (const side of ["base", "steered"]) {
        await page.click(`#command-${side}`);
        const [, , , ...args] = words(await page.evaluate("navigator.clipboard.readText()") as string);
        const ended = await runOn(answer, [...args, "--tokens"]);
        const tokens = /^tokens: (.*)$/m.exec(ended.output)?.[1];
        const shown = (await page.getAttribute(`#answer-${side}`, "data-tokens"))?.split(" ").slice(
          seed === 0 ? 1 : 0,
        ).join(" ");
        assertEquals(shown, tokens, `${side}, seed ${seed}: ${args.join(" ")}`);
        assertStringIncludes(
          ended.output,
          (await page.textContent(`#verdict-${side} .badge`))?.split(":")[0] ?? "",
        );
      }
    }
  },
);

onPage(
  "files of vectors are taken, broken ones refused in a sentence, and a link says which file it lacks",
  "explorer.html",
  async (page, { url }) => {
    await answered(page);
    const drop = (name: string, bytes: Uint8Array) =>
      page.setInputFiles("#file", { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
    const good = await Deno.readFile("fixtures/embedded/vectors/base-a/layer-7.seed-1.safetensors");
    const steered = await said(page, "steered");
    await drop("broken.safetensors", good.slice(0, 100));
    await page.locator("#message.fault", { hasText: "broken.safetensors was not taken" }).waitFor();
    assert(!(await page.textContent("#message"))?.includes("memory:"));
    assertEquals(await said(page, "steered"), steered);
    await drop(
      "other.safetensors",
      await Deno.readFile("fixtures/embedded/sae/base-a.all.layer-4.safetensors"),
    );
    await page.locator("#message.fault", { hasText: "a sparse autoencoder in safetensors, not vectors" })
      .waitFor();
    await drop("mine.safetensors", good);
    await page.locator("[data-run='mine.safetensors']").waitFor();
    await page.waitForTimeout(250);
    await answered(page);
    assertStringIncludes(page.url(), "with=mine.safetensors*1");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await answered(other);
    assertStringIncludes(
      await other.textContent("#message") ?? "",
      "mine.safetensors, which it cannot hold: drop that file here",
    );
    await other.goto(`${url}explorer.html#problem=chain/3&seed=much`);
    await other.reload();
    await other.locator("#message.fault", { hasText: "seed must be a whole number" }).waitFor();
  },
);

onPage(
  "what the page cannot do is a sentence, and a question of one's own is answered and not graded",
  "explorer.html#problem=linear/2&patch=skip-attn",
  async (page) => {
    await page.locator("#message.fault", { hasText: "routes the vector of layer 6" }).waitFor({
      timeout: 30_000,
    });
    await page.selectOption("#family", "own");
    await page.fill("#question", "");
    await page.locator("#message", { hasText: "Type a question" }).waitFor();
    await page.selectOption("#patch", "");
    await page.fill("#question", "Solve 2x + 6 = 10 for x.");
    await answered(page);
    assertEquals(await page.locator("#verdict-base .badge").textContent(), "not graded");
  },
);

onPage("a second visit takes nothing large from the server", "explorer.html", async (page) => {
  await answered(page);
  await page.waitForFunction("navigator.serviceWorker.controller !== null", null, { timeout: 20_000 });
  await page.reload();
  await answered(page);
  const sizes = await page.evaluate(
    "performance.getEntriesByType('resource').map(({ name, transferSize }) => [name, transferSize])",
  ) as readonly [string, number][];
  assert(sizes.some(([name]) => name.endsWith("/model.safetensors")));
  for (const [name, bytes] of sizes) assert(bytes < 20_000, `${name}: ${bytes} bytes`);
});

for (const dark of [false, true]) {
  for (const path of ["index.html", "samples.html", "explorer.html", "zoo.html"]) {
    onPage(`axe finds nothing serious in ${path}${dark ? ", dark" : ""}`, path, async (page) => {
      if (path === "explorer.html") {
        await answered(page);
        await page.locator("#answer-steered .token").first().click();
      }
      if (path === "index.html") {
        await page.click('.contents a[href="#fig1"]');
        await page.waitForSelector("#fig1 .drawing[data-live] svg");
        await page.locator("#fig1 details.numbers summary").click();
      }
      if (path === "samples.html") await page.locator(".pair").first().waitFor();
      await page.waitForTimeout(300);
      assertEquals(await seriousFaults(page), []);
      if (dark) await shoot(page, `${path.replace(".html", "")}-dark`);
    }, { dark });
  }
}

for (const path of ["index.html", "samples.html", "explorer.html", "zoo.html"]) {
  onPage(`${path} fits a phone`, path, async (page) => {
    if (path === "explorer.html") {
      await answered(page);
      await page.locator("#answer-steered .token").first().click();
      await page.waitForTimeout(300);
    }
    const overflow = await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assertEquals(overflow, 0);
    await shoot(page, `${path.replace(".html", "")}-390`);
  }, { width: 390 });
}

onPage("the study prints as a paper", "index.html", async (page) => {
  await page.emulateMedia({ media: "print" });
  assertEquals([await page.locator(".top").isVisible(), await page.locator(".search").isVisible()], [
    false,
    false,
  ]);
  assert(await page.locator("#fig1 .drawing").isVisible());
  const pdf = await page.pdf({ format: "A4" });
  assert(pdf.length > 50_000);
});

Deno.test("the built site goes away", { ignore: lack !== null }, async () => {
  const { folder, server } = await (built ?? Promise.reject(new Error("nothing was built")));
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});
