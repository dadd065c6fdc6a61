import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ChatTokenizer } from "../../../lib/checkpoint/mod.ts";
import { sha256 } from "../../../lib/core/mod.ts";
import {
  answerMessages,
  FAMILIES,
  graderNamed,
  parseSampleLine,
  type SampleLine,
  testSet,
} from "../../../lib/problems/mod.ts";
import { evaluate } from "../../../tasks/evaluate.ts";
import { samples } from "../../../tasks/samples.ts";
import { faultLine, inFolder, namesBelow, runOn, writeBoxModel } from "../_tiny_zoo.ts";

const QUICK = ["--max-new-tokens", "8", "--threads", "1"];

async function readSamples(path: string): Promise<SampleLine[]> {
  const text = await Deno.readTextFile(path);
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((line, at) => parseSampleLine(line, { where: path, line: at + 1 }));
}

Deno.test("evaluate --samples writes a line per answer: what was asked, said and judged", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`),
      out = `${folder}/e.json`,
      path = `${folder}/new/s.jsonl`;
    const args = ["--model", model, "--problems", "5", "--answers", "2", "--seeds", "4,1", ...QUICK];
    const run = async (path: string) => {
      const { code, error } = await runOn(evaluate, [...args, "--out", out, "--samples", path]);
      assertEquals(code, 0, error);
      return await Deno.readTextFile(path);
    };
    const text = await run(path);
    assertEquals(await run(`${folder}/again.JSONL`), text);
    const lines = await readSamples(path), tokenizer = await ChatTokenizer.open(model);
    const problems = FAMILIES.flatMap((family) => testSet(family, { size: 5 }));
    assertEquals(
      lines.map(({ suite, problem, question, gold, seed, sample, number }) => [
        ...[suite, problem, question, gold],
        ...[seed, sample, number],
      ]),
      [4, 1].flatMap((seed) =>
        problems.flatMap(({ id, family, question, answer }, p) =>
          [0, 1].map((sample) => [family, id, question, answer, seed, sample, p])
        )
      ),
    );
    const { benchmarks, inputs, grader } = JSON.parse(await Deno.readTextFile(out));
    const strict = graderNamed("box-number");
    for (const { question, promptHash, text, tokens, finish, gold, ...judged } of lines) {
      assertEquals(promptHash, sha256(tokenizer.renderChat(answerMessages(question))));
      assertEquals(tokenizer.decode(tokens), text);
      assertEquals(finish, text.endsWith("<|im_end|>") ? "end" : "length");
      const { correct, extracted: answer, reason, version } = strict.grade(text, gold);
      assertEquals(
        [judged.correct, judged.answer, judged.reason, judged.version, judged.grader],
        [correct, answer, reason, version, grader.name],
      );
      assertEquals(judged.condition, null);
    }
    const outcomes = FAMILIES.map((family) => benchmarks[family].outcomes);
    assertEquals(
      lines.map(({ correct }) => correct ? 1 : 0),
      [0, 1].flatMap((seed) => outcomes.flatMap((bySeed) => bySeed[seed].flat())),
    );
    assertEquals(
      inputs.prompts,
      sha256(JSON.stringify(problems.map(({ question }) => tokenizer.renderChat(answerMessages(question))))),
    );
  });
});

Deno.test("evaluate --samples tells answers that were cut off, start with a prefix, or another grader judged", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: { 3: 4, 4: 0 } }), path = `${folder}/s.jsonl`;
    const args = ["--model", model, "--suite", "remainder", "--problems", "3", "--temperature", "0"];
    const lines = async (...flags: string[]) => {
      const { code, error } = await runOn(evaluate, [...args, "--samples", path, "--threads", "1", ...flags]);
      assertEquals(code, 0, error);
      return await readSamples(path);
    };
    const cut = await lines("--max-new-tokens", "2");
    assertEquals(cut.map(({ finish, tokens }) => [finish, tokens.length]), Array(9).fill(["length", 2]));
    assert(cut.every(({ answer, reason }) => answer === null && reason !== "equal"));
    const [started] = await lines("--max-new-tokens", "8", "--prefix", "\\boxed{4");
    assertEquals([started?.text, started?.tokens.length], ["\\boxed{4}<|im_end|>", 2]);
    const [other] = await lines("--max-new-tokens", "8", "--grader", "math-verify");
    const { name, version } = graderNamed("math-verify");
    assertEquals([other?.grader, other?.version], [name, version]);
  });
});

Deno.test("evaluate --samples leaves what was there at Ctrl-C, and nothing of its own", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), path = `${folder}/s.jsonl`;
    await Deno.writeTextFile(path, "before\n");
    const names = namesBelow(folder);
    const args = ["--model", model, "--suite", "linear", "--problems", "4", "--samples", path, ...QUICK];
    const ended = await runOn(evaluate, args, { interruptAt: " 8/12 answers" });
    assertEquals([ended.code, ended.output], [130, ""]);
    assertEquals(namesBelow(folder), names);
    assertEquals(await Deno.readTextFile(path), "before\n");
  });
});

Deno.test("evaluate refuses a place for samples that is none, before anything else", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/d.jsonl`);
    const refused = async (...flags: string[]) =>
      faultLine(await runOn(evaluate, ["--model", "none", ...flags]));
    assertEquals(
      await refused("--samples", "4"),
      'error: --samples names the .jsonl file for what the model says: got "4" ' +
        "(--answers 4 asks for as many answers per problem)",
    );
    assertStringIncludes(await refused("--samples", "out/a.json"), "(add .jsonl to its name)");
    assertStringIncludes(
      await refused("--samples", `${folder}/d.jsonl`),
      "a folder stands where a file is needed",
    );
    assertStringIncludes(await refused("--samples", `${folder}/d.jsonl`), "(choose another --samples)");
    const both = `${folder}/a.jsonl`;
    assertEquals(
      await refused("--samples", both, "--out", `${folder}/./a.jsonl`),
      "error: --samples and --out name the same file (give each a name of its own)",
    );
  });
});

Deno.test("a file of samples of base A is opened and read", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/base-a.jsonl`;
    const args = [
      "--model",
      "fixtures/embedded/base-a",
      "--problems",
      "2",
      "--seeds",
      "0",
      "--samples",
      path,
    ];
    const { code, output, error } = await runOn(evaluate, [...args, "--threads", "1"]);
    assertEquals(code, 0, error);
    const lines = await readSamples(path);
    assertEquals(lines.length, 2 * FAMILIES.length);
    const right = lines.filter(({ correct }) => correct).length;
    assert(right > 0 && right < lines.length, "base A gets some right at temperature 1");
    assertStringIncludes(output, `${(100 * right / lines.length).toFixed(1)} `);
    const shown = await runOn(samples, [path, "--verdict", "right"]);
    assertEquals([shown.code, shown.error], [0, `${right} of ${lines.length} samples\n`]);
    for (const { text, question, correct } of lines) {
      assertEquals(shown.output.includes(`\n${question}\n\n${text}\n`), correct);
    }
  });
});

Deno.test("evaluate tells at which tokens answers end where files disagree, and shows the day that it is given", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(folder, { digits: { 3: 4 } }), path = `${folder}/s.jsonl`;
    const args = ["--model", model, "--suite", "remainder", "--problems", "1", "--seeds", "0", ...QUICK];
    const usual = await runOn(evaluate, args);
    assertEquals([usual.code, usual.error.includes("answers end")], [0, false]);
    // Another file that names the brace as an end: the answer ends there.
    const tokenizer = await ChatTokenizer.open(model), brace = tokenizer.tokenId("}");
    await Deno.writeTextFile(`${model}/generation_config.json`, JSON.stringify({ eos_token_id: brace }));
    const ended = await runOn(evaluate, [...args, "--samples", path]);
    assertEquals(ended.code, 0, ended.error);
    assertStringIncludes(
      ended.error,
      'note: answers end at "<|im_end|>" (config.json, tokenizer_config.json, chat template), ' +
        '"}" (generation_config.json), "<|im_start|>" (next turn of the chat template)\n',
    );
    const [line] = await readSamples(path);
    assertEquals([line?.text, line?.finish], ["\\boxed{3}", "end"]);

    await Deno.remove(`${model}/generation_config.json`);
    const configPath = `${model}/tokenizer_config.json`,
      config = JSON.parse(await Deno.readTextFile(configPath));
    const dated = `{{ strftime_now('%Y') }}!${config.chat_template}`;
    await Deno.writeTextFile(configPath, JSON.stringify({ ...config, chat_template: dated }));
    assertStringIncludes(faultLine(await runOn(evaluate, args)), "the chat template asks for today's date");
    const hashOn = async (day: string) => {
      const { code, error } = await runOn(evaluate, [...args, "--samples", path, "--date", day]);
      assertEquals(code, 0, error);
      return (await readSamples(path))[0]?.promptHash;
    };
    const [question] = testSet("remainder", { size: 1 });
    const prompt = tokenizer.renderChat(answerMessages(question?.question ?? ""));
    assertEquals(await hashOn("2024-07-26"), sha256(`2024!${prompt}`));
    assertEquals(await hashOn("2025-07-26"), sha256(`2025!${prompt}`));
  });
});
