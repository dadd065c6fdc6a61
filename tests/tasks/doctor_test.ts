import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openCheckpoint, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { runCommand } from "../../tasks/command/command.ts";
import {
  denoFinding,
  deviceFinding,
  doctor,
  doctorCommand,
  findingLines,
  float32Finding,
  memoryFinding,
  modelFindings,
  outFinding,
  profileFinding,
  providerFinding,
} from "../../tasks/doctor.ts";
import { Laboratory, ResultStore } from "../../lib/experiment/mod.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "../experiment/_tiny_zoo.ts";
import { elfFile } from "./_elf_file.ts";
import { fakeTerminal } from "./_fake_terminal.ts";
import { inFolder } from "./_tiny_zoo.ts";
import { openProfile, shippedProfiles } from "../../tasks/study/profile.ts";
import { REPOSITORY } from "../../tasks/study/reproduction_setting.ts";

function withFolder(work: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("denoFinding() compares with the pinned version", () => {
  assertEquals(denoFinding("2.9.6", "2.9.6").verdict, "ok");
  assertEquals(denoFinding("2.9.7", "2.9.6").repair, "npx deno@2.9.6 task … runs the pinned version");
});

Deno.test("memoryFinding() wants two GiB free", () => {
  const total = 8 * 2 ** 30;
  assertEquals(memoryFinding({ total, available: 2 ** 31 }), {
    item: "memory",
    found: "2.0 of 8.0 GiB free",
    verdict: "ok",
  });
  assertEquals(memoryFinding({ total, available: 2 ** 31 - 1 }).verdict, "optional");
});

Deno.test("outFinding() tries the nearest folder that exists and leaves nothing behind", () => {
  withFolder((folder) => {
    assertEquals(outFinding(`${folder}/a/b`).verdict, "ok");
    assertEquals([...Deno.readDirSync(folder)], []);
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertEquals(outFinding(`${folder}/file`).verdict, "missing");
    assertEquals(outFinding(`${folder}/file/below`).verdict, "missing");
  });
});

Deno.test("profileFinding() names complete models alone, and the command for the first that is not there", () =>
  inFolder(async (folder) => {
    const profile = await openProfile("embedded", REPOSITORY), [made, other] = profile.models;
    if (made === undefined || other === undefined) throw new Error("the zoo has several");
    const source = { folder: `${folder}/real`, layers: 2, hash: null, command: "deno task real-model" };
    const there = {
      ...profile,
      root: folder,
      models: [{ ...made, name: "whole" }, { ...other, name: "half" }, { ...other, name: "real", source }],
    };
    for (const name of ["whole", "half"]) Deno.mkdirSync(`${folder}/${name}`);
    for (const file of ["config.json", "model.safetensors.index.json", "tokenizer.json"]) {
      Deno.writeTextFileSync(`${folder}/whole/${file}`, "");
    }
    Deno.writeTextFileSync(`${folder}/half/config.json`, "{}");
    const item = "profile embedded", zoo = "deno task zoo --profile embedded --only half makes half";
    assertEquals(await profileFinding(there, { required: true }), {
      item,
      found: "no half, real",
      verdict: "missing",
      repair: zoo,
    });
    const models = [there.models[0], there.models[2]] as typeof profile.models;
    assertEquals(await profileFinding({ ...there, models }, { required: false }), {
      item,
      found: "no real",
      verdict: "optional",
      repair: "deno task real-model brings real",
    });
    const whole = { ...there, models: models.slice(0, 1) };
    assertEquals(await profileFinding(whole, { required: true }), { item, found: "whole", verdict: "ok" });
  }));

Deno.test("deviceFinding() runs a graph on the CPU", async () => {
  assertEquals(await deviceFinding("cpu"), { item: "cpu sessions", found: "a graph ran", verdict: "ok" });
});

Deno.test("providerFinding() says what is there, what it wants, and what is missing", () => {
  withFolder((folder) => {
    const judge = (...absent: string[]) =>
      providerFinding(`${folder}/`, { loadable: (name) => !absent.includes(name) });
    assertEquals(judge().found, "not installed");
    assertStringIncludes(judge().repair ?? "", "CUDA 13 and cuDNN 9");
    Deno.writeTextFileSync(`${folder}/libonnxruntime_providers_shared.so`, "");
    assertEquals(judge().found, "half installed, without libonnxruntime_providers_cuda.so");
    const cuda = `${folder}/libonnxruntime_providers_cuda.so`;
    Deno.writeTextFileSync(
      cuda,
      "no library at all, but long enough to be looked at: sixty-four bytes and more",
    );
    assertStringIncludes(judge().found, "not an ELF file");
    Deno.writeFileSync(cuda, elfFile(["libcublas.so.13", "libcudart.so.13", "libcuda.so.1", "libc.so.6"]));
    const whole = "installed, wants CUDA 13 and cuDNN 9";
    assertEquals(judge(), { item: "CUDA provider", found: whole, verdict: "ok" });
    assertEquals(judge("libcudnn.so.9").found, `${whole}; missing: libcudnn.so.9`);
    assertEquals(judge("libcuda.so.1", "libcublas.so.13", "libcudnn.so.9"), {
      item: "CUDA provider",
      found: `${whole}; missing: libcublas.so.13, libcuda.so.1, libcudnn.so.9`,
      verdict: "optional",
      repair:
        "install the NVIDIA driver, CUDA 13's runtime, cuDNN 9 where the loader looks (LD_LIBRARY_PATH)",
    });
    // With the system's own loader: the C library is everywhere, this one nowhere.
    Deno.writeFileSync(cuda, elfFile(["libc.so.6", "libnowhere.so.77"]));
    const found = providerFinding(`${folder}/`).found;
    assertEquals([found.includes("libc.so.6"), found.includes("libnowhere.so.77")], [false, true]);
  });
});

Deno.test("float32Finding() says what products on CUDA are, and how to have them exact", () => {
  assertEquals(float32Finding("exact").verdict, "ok");
  for (const products of ["tf32", "unknown"] as const) {
    const { verdict, repair } = float32Finding(products);
    assertEquals([verdict, repair?.includes("NVIDIA_TF32_OVERRIDE")], ["optional", true]);
  }
});

Deno.test("findingLines() lines the columns up", () => {
  assertEquals(
    findingLines([
      { item: "a", found: "1", verdict: "ok" },
      { item: "long", found: "2", verdict: "missing", repair: "mend it" },
    ]),
    ["ok        a     1", "missing   long  2: mend it"],
  );
});

Deno.test("doctor prints one row per item, a verdict, and an exit code that agrees with it", async () => {
  const terminal = fakeTerminal([]);
  const code = await runCommand(doctor, terminal);
  const lines = terminal.written.output.trimEnd().split("\n");
  const rows = 10 + (await shippedProfiles(REPOSITORY)).length;
  assertEquals(lines.length, rows + 1);
  for (const line of lines.slice(0, rows)) assertMatch(line, /^(ok|optional|missing) /);
  const missing = lines.filter((line) => line.startsWith("missing ")).length;
  assertEquals(code, missing === 0 ? 0 : 1);
  assertMatch(terminal.written.output, /^ok +cpu sessions +a graph ran$/m);
});

Deno.test("modelFindings() says what a model is and what of its files is not read", () =>
  inFolder(async (folder) => {
    const config = tinyConfig({ architecture: "mistral", maxPositions: 40, slidingWindow: 40, vocab: 1234 });
    await writeRandomCheckpoint(folder, { config, dtype: "float16", seed: 0 });
    const path = `${folder}/config.json`, json = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...json, unsloth_fixed: true }));
    const findings = modelFindings(await openCheckpoint(folder));
    assertEquals(findings.map(({ item, found }) => `${item}: ${found}`), [
      "model: mistral: 2 layers of width 32, 4 query heads over 2 of width 16, 1,234 tokens",
      "weights: 100,640 in float16",
      "texts: up to 40 tokens",
      "answers: end at token 0 (config.json)",
      "note: keys of config.json that change nothing in a mistral model: " +
      '"attention_dropout", "torch_dtype", "use_cache", "unsloth_fixed"',
      'note: "sliding_window" of config.json holds texts to 40 positions',
    ]);
    assertEquals(new Set(findings.map(({ verdict }) => verdict)), new Set(["ok"]));
  }));

Deno.test("doctor --model looks at a folder before anything else, and refuses a bad one in one line", () =>
  inFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 0 });
    const good = fakeTerminal(["--model", folder]);
    await runCommand(doctor, good);
    assertMatch(
      good.written.output,
      /^ok +note +keys of config\.json that change nothing in a qwen2 model: /m,
    );
    const path = `${folder}/config.json`, json = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...json, hidden_act: "gelu" }));
    const bad = fakeTerminal(["--model", folder]);
    assertEquals([await runCommand(doctor, bad), bad.written.output], [2, ""]);
    assertMatch(
      bad.written.error,
      /^error: "hidden_act" in config\.json: only .* is supported: current value is "gelu": .*config\.json\n$/,
    );
  }));

Deno.test("doctor finds measurements that no code can name any more, and removes them on request", () =>
  inFolder(async (store) => {
    await withZooModel(async (zoo) => {
      const lab = new Laboratory({
        asked: EMBEDDED,
        size: TINY_SIZE,
        seed: 0,
        store: new ResultStore(store),
      });
      await lab.outcomes({ zoo, run: null, decoding: "greedy" });
    });
    const [measured = ""] = [...Deno.readDirSync(store)].map(({ name }) => name);
    const { key: { code } } = JSON.parse(await Deno.readTextFile(`${store}/${measured}`));
    const entries = {
      "current.json": { key: { code }, result: 1 },
      "edited.json": { key: { code: { ...code, hash: "0".repeat(64) } }, result: 1 },
      "moved.json": { key: { code: { ...code, modules: ["lib/experiment/gone.ts"] } }, result: 1 },
      "before_fingerprints.json": { key: { kind: "outcomes" }, result: 1 },
    };
    for (const [name, entry] of Object.entries(entries)) {
      await Deno.writeTextFile(`${store}/${name}`, JSON.stringify(entry));
    }
    await Deno.writeTextFile(`${store}/.x.json.1.0.part`, '{"key":');
    const names = () => [...Deno.readDirSync(store)].map(({ name }) => name).sort();
    const all = names();
    const row = async (args: string[]) => {
      const terminal = fakeTerminal(args);
      assertEquals(await runCommand(doctorCommand({ ...REPOSITORY, store }), terminal), 0);
      return terminal.written.output.split("\n").find((line) => /^\w+ +store /.test(line));
    };
    assertMatch(
      await row([]) ?? "",
      /^optional +store +measurements kept: 6 \(0\.\d MiB\), of other code .*: 4 \(0\.0 MiB\): deno task doctor --remove-stale/,
    );
    assertEquals(names(), all);
    assertMatch(await row(["--remove-stale"]) ?? "", /^ok +store +measurements kept: 2 \(0\.\d MiB\)$/);
    assertEquals(names().length, 2);
    assertEquals(names().includes("current.json"), true);
    assertMatch(await row(["--remove-stale"]) ?? "", /^ok +store +measurements kept: 2 /);
  }));

Deno.test("doctor explains itself and refuses what it does not know", async () => {
  const help = fakeTerminal(["--help"]), wrong = fakeTerminal(["--otu", "x"]);
  assertEquals(await runCommand(doctor, help), 0);
  assertStringIncludes(help.written.output, "Usage: deno task doctor [flags]");
  assertEquals(await runCommand(doctor, wrong), 2);
  assertEquals(wrong.written.error, "error: unknown flag --otu (did you mean --out?)\n");
});
