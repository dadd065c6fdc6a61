/**
 * Runs commands as a person does, by `deno task`, standing in another folder than the project's: paths mean what they
 * say there, results go there, messages name them as they were written, and the project's own files are found.
 *
 *     deno task test:commands
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

const ENVIRONMENT = Object.fromEntries(
  ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }),
);

/** A folder far from the project, which goes away after the test. */
async function elsewhere(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "elsewhere-" }));
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a task says when it is called in a folder, in one of the ways to call it from there. */
async function task(
  folder: string,
  args: readonly string[],
  way: readonly string[] = ["--config", `${ROOT}deno.json`],
): Promise<{ readonly code: number; readonly output: string; readonly error: string }> {
  const command = new Deno.Command("deno", {
    args: ["task", "--quiet", ...way, ...args],
    cwd: folder,
    // Without what the task that runs this test says of itself.
    clearEnv: true,
    env: { NO_COLOR: "1", ...ENVIRONMENT },
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  return { code, output: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

const WAYS = [["--config", `${ROOT}deno.json`], ["--cwd", ROOT]] as const;

Deno.test("inputs and outputs of a command are where the user stands, in every way to call it", () =>
  elsewhere(async (folder) => {
    await Deno.mkdir(`${folder}/here/in`, { recursive: true });
    await Deno.copyFile(`${ROOT}fixtures/golden/gguf/llama.gguf`, `${folder}/here/in/a.gguf`);
    for (const [index, way] of WAYS.entries()) {
      const out = `./out-${index}/model`;
      const ended = await task(`${folder}/here`, ["import-gguf", "in/a.gguf", "--out", out], way);
      assertEquals([ended.code, ended.error.startsWith("importing:")], [0, true]);
      assertStringIncludes(ended.output, `${out}: llama, 2 layers`);
      assert((await Deno.stat(`${folder}/here/out-${index}/model/config.json`)).isFile);
    }
    // From a folder deeper in, with a path that leads up.
    await Deno.mkdir(`${folder}/here/deep`);
    const up = await task(`${folder}/here/deep`, ["import-gguf", "../in/a.gguf", "--out", "../up"]);
    assertEquals(up.code, 0);
    assert((await Deno.stat(`${folder}/here/up/model.safetensors`)).isFile);
  }));

Deno.test("messages name paths as they were written", () =>
  elsewhere(async (folder) => {
    for (const way of WAYS) {
      const missing = await task(folder, ["evaluate", "--model", "./nowhere/model", "--out", "a.json"], way);
      assertEquals(missing.code, 2);
      assertStringIncludes(missing.error, ": ./nowhere/model (pass the path of a Hugging Face model folder");
      const vectors = await task(folder, ["vectors", "show", "v.safetensors"], way);
      assertEquals([vectors.code, vectors.error.includes(": v.safetensors (")], [2, true]);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("the embedded zoo and what belongs to the project are found from anywhere", () =>
  elsewhere(async (folder) => {
    const doctor = await task(folder, ["doctor"]);
    assertStringIncludes(doctor.output, "This machine can run the profile embedded.");
    const zoo = await task(folder, ["zoo", "--dry-run", "--only", "base-a"]);
    assertEquals([zoo.code, zoo.error], [0, ""]);
    const golden = `${ROOT}fixtures/golden/llama/mqa_8_bfloat16.safetensors`;
    const parity = await task(folder, ["parity", "--golden", golden, "--out", "parity.json"]);
    assertStringIncludes(parity.output, "within");
    assert((await Deno.stat(`${folder}/parity.json`)).isFile);
    const claims = await task(folder, ["claims-table", "--check"]);
    assertEquals(claims.code, 2);
    assertStringIncludes(claims.error, ": out/embedded/claims/metrics.json (");
  }));

Deno.test("a figure is drawn from the shipped zoo into the folder where the user stands", () =>
  elsewhere(async (folder) => {
    const ended = await task(folder, ["reproduce", "fig3", "--size", "quick", "--quiet"]);
    assertEquals([ended.code, ended.error], [0, ""]);
    assert((await Deno.stat(`${folder}/out/embedded/fig3/figure.svg`)).isFile);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["out"]);
  }));
