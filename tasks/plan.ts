import { writeFileAtomic } from "../lib/checkpoint/mod.ts";
import type { Rates } from "../lib/experiment/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import { markdownTable } from "./command/markdown_table.ts";
import { checkWritable } from "./command/output_place.ts";
import { ITEMS, makePlan, PLAN_FLAGS } from "./cluster/plan_flags.ts";
import type { PlanPart } from "./cluster/plan_parts.ts";
import { durationText, rateText } from "./command/progress.ts";
import { REPOSITORY, type ReproductionSetting } from "./study/reproduction_setting.ts";

/** Bytes for people: "12 MB", "3.4 GB". */
function bytesText(bytes: number): string {
  const [size, unit] = bytes >= 1e9
    ? [bytes / 1e9, "GB"]
    : bytes >= 1e6
    ? [bytes / 1e6, "MB"]
    : [bytes / 1e3, "kB"];
  return `${rateText(size)} ${unit}`;
}

/** Whether a part is to be made; one that was made from other inputs is used as it is. */
const isLeft = ({ state }: PlanPart): boolean => state === "missing" || state === "waits";

/** Seconds that parts take which are not there yet; null where one's cost is not known. */
function secondsLeft(parts: readonly PlanPart[]): number | null {
  const left = parts.filter(isLeft).map(({ cost }) => cost?.seconds ?? null);
  return left.includes(null) ? null : (left as readonly number[]).reduce((sum, seconds) => sum + seconds, 0);
}

function timeText(parts: readonly PlanPart[]): string {
  const left = secondsLeft(parts);
  return left === null ? "unknown" : left === 0 ? "-" : durationText(1000 * left);
}

const mostMemory = (parts: readonly PlanPart[]): string =>
  bytesText(Math.max(0, ...parts.map(({ cost }) => cost?.memoryBytes ?? 0)));
const diskText = (parts: readonly PlanPart[]): string =>
  bytesText(parts.reduce((sum, part) => sum + (isLeft(part) ? part.cost?.diskBytes ?? 0 : 0), 0));

/** The table of a plan: a line for each model and item, or for each part. */
function planTable(
  parts: readonly PlanPart[],
  options: { readonly each: boolean },
): readonly string[] {
  if (options.each) {
    return markdownTable([
      ["part", "made from", "state", "time", "memory", "disk"],
      ...parts.map((part) => [
        `${part.kind} ${part.name}`,
        part.needs.join(", "),
        part.state,
        timeText([part]),
        mostMemory([part]),
        diskText([part]),
      ]),
    ]);
  }
  const count = (of: readonly PlanPart[], state: PlanPart["state"]) =>
    String(of.filter((part) => part.state === state).length);
  const groups = Map.groupBy(parts, ({ kind, name, item }) => `${kind} ${item ?? name.split("/")[0]}`);
  return markdownTable([
    ["parts", "all", "there", "to do", "waiting for others", "time", "memory", "disk"],
    ...[...groups].map(([name, of]) => [
      name,
      String(of.length),
      count(of, "there"),
      count(of, "missing"),
      count(of, "waits"),
      timeText(of),
      mostMemory(of),
      diskText(of),
    ]),
  ]);
}

/** The command on a setting of its own; tests give it small ones. */
export function planCommand(setting: ReproductionSetting) {
  return defineCommand({
    name: "plan",
    summary: "Says what a study is made of, what of it is there, and what the rest takes.",
    positionals: ITEMS,
    flags: {
      ...PLAN_FLAGS,
      parts: {
        kind: "boolean",
        help: "List every part with what it is made from, in place of a line per model and item",
      },
      out: { kind: "string", metavar: "FILE", help: "Also write the parts as JSONL" },
      "save-rates": { kind: "string", metavar: "FILE", help: "Also write the rates, for --rates" },
    },
    examples: [
      ["deno task plan", "The embedded zoo: what is trained, what is measured"],
      ["deno task plan fig1 fig3 --profile smollm2 --parts", "Every part of two figures on a real model"],
      [
        "deno task plan --profile paper --device cuda --rates fixtures/rates/h200-assumed.json",
        "The paper's study in GPU-hours, by rates that are given",
      ],
    ],
    async run(input) {
      const { flags, print } = input;
      for (const flag of ["out", "save-rates"] as const) {
        const path = flags[flag];
        if (path !== undefined) await checkWritable(path, { as: "file", flag });
      }
      const plan = await makePlan(input, { setting }), { parts } = plan, rates = plan.rates as Rates;
      for (const line of planTable(parts, { each: flags.parts })) print(line);
      const left = secondsLeft(parts), hours = left === null ? "an unknown number of" : rateText(left / 3600);
      const unit = flags.device === "cuda" ? "GPU-hours" : "hours of one process on the CPU";
      const count = (of: PlanPart["state"]): number => parts.filter(({ state }) => state === of).length;
      const written = rateText(rates.generatedTokensPerSecond),
        differentiated = rateText(rates.gradientTokensPerSecond),
        parameters = bytesText(rates.parameters).replace(/ (.)B/, " $1");
      print(
        `total: ${parts.length} parts, ${count("there")} there; ` +
          `${hours} ${unit} for the rest (an estimate), ${diskText(parts)}`,
      );
      print(
        `rates: ${rates.source}; ${written} tokens/s written and ${differentiated} differentiated ` +
          `by ${parameters} parameters, fewer in proportion by a larger model`,
      );
      const foreign = count("made from other inputs");
      if (foreign > 0) print(`${foreign} parts were made from other inputs, and are used as they are`);
      for (const line of plan.missing) print(`not there: ${line}`);
      if (plan.open.length > 0) print(`may ask for more once this is measured: ${plan.open.join(", ")}`);
      for (const line of plan.notApplicable) print(`not applicable: ${line}`);
      if (flags.out !== undefined) {
        await writeFileAtomic(flags.out, parts.map((part) => `${JSON.stringify(part)}\n`).join(""));
      }
      if (flags["save-rates"] !== undefined) {
        await writeFileAtomic(flags["save-rates"], `${JSON.stringify(rates, null, 2)}\n`);
      }
    },
  });
}

/** Says what a study is made of, what of it is there, and what the rest takes. */
export const plan = planCommand(REPOSITORY);

if (import.meta.main) await main(plan);
