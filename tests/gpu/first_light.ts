/**
 * The first look at a new card: what CUDA needs, that a rollout remembers its prompt, the conformance suite, parity with
 * transformers, then rates and right answers of a model as wide as a 7B one with two layers, its gradient, and the same
 * with all layers. It stops at the first wrong answer, prints a line per step and writes a report for docs/gpu.md.
 *
 *     deno task first-light --device cuda --out light.json
 *
 * On the CPU it runs with tiny sizes, as a test of itself.
 *
 * @module
 */
import { ensureFolder, writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import { runtimeReport } from "../../lib/runtime/mod.ts";
import { POSITIVE } from "../../tasks/command/checks.ts";
import { defineCommand, main } from "../../tasks/command/command.ts";
import { EXIT_CODES } from "../../tasks/command/fault.ts";
import { checkWritable } from "../../tasks/command/output_place.ts";
import { dirname } from "node:path";
import { firstCard } from "./_card.ts";
import { lightMarkdown, type LightReport, runSteps, stepLine } from "./_light_runner.ts";
import { LIGHT_SIZES } from "./_light_sizes.ts";
import { lightSteps } from "./_light_steps.ts";

/** The command; tests call it as any other. */
export const firstLight = defineCommand({
  name: "first-light",
  summary: "Looks at a new card: right answers first, then rates; stops at the first wrong one.",
  flags: {
    device: {
      kind: "string",
      choices: ["cpu", "cuda"],
      default: "cuda",
      help: "Where to compute; the CPU has tiny sizes, as a test of the script",
    },
    deep: {
      kind: "string",
      metavar: "DIR",
      help: "A model folder to take in place of a random one of 28 layers",
    },
    "limit-minutes": {
      kind: "number",
      default: 8,
      metavar: "N",
      check: POSITIVE,
      help: "What has no time left is not run",
    },
    out: { kind: "string", metavar: "FILE", help: "JSON file for the report" },
    markdown: { kind: "boolean", help: "Print the report as a table for docs/gpu.md too" },
  },
  examples: [
    ["deno task first-light --device cuda --out light.json --markdown", "On a machine with a card"],
    ["deno task first-light --device cpu", "Try the script itself"],
  ],
  async run({ flags, print, terminal }) {
    const { device, out, deep } = flags;
    if (out !== undefined) await checkWritable(out, { as: "file" });
    const card = device === "cuda" ? await firstCard() : null;
    const folder = await Deno.makeTempDir({ prefix: "first-light-" });
    const now = () => terminal.now() / 1000;
    try {
      const setting = {
        device,
        folder,
        card: card?.name ?? null,
        now,
        ...(deep === undefined ? {} : { deepFolder: deep }),
      };
      const steps = await runSteps(lightSteps(setting), {
        limitSeconds: 60 * flags["limit-minutes"],
        now,
        onStep: (step) => print(stepLine(step)),
      });
      const report: LightReport = {
        kind: "first light",
        device,
        dtype: LIGHT_SIZES[device].dtype,
        machine: {
          ...(card === null ? {} : { card: card.name, driver: card.driver, memory: `${card.memoryMiB} MiB` }),
          Deno: Deno.version.deno,
          "ONNX Runtime": runtimeReport().version,
        },
        steps,
      };
      const wrong = steps.filter(({ verdict }) => verdict === "wrong").length;
      const unrun = steps.filter(({ verdict }) => verdict === "not run" || verdict === "no time").length;
      print(
        wrong > 0
          ? `stopped at a wrong answer: ${unrun} of ${steps.length} steps were not run`
          : `all right${unrun === 0 ? "" : `; ${unrun} of ${steps.length} steps had no time`}`,
      );
      if (flags.markdown) print(lightMarkdown(report));
      if (out !== undefined) {
        await ensureFolder(dirname(out));
        await writeFileAtomic(out, `${JSON.stringify(report, null, 1)}\n`);
      }
      return wrong > 0 ? EXIT_CODES.outside : EXIT_CODES.done;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

if (import.meta.main) await main(firstLight);
