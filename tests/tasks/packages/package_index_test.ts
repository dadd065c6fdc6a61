import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { InputError } from "../../../lib/core/mod.ts";
import { download, type Fetch, indexFiles, packageFiles } from "../../../tasks/packages/package_index.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { bytesOfText } from "../_zip.ts";

const never = new AbortController().signal;
const BYTES = bytesOfText("the wheel, all of it");
const FILE = {
  filename: "a.whl",
  url: "https://example.test/a.whl",
  size: BYTES.length,
  sha256: createHash("sha256").update(BYTES).digest("hex"),
};
const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

/** A body that gives some bytes and then breaks off. */
function broken(bytes: Uint8Array<ArrayBuffer>, error: Error): ReadableStream<Uint8Array<ArrayBuffer>> {
  let given = false;
  return new ReadableStream({
    pull(controller) {
      if (given) return controller.error(error);
      given = true;
      controller.enqueue(bytes);
    },
  });
}

Deno.test("download() keeps only what has the size and sum that the index gives", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.whl`;
    const get = (answer: () => Response | Promise<Response>) =>
      download({ file: FILE, path, signal: never, fetch: () => Promise.resolve(answer()) });
    const wrong = "what was downloaded is not what the package index describes: a.whl";
    await assertRejects(
      () => get(() => new Response(bytesOfText("the whale, all of it"))),
      InputError,
      wrong,
    );
    assertEquals(names(folder), []);
    await assertRejects(
      () => get(() => new Response(bytesOfText(`${"the wheel, all of it"}!`))),
      InputError,
      wrong,
    );
    assertEquals(names(folder), []);
    await assertRejects(
      () => get(() => new Response("", { status: 404 })),
      InputError,
      "the package index answers 404: https://example.test/a.whl",
    );
    await assertRejects(
      () => get(() => Promise.reject(new TypeError("no route"))),
      InputError,
      "the package index cannot be reached: https://example.test/a.whl",
    );
    assertEquals(names(folder), []);
    await get(() => new Response(BYTES));
    assertEquals([names(folder), await Deno.readFile(path)], [["a.whl"], BYTES]);
    // What is there and whole is not asked for again.
    await get(() => Promise.reject(new Error("asked again")));
  }));

Deno.test("download() goes on with what an interrupted one left, where the server can", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.whl`, asked: (string | undefined)[] = [];
    const get = (fetch: Fetch) =>
      download({
        file: FILE,
        path,
        signal: never,
        fetch: (url, init) => {
          asked.push(init.headers?.range);
          return fetch(url, init);
        },
      });
    const half = BYTES.slice(0, 8), rest = BYTES.slice(8);
    const lost = "the download broke off";
    await assertRejects(
      () => get(() => Promise.resolve(new Response(broken(half, new TypeError("connection lost"))))),
      InputError,
      lost,
    );
    assertEquals(names(folder), ["a.whl.partial"]);
    const partial = (status: number, range: string) =>
      Promise.resolve(new Response(rest, { status, headers: { "content-range": range } }));
    await get(() => partial(206, `bytes 8-${FILE.size - 1}/${FILE.size}`));
    assertEquals([names(folder), await Deno.readFile(path)], [["a.whl"], BYTES]);

    // A short body, then a server that gives the whole file again.
    await Deno.remove(path);
    await assertRejects(
      () => get(() => Promise.resolve(new Response(half))),
      InputError,
      `${lost} after 8 of 20 bytes`,
    );
    await get(() => Promise.resolve(new Response(BYTES)));
    assertEquals([names(folder), await Deno.readFile(path)], [["a.whl"], BYTES]);

    // A part of another place is not taken, nor one that does not fit.
    await Deno.remove(path);
    await Deno.writeFile(`${path}.partial`, half);
    await assertRejects(() => get(() => partial(206, "bytes 0-11/20")), InputError, lost);
    await Deno.writeFile(`${path}.partial`, bytesOfText("damaged!"));
    const wrong = "what was downloaded is not what the package index describes";
    await assertRejects(() => get(() => partial(206, "bytes 8-19/20")), InputError, wrong);
    assertEquals(names(folder), []);
    await Deno.writeFile(`${path}.partial`, new Uint8Array(99));
    await get(() => Promise.resolve(new Response(BYTES)));
    assertEquals(asked, [undefined, "bytes=8-", undefined, "bytes=8-", "bytes=8-", "bytes=8-", undefined]);
  }));

Deno.test("download() keeps what it has when it is stopped", () =>
  withFolder(async (folder) => {
    const stop = new AbortController();
    const error = await assertRejects(() =>
      download({
        file: FILE,
        path: `${folder}/a.whl`,
        signal: stop.signal,
        fetch: () =>
          Promise.resolve(new Response(broken(BYTES.slice(0, 8), new DOMException("stopped", "AbortError")))),
        onProgress: () => stop.abort(),
      })
    );
    assertEquals([(error as Error).name, names(folder)], ["AbortError", ["a.whl.partial"]]);
  }));

Deno.test("packageFiles() asks the simple interface for JSON, and says what is wrong with the answer", async () => {
  const answer = {
    meta: { "api-version": "1.1" },
    files: [{
      filename: "a.whl",
      url: "https://files.example/a.whl",
      size: 7,
      hashes: { sha256: "0".repeat(64) },
      yanked: false,
    }],
  };
  let asked = "";
  const ask = (response: () => Response | Promise<Response>) =>
    packageFiles("a", {
      signal: never,
      repair: "do without",
      fetch: (url, { headers }) => {
        asked = `${url} ${headers?.accept}`;
        return Promise.resolve(response());
      },
    });
  assertEquals(await ask(() => Response.json(answer)), [
    { filename: "a.whl", url: "https://files.example/a.whl", size: 7, sha256: "0".repeat(64) },
  ]);
  assertEquals(asked, "https://pypi.org/simple/a/ application/vnd.pypi.simple.v1+json");
  await assertRejects(
    () => ask(() => new Response("", { status: 503 })),
    InputError,
    "the package index answers 503: https://pypi.org/simple/a/ (do without)",
  );
  await assertRejects(
    () => ask(() => Promise.reject(new TypeError("no route"))),
    InputError,
    "the package index cannot be reached: https://pypi.org/simple/a/ (do without)",
  );
  await assertRejects(
    () => ask(() => new Response("<html>")),
    InputError,
    "says something else than expected",
  );
  const insecure = { files: [{ ...answer.files[0], url: "http://files.example/a.whl" }] };
  for (const wrong of [null, {}, insecure, { files: [{ ...answer.files[0], hashes: {} }] }]) {
    assertThrows(
      () => indexFiles(wrong, { repair: "do without" }),
      InputError,
      "says something else than expected",
    );
  }
});
