/**
 * The npm package in an empty folder: built, packed, installed and run by Node 22 and by Bun. `deno task test:npm`; uses
 * the npm registry.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname;

const SMOKE = `
import { loadModel, loadVectors, saveVectors } from "@small-vectors/steering";
import { openCheckpoint } from "@small-vectors/steering/checkpoint";
import { gradeBoxed } from "@small-vectors/steering/grader";
const folder = process.argv[2], model = await loadModel(folder);
const chat = [{ role: "user", content: "If 3n + 32 = 47, what is n?" }];
const [answer] = await model.complete([chat], { maxNewTokens: 64, temperature: 0 });
console.log(gradeBoxed(answer.text, "5").correct, (await openCheckpoint(folder)).config.layers);
await saveVectors("v.safetensors", { vectors: new Map([[3, new Float32Array(model.config.embed)]]), metadata: {} });
console.log([...(await loadVectors("v.safetensors", model.config)).vectors.keys()].join());
await loadModel("./nowhere").catch(({ name }) => console.log(name));
await model.release();
`;

/** Runs a command in a folder and gives what it printed. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  assertEquals(code, 0, error);
  return out;
}

Deno.test("the npm package runs on Node 22 and on Bun, from an empty folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await run(ROOT, "deno", "task", "build:npm", "--out", `${folder}/package`);
    const packed = (await run(folder, "npm", "pack", "./package")).trim().split("\n").at(-1) as string;
    await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module", "private": true }`);
    await Deno.writeTextFile(`${folder}/smoke.mjs`, SMOKE);
    // The runtime's own script fetches libraries for CUDA, which the CPU needs none of.
    await run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", `./${packed}`);
    for (const [name, program] of [["node@22", "node"], ["bun", "bun"]] as const) {
      const said = await run(
        folder,
        ...[
          "npx",
          "--yes",
          "--package",
          name,
          program,
          "smoke.mjs",
          `${ROOT}/fixtures/embedded/base-a`,
        ] as const,
      );
      assertStringIncludes(said, "true 8\n3\nInputError");
      await Deno.remove(`${folder}/v.safetensors`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
