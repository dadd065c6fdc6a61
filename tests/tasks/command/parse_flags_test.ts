import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { InputError } from "../../../lib/core/mod.ts";
import { editDistance, suggestion } from "../../../lib/core/suggestion.ts";
import { parseFlags } from "../../../tasks/command/parse_flags.ts";

const FLAGS = {
  out: { kind: "string", default: "out", help: "Where results go" },
  model: { kind: "string", help: "Model folder" },
  device: { kind: "string", choices: ["cpu", "cuda"], default: "cpu", help: "Where to compute" },
  steps: { kind: "number", default: 60, check: z.number().int().min(1), help: "Optimiser steps" },
  rate: { kind: "number", help: "Learning rate" },
  resume: { kind: "boolean", help: "Go on" },
  layers: { kind: "list", check: z.array(z.string().regex(/^\d+$/, "layers are numbers")), help: "Layers" },
} as const;

const parse = (...args: string[]): ReturnType<typeof parseFlags<typeof FLAGS>> => parseFlags(args, FLAGS);
const refused = (...args: string[]): string => assertThrows(() => parse(...args), InputError).message;

Deno.test("parseFlags() fills in defaults", () => {
  assertEquals(parse().flags, {
    out: "out",
    model: undefined,
    device: "cpu",
    steps: 60,
    rate: undefined,
    resume: false,
    layers: [],
  });
});

Deno.test("parseFlags() reads every kind, in both spellings", () => {
  const { flags, positionals } = parse(
    ...["fig1", "--out=a=b", "--steps", "3", "--device", "cuda", "--resume", "fig3", "--rate=-1e-3"],
    ...["--layers", "3,5", "--layers=7"],
  );
  assertEquals(positionals, ["fig1", "fig3"]);
  assertEquals(flags, {
    out: "a=b",
    model: undefined,
    device: "cuda",
    steps: 3,
    rate: -0.001,
    resume: true,
    layers: ["3", "5", "7"],
  });
});

Deno.test("parseFlags() takes a negative number for the value of the flag before it", () => {
  for (
    const [text, value] of [["-0.5", -0.5], ["-1e-3", -0.001], ["-.25", -0.25], ["-7", -7], [
      "-0",
      -0,
    ]] as const
  ) {
    assertEquals(parse("--rate", text).flags.rate, value);
    assertEquals(parse(`--rate=${text}`).flags.rate, value);
    assertEquals(parse("--resume", "--rate", text, "fig1").positionals, ["fig1"]);
  }
  assertEquals(parse("--out", "-3").flags.out, "-3");
  assertEquals(refused("--layers", "-1,2"), "cannot use --layers -1,2: layers are numbers (Layers)");
  assertEquals(refused("--steps", "-1").startsWith("cannot use --steps -1: "), true);
  assertEquals(refused("--rate", "-1x"), '--rate must be a number: got "-1x" (write --rate=1)');
  // A boolean takes none, an unknown flag is still unknown, and a flag is no value.
  assertEquals(refused("--resume", "-1"), "unknown flag -1 (--help lists the flags)");
  assertEquals(refused("--stesp", "-1"), "unknown flag --stesp (did you mean --steps?)");
  assertEquals(refused("-0.5").startsWith("unknown flag -"), true);
  assertEquals(refused("--rate", "-x").includes("-x"), true);
  assertEquals(parse("--", "--rate", "-0.5").positionals, ["--rate", "-0.5"]);
});

Deno.test("parseFlags() types values by their declaration", () => {
  const { flags } = parse("--device", "cuda");
  const device: "cpu" | "cuda" = flags.device;
  const rate: number | undefined = flags.rate;
  const steps: number = flags.steps;
  assertEquals([device, rate, steps], ["cuda", undefined, 60]);
});

Deno.test("parseFlags() keeps texts that look like numbers", () => {
  const { flags, positionals } = parse("007", "--out", "1e3", "--model", "0x10");
  assertEquals([positionals, flags.out, flags.model], [["007"], "1e3", "0x10"]);
});

Deno.test("parseFlags() takes everything after -- as it is", () => {
  assertEquals(parse("--resume", "--", "--steps", "-x").positionals, ["--steps", "-x"]);
  assertEquals(parse("--", "--resume=yes").flags.resume, false);
});

Deno.test("parseFlags() refuses an unknown flag and names the one meant", () => {
  assertEquals(refused("--stesp", "3"), "unknown flag --stesp (did you mean --steps?)");
  assertEquals(refused("--resum"), "unknown flag --resum (did you mean --resume?)");
  assertEquals(refused("--colour=red"), "unknown flag --colour (--help lists the flags)");
  assertEquals(refused("-x"), "unknown flag -x (--help lists the flags)");
  assertEquals(refused("--no-resume"), "unknown flag --no-resume (--help lists the flags)");
});

Deno.test("parseFlags() refuses a flag without its value", () => {
  for (const args of [["--out"], ["--out="], ["--out", "--resume"], ["--layers"]]) {
    assertEquals(refused(...args).includes("needs a value"), true, args.join(" "));
  }
  assertEquals(refused("--layers", "3,,5"), '--layers has an empty element: got "3,,5"');
});

Deno.test("parseFlags() refuses a value that a boolean does not take, and a flag given twice", () => {
  assertEquals(refused("--resume=yes"), '--resume takes no value: got "--resume=yes"');
  assertEquals(refused("--steps", "1", "--steps", "2"), "--steps is given 2 times (give it once)");
});

Deno.test("parseFlags() refuses values outside their kind, choices and check", () => {
  assertEquals(refused("--steps", "many"), '--steps must be a number: got "many" (write --steps=1)');
  assertEquals(refused("--rate", "Infinity"), '--rate must be a number: got "Infinity" (write --rate=1)');
  assertEquals(refused("--device", "cud"), '--device must be cpu or cuda: got "cud" (did you mean cuda?)');
  assertEquals(refused("--device", "tpu9"), '--device must be cpu or cuda: got "tpu9"');
  assertEquals(refused("--layers", "3,x"), "cannot use --layers 3,x: layers are numbers (Layers)");
  assertEquals(refused("--steps", "0").startsWith("cannot use --steps 0: "), true);
  assertEquals(refused("--steps", "1.5").startsWith("cannot use --steps 1.5: "), true);
});

Deno.test("parseFlags() demands required flags, but not of --help", () => {
  const flags = { model: { kind: "string", required: true, help: "Model folder" } } as const;
  const error = assertThrows(() => parseFlags([], flags), InputError);
  assertEquals(error.message, "--model is missing (Model folder)");
  assertEquals(parseFlags(["-h"], flags).help, true);
  assertEquals(parseFlags(["--help"], flags).help, true);
  const model: string = parseFlags(["--model", "a"], flags).flags.model;
  assertEquals(model, "a");
});

Deno.test("editDistance() counts insertions, removals, changes and swaps", () => {
  const pairs = [["", ""], ["", "ab"], ["kitten", "sitting"], ["stesp", "steps"], ["abc", "abc"], [
    "seed",
    "sed",
  ]];
  const distances = pairs.map(([from, to]) => editDistance(from as string, to as string));
  assertEquals(distances, [0, 2, 3, 1, 0, 1]);
});

Deno.test("suggestion() stays silent when nothing is near", () => {
  assertEquals(suggestion("mod", ["steps", "model"]), "model");
  assertEquals(suggestion("quiet", ["steps", "model"]), undefined);
  assertEquals(suggestion("fig03", ["fig1", "fig3", "table1"]), "fig3");
});
