import { assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { type Command, defineCommand, runCommand, UNTIL_WALL } from "../../../tasks/command/command.ts";
import { fakeTerminal } from "../_fake_terminal.ts";

const FLAGS = {
  out: { kind: "string", default: "out", metavar: "DIR", help: "Where results go" },
  device: { kind: "string", choices: ["cpu", "cuda"], default: "cpu", help: "Where to compute" },
  model: { kind: "string", required: true, help: "Model folder" },
  layers: { kind: "list", help: "Layers" },
  quiet: { kind: "boolean", help: "No progress" },
} as const;

function command(
  run: Command<typeof FLAGS>["run"],
  more: Partial<Command<typeof FLAGS>> = {},
): Command<typeof FLAGS> {
  return defineCommand({
    name: "paint",
    summary: "Paints figures.",
    positionals: { metavar: "ID", help: "Figures to paint", least: 1, most: 2 },
    flags: FLAGS,
    examples: [["deno task paint fig1 --model m", "Paint one"]],
    run,
    ...more,
  });
}

const ARGS = ["fig1", "--model", "m"];

Deno.test("runCommand() gives flags and arguments, prints, and returns the code of run", async () => {
  const terminal = fakeTerminal([...ARGS, "fig3", "--out", "there"]);
  const code = await runCommand(
    command(({ flags, positionals, print }) => {
      print(`${positionals} to ${flags.out} on ${flags.device}`);
      return 1;
    }),
    terminal,
  );
  assertEquals([code, terminal.written], [1, { output: "fig1,fig3 to there on cpu\n", error: "" }]);
});

Deno.test("runCommand() exits 0 when run says nothing, and stops listening for Ctrl-C", async () => {
  const terminal = fakeTerminal(ARGS);
  let during = 0;
  assertEquals(await runCommand(command(() => void (during = terminal.listening())), terminal), 0);
  assertEquals([during, terminal.listening()], [1, 0]);
});

Deno.test("runCommand() shows usage, flags with defaults, examples and exit codes for --help", async () => {
  const terminal = fakeTerminal(["--help"]);
  let ran = false;
  assertEquals(await runCommand(command(() => void (ran = true)), terminal), 0);
  assertEquals(ran, false);
  assertEquals(
    terminal.written.output,
    `Paints figures.

Usage: deno task paint ID… [flags]

Arguments:
  ID  Figures to paint

Flags:
  --out DIR          Where results go (default out)
  --device cpu|cuda  Where to compute (default cpu)
  --model STRING     Model folder (required)
  --layers A,B,…     Layers
  --quiet            No progress
  --help, -h         Show this text

Examples:
  deno task paint fig1 --model m
      Paint one

Exit codes: 0 done, 1 a check fell outside its tolerance, 2 bad usage or bad input, 70 a bug, 130 interrupted
`,
  );
});

Deno.test("runCommand() refuses bad usage with one line and exit code 2, before run", async () => {
  const cases = [
    [["fig1", "--modle", "m"], "error: unknown flag --modle (did you mean --model?)\n"],
    [["fig1"], "error: --model is missing (Model folder)\n"],
    [["--model", "m"], "error: ID is missing (Figures to paint)\n"],
    [
      ["a", "b", "c", "--model", "m"],
      'error: unexpected argument "c" (--help shows what the command takes)\n',
    ],
  ] as const;
  for (const [args, line] of cases) {
    const terminal = fakeTerminal(args);
    let ran = false;
    assertEquals(await runCommand(command(() => void (ran = true)), terminal), 2);
    assertEquals([ran, terminal.written], [false, { output: "", error: line }]);
  }
});

Deno.test("runCommand() refuses free arguments of a command that declares none", async () => {
  const terminal = fakeTerminal(["what"]);
  const plain = defineCommand({ name: "plain", summary: "Plain.", flags: {}, examples: [], run: () => 0 });
  assertEquals(await runCommand(plain, terminal), 2);
  assertStringIncludes(terminal.written.error, 'unexpected argument "what"');
});

Deno.test("runCommand() tells input faults from bugs", async () => {
  const faulty = fakeTerminal(ARGS);
  const reject = () => Promise.reject(new InputError("no model", { where: "m" }));
  assertEquals(await runCommand(command(reject), faulty), 2);
  assertEquals(faulty.written.error, "error: no model: m\n");
  const buggy = fakeTerminal(ARGS);
  const bug = () => {
    throw new RangeError("index 3");
  };
  assertEquals(await runCommand(command(bug), buggy), 70);
  assertMatch(buggy.written.error, /^this is a bug .*\nRangeError: index 3\n {4}at /);
});

Deno.test("runCommand() exits 130 after Ctrl-C and says how to go on", async () => {
  const terminal = fakeTerminal(ARGS);
  const run: Command<typeof FLAGS>["run"] = ({ signal }) => {
    terminal.interrupt();
    signal.throwIfAborted();
  };
  const code = await runCommand(command(run, { resume: "add --resume to go on" }), terminal);
  assertEquals(code, 130);
  assertEquals(
    terminal.written.error,
    "\nstopping after the step at hand (Ctrl-C again stops at once)\ninterrupted: add --resume to go on\n",
  );
});

Deno.test("runCommand() reports an input fault that follows Ctrl-C as such", async () => {
  const terminal = fakeTerminal(ARGS);
  const code = await runCommand(
    command(() => {
      terminal.interrupt();
      throw new InputError("the disk is full");
    }),
    terminal,
  );
  assertEquals(code, 2);
});

Deno.test("runCommand() ends at once at the second Ctrl-C", async () => {
  const terminal = fakeTerminal(ARGS);
  let exitCode = 0;
  const stuck = Object.assign(terminal, {
    exit(code: number): never {
      exitCode = code;
      throw new InputError("ended here");
    },
  });
  await runCommand(
    command(() => {
      stuck.interrupt();
      stuck.interrupt();
    }),
    stuck,
  );
  assertEquals(exitCode, 130);
});

Deno.test("runCommand() waits for the step at hand however often a launcher's signal comes", async () => {
  const terminal = fakeTerminal(ARGS);
  const code = await runCommand(
    command(({ signal }) => {
      terminal.interrupt("launcher");
      terminal.interrupt("launcher");
      signal.throwIfAborted();
    }),
    terminal,
  );
  assertEquals(code, 130);
  assertEquals(
    terminal.written.error,
    "\nstopping after the step at hand (a signal asks for it)\ninterrupted: run the command again\n",
  );
});

Deno.test("runCommand() stops when the time of --until-wall is over, and says how to go on", async () => {
  const work = defineCommand({
    name: "work",
    summary: "Works.",
    resume: "the same command goes on",
    flags: UNTIL_WALL,
    examples: [],
    async run({ signal }) {
      while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
      signal.throwIfAborted();
    },
  });
  const terminal = fakeTerminal(["--until-wall", "0.02s"]);
  assertEquals(await runCommand(work, terminal), 130);
  assertEquals(
    terminal.written.error,
    "\nstopping after the step at hand (the time of --until-wall is over)\ninterrupted: the same command goes on\n",
  );
  const wrong = fakeTerminal(["--until-wall", "soon"]);
  assertEquals(await runCommand(work, wrong), 2);
  assertMatch(wrong.written.error, /^error: cannot use --until-wall soon: must be a length of time, as 3h/);
});

Deno.test("runCommand() returns the code of work that finished in spite of Ctrl-C", async () => {
  const terminal = fakeTerminal(ARGS);
  assertEquals(await runCommand(command(() => void terminal.interrupt()), terminal), 0);
});

Deno.test("defineCommand() refuses reserved flag names", () => {
  const flags = { help: { kind: "boolean", help: "x" } } as const;
  const define = () => defineCommand({ name: "a", summary: "b", flags, examples: [], run: () => 0 });
  assertThrows(define, RangeError, 'the flag name "help" is taken');
});

Deno.test("fakeTerminal() ends a run where the process would end", async () => {
  await assertRejects(() => Promise.resolve().then(() => fakeTerminal([]).exit(3)), Error, "exit 3");
});
