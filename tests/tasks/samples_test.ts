import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Completion, gradeBoxed, sampleLine } from "../../lib/problems/mod.ts";
import { runCommand } from "../../tasks/command/command.ts";
import { samples } from "../../tasks/samples.ts";
import { fakeTerminal } from "./_fake_terminal.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

/** A line whose completion is graded against 2. */
function lineOf(
  text: string,
  change: Partial<Completion> & { readonly suite?: string; readonly condition?: string } = {},
): string {
  const { suite = "sums", condition, ...rest } = change;
  const completion = {
    problem: 0,
    number: 0,
    seed: 0,
    sample: 0,
    prompt: "1 + 1?",
    text,
    tokens: [1, 2, 3],
    finished: true,
    judgement: gradeBoxed(text, "2"),
    ...rest,
  };
  const problem = { suite, id: `${suite}/${completion.number}`, question: "1 + 1?", answer: "2" };
  return sampleLine(completion, { problem, ...(condition === undefined ? {} : { condition }) });
}

const FIVE = [
  lineOf("It is \\boxed{2}."),
  lineOf("It is \\boxed{3}.", { number: 1 }),
  lineOf("I do not know.", { number: 2, seed: 1, finished: false }),
  lineOf("Well, \\boxed{2}.", { suite: "MATH-500", number: 3 }),
  lineOf("No: \\boxed{5}.", { suite: "MATH-500", number: 4, seed: 1, condition: "layer-3" }),
];

/** Runs the command on a file with those lines. */
async function shown(lines: readonly string[], ...flags: string[]) {
  let ended = { code: -1, output: "", error: "" };
  await inFolder(async (folder) => {
    const path = `${folder}/a.jsonl`;
    await Deno.writeTextFile(path, lines.join(""));
    ended = await runOn(samples, [path, ...flags]);
    ended = { ...ended, error: ended.error.replaceAll(folder, "DIR") };
  });
  return ended;
}

/** First lines of the samples that were shown. */
function heads(output: string): string[] {
  return [...output.matchAll(/^\S+(?=, (?:\S+, )?seed )/gm)].map(([head]) => head);
}

Deno.test("samples shows question, completion and verdict of each line, plainly where nobody watches", async () => {
  const { code, output, error } = await shown(FIVE.slice(0, 3));
  assertEquals([code, error], [0, "3 of 3 samples\n"]);
  const { grader, version } = gradeBoxed("", ""), judge = `graded by ${grader} ${version}`;
  const hash = JSON.parse(FIVE[0] as string).promptHash.slice(0, 12);
  const expected = [
    "sums/0, seed 0, sample 0",
    "right, equal: answer 2, gold 2",
    `3 tokens, ended by itself, ${judge}, prompt ${hash}`,
    "",
    "1 + 1?",
    "",
    "It is \\boxed{2}.",
    "----------------------------------------",
    "sums/1, seed 0, sample 0",
    "wrong, different: answer 3, gold 2",
    `3 tokens, ended by itself, ${judge}, prompt ${hash}`,
    "",
    "1 + 1?",
    "",
    "It is \\boxed{3}.",
    "----------------------------------------",
    "sums/2, seed 1, sample 0",
    "wrong, no box: no answer, gold 2",
    `3 tokens, cut off, ${judge}, prompt ${hash}`,
    "",
    "1 + 1?",
    "",
    "I do not know.",
    "",
  ];
  assertEquals(output.split("\n"), expected);
});

Deno.test("samples chooses by verdict, reason, family, problem, seed, condition and end", async () => {
  const cases: [string[], string[]][] = [
    [["--verdict", "right"], ["sums/0", "MATH-500/3"]],
    [["--verdict", "wrong"], ["sums/1", "sums/2", "MATH-500/4"]],
    [["--verdict", "no-box"], ["sums/2"]],
    [["--verdict", "No_Box,right"], ["sums/0", "sums/2", "MATH-500/3"]],
    [["--family", "math500"], ["MATH-500/3", "MATH-500/4"]],
    [["--family", "sums", "--verdict", "wrong"], ["sums/1", "sums/2"]],
    [["--problem", "sums/1"], ["sums/1"]],
    [["--seeds", "1"], ["sums/2", "MATH-500/4"]],
    [["--condition", "layer-3"], ["MATH-500/4"]],
    [["--finish", "length"], ["sums/2"]],
    [["--finish", "length", "--verdict", "right"], []],
  ];
  for (const [flags, expected] of cases) {
    const { code, output, error } = await shown(FIVE, ...flags);
    assertEquals(
      [code, heads(output), error],
      [0, expected, `${expected.length} of 5 samples\n`],
      flags.join(" "),
    );
  }
});

Deno.test("samples says what there is where nothing has what was asked for", async () => {
  const cases: [string[], string][] = [
    [["--family", "smus"], 'no sample has "smus": --family (did you mean sums?)'],
    [["--family", "geometry"], 'no sample has "geometry": --family (there are sums, MATH-500)'],
    [
      ["--verdict", "unclear"],
      'no sample has "unclear": --verdict (there are right, equal, wrong, different, no box)',
    ],
    [["--condition", "base"], 'no sample has "base": --condition (there are layer-3)'],
  ];
  for (const [flags, line] of cases) assertEquals(faultLine(await shown(FIVE, ...flags)), `error: ${line}`);
  const partly = await shown(FIVE, "--family", "sums,geometry");
  assertEquals([partly.code, heads(partly.output).length], [0, 3]);
  assertMatch(partly.error, /^note: no sample has "geometry": --family/);
});

Deno.test("samples --summary counts verdicts by family", async () => {
  const { output, error } = await shown(FIVE, "--summary");
  assertEquals(output.trimEnd().split("\n"), [
    "| family   | samples | right | different | no box | cut off |",
    "| -------- | ------: | ----: | --------: | -----: | ------: |",
    "| sums     |       3 |     1 |         1 |      1 |       1 |",
    "| MATH-500 |       2 |     1 |         1 |      0 |       0 |",
  ]);
  assertEquals(error, "5 of 5 samples\n");
  assertMatch(
    (await shown(FIVE, "--summary", "--verdict", "right")).output,
    /^\| sums +\| +1 \| +1 \| +0 \|$/m,
  );
});

Deno.test("samples reads folders, several files, marks at the start, empty lines and a last line without an end", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/b.JSONL`, `\ufeff${FIVE[0]}\r\n\n${FIVE[1]?.trimEnd()}`);
    await Deno.writeTextFile(`${folder}/a.jsonl`, FIVE[2] as string);
    await Deno.writeTextFile(`${folder}/notes.txt`, "no sample");
    const whole = await runOn(samples, [folder]);
    assertEquals([whole.code, heads(whole.output)], [0, ["sums/2", "sums/0", "sums/1"]], whole.error);
    const two = await runOn(samples, [`${folder}/b.JSONL`, `${folder}/a.jsonl`]);
    assertEquals(heads(two.output), ["sums/0", "sums/1", "sums/2"]);
  });
});

Deno.test("samples reads lines across the blocks it reads a file in", async () => {
  const texts = Array.from({ length: 40 }, (_, i) => `${"é".repeat(3_000 + i * 97)} \\boxed{2} ${i}.`);
  const { code, output } = await shown(texts.map((text, number) => lineOf(text, { number })));
  assertEquals(code, 0);
  for (const text of texts) assertStringIncludes(output, `\n${text}\n`);
});

Deno.test("samples refuses what is no file of samples, in one line", async () => {
  assertEquals(faultLine(await shown([])), "error: there is no sample: DIR/a.jsonl (write the file again)");
  const repair = "DIR/a.jsonl (pass a file that deno task evaluate --samples wrote)";
  assertEquals(
    faultLine(await shown([FIVE[0] as string, "{}\n"], "--summary")),
    `error: line 2 is no sample, suite: Invalid input: expected string, received undefined: ${repair}`,
  );
  assertEquals(
    faultLine(await shown([(FIVE[0] as string).slice(0, 90)])),
    `error: line 1 is no sample, it is not JSON: ${repair}`,
  );
  assertEquals(
    faultLine(await runOn(samples, [""])),
    "error: FILE is empty (--help shows what the command takes)",
  );
  await inFolder(async (folder) => {
    assertStringIncludes(faultLine(await runOn(samples, [`${folder}/none`])), "no such file or folder");
    assertStringIncludes(faultLine(await runOn(samples, [folder])), "the folder holds no .jsonl file");
    await Deno.writeFile(`${folder}/a.jsonl`, new Uint8Array([0xff, 0xfe, 10]));
    assertStringIncludes(faultLine(await runOn(samples, [folder])), "line 1 is not valid UTF-8");
  });
});

Deno.test("samples spells out what would act on a terminal", async () => {
  const evil = "\u001b[2J\u001b]0;title\u0007 a\rb \u009b1m \u202edcba\u202c\u2066 \u0000 \ufeff";
  const { output } = await shown([lineOf(evil)]);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/.test(output));
  assertStringIncludes(output, "\\u{1b}[2J\\u{1b}]0;title\\u{7} a\\u{d}b \\u{9b}1m \\u{202e}dcba");
  assertStringIncludes(
    (await shown([lineOf("one\r\ntwo\ttabbed 👩‍👧 数")])).output,
    "\none\ntwo\ttabbed 👩‍👧 数\n",
  );
});

/** Runs the command on a screen where keys are pressed. */
async function browsed(
  lines: readonly string[],
  options: {
    keys: readonly string[];
    columns?: number;
    rows?: number;
    colours?: boolean;
    flags?: readonly string[];
  },
) {
  const { flags = [], ...screen } = options;
  let result = { code: -1, shown: [] as readonly string[], output: "", error: "" };
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.jsonl`, lines.join(""));
    const terminal = fakeTerminal([`${folder}/a.jsonl`, ...flags], screen);
    const code = await runCommand(samples, terminal);
    result = { code, shown: terminal.shown, ...terminal.written };
  });
  return result;
}

Deno.test("samples shows one screen each, forwards and back, and ends at q or after the last", async () => {
  const keys = ["\n", "x", "b", "b", " ", "\x1b[C", "\x1b[D", "q", "\n"];
  const { code, shown, output, error } = await browsed(FIVE, { keys });
  assertEquals([code, output, error], [0, "", ""]);
  assertEquals(shown.map((text) => text.split(",")[0]), [
    "sums/0",
    "sums/1",
    "sums/1",
    "sums/0",
    "sums/0",
    "sums/1",
    "sums/2",
    "sums/1",
  ]);
  assertEquals(
    shown.map((text) => /^\d+/m.exec(text.split("\n").at(-1) as string)?.[0]).join(),
    "1,2,2,1,1,2,3,2",
  );
  const whole = await browsed(FIVE, { keys: Array(9).fill("\n"), flags: ["--verdict", "right"] });
  assertEquals([whole.shown.length, whole.error], [2, "2 of 5 samples\n"]);
  assertStringIncludes(
    (await browsed(FIVE, { keys: ["\n"], flags: ["--family", "x"] })).error,
    'no sample has "x"',
  );
});

Deno.test("samples keeps within the screen: long completions take several", async () => {
  const text = `${"word ".repeat(200)}\\boxed{2}`, columns = 40, rows = 10;
  const { shown } = await browsed([lineOf(text), FIVE[1] as string], {
    keys: Array(8).fill("\n"),
    columns,
    rows,
  });
  for (const screen of shown) {
    const lines = screen.split("\n");
    assert(lines.length <= rows, `${lines.length} lines`);
    assert(lines.every((line) => line.length <= columns), screen);
  }
  const said = shown.slice(0, 5).map((screen) => screen.split("\n").slice(0, -2).join("\n")).join("\n");
  assertEquals(said.match(/word/g)?.length, 200);
  assertStringIncludes(shown[0] as string, "goes on");
  assertEquals(shown.map((screen) => screen.startsWith("sums/")), [true, false, false, false, false, true]);
});

Deno.test("samples colours what a screen shows, and nothing where no colours are wanted", async () => {
  const plain = await browsed(FIVE, { keys: ["\n", "q"] });
  assert(!plain.shown.join("").includes("\x1b"));
  const { shown } = await browsed(FIVE, { keys: ["\n", "q"], colours: true });
  assertStringIncludes(shown[0] as string, "\x1b[1;32mright, equal: answer 2, gold 2\x1b[0m");
  assertStringIncludes(shown[1] as string, "\x1b[1;31mwrong, different: answer 3, gold 2\x1b[0m");
  // deno-lint-ignore no-control-regex
  assertEquals(shown.map((text) => text.replace(/\x1b\[[\d;]*m/g, "")), [...plain.shown]);
});
