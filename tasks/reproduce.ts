import os from "node:os";
import { fileURLToPath } from "node:url";
import { InputError } from "../lib/core/mod.ts";
import {
  Laboratory,
  reproduce as reproduceItem,
  ResultStore,
  STUDY_SIZES,
  ZooModel,
} from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  type Expectation,
  formatCheckTable,
  type Metrics,
  readExpectations,
} from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { NOT_NEGATIVE, wholeNumber } from "./_checks.ts";
import { defineCommand, main } from "./_command.ts";
import { openModel } from "./_model_input.ts";
import { checkWritable } from "./_output_place.ts";
import { durationText, Progress } from "./_progress.ts";
import { chooseReproductions } from "./_reproductions.ts";
import type { Terminal } from "./_terminal.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
/** Measurements of earlier runs, under the hash of what made them. */
const STORE = fileURLToPath(new URL("../.store/", import.meta.url));

/** A claim as one line: verdict, effect with its interval. */
export function claimLine(claim: ClaimResult): string {
  const { effect, interval } = claim;
  const verdict = claim.holds === null ? "open" : claim.holds ? "holds" : "does not hold";
  const number = (value: number) => String(Number(value.toPrecision(4)));
  const value = effect.value === null ? "not applicable" : `${number(effect.value)} ${effect.unit}`;
  const ends = interval === null ? "" : ` [${number(interval.low)}, ${number(interval.high)}]`;
  return `claim: ${claim.statement} ${verdict}: ${effect.name} = ${value}${ends}`;
}

async function expectationsOf(id: string): Promise<readonly Expectation[] | null> {
  const path = `${FIXTURES}embedded/expected/${id}.json`;
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return (await readExpectations(path, { id })).checks;
}

/** Progress of many measurements, one bar after the other. */
function progressReport(terminal: Terminal, quiet: boolean) {
  let bar: { readonly label: string; readonly progress: Progress } | null = null;
  const finish = () => {
    bar?.progress.finish();
    bar = null;
  };
  const report = ({ label, done, total }: { label: string; done: number; total: number }) => {
    if (bar?.label !== label) {
      finish();
      bar = { label, progress: new Progress(terminal, { label, total, quiet }) };
    }
    bar.progress.update(done);
    if (done === total) finish();
  };
  return { report, finish };
}

/** Recomputes tables and figures and compares them with what is expected. */
export const reproduce = defineCommand({
  name: "reproduce",
  summary: "Recomputes tables and figures of the paper and compares them with what is expected.",
  resume: "give the same command again: finished measurements are kept in .store/",
  positionals: { placeholder: "ID", help: "fig1, fig3, a slug such as last-layer, or all", least: 1 },
  flags: {
    profile: {
      kind: "string",
      choices: ["embedded", "paper"],
      default: "embedded",
      placeholder: "embedded|paper",
      help: "The embedded zoo, or the paper's own models",
    },
    model: { kind: "string", placeholder: "DIR", help: "Use this model folder in place of the zoo's base A" },
    vectors: {
      kind: "string",
      placeholder: "DIR",
      help: "Use the vectors of this folder (RUN.seed-N.safetensors)",
    },
    device: {
      kind: "string",
      choices: ["cpu", "cuda"],
      default: "cpu",
      placeholder: "cpu|cuda",
      help: "Where to compute",
    },
    size: {
      kind: "string",
      choices: ["full", "quick"],
      default: "full",
      placeholder: "full|quick",
      help: "quick measures few problems and checks no expected value",
    },
    out: { kind: "string", default: "out", placeholder: "DIR", help: "Results go to DIR/PROFILE/ID/" },
    seed: {
      kind: "number",
      default: 0,
      placeholder: "N",
      check: NOT_NEGATIVE,
      help: "First evaluation seed",
    },
    threads: {
      kind: "number",
      default: 2,
      placeholder: "N",
      check: wholeNumber(1),
      help: "Threads to compute with",
    },
    "no-cache": { kind: "boolean", help: "Measure everything again and keep nothing" },
    quiet: { kind: "boolean", help: "Show no progress" },
  },
  examples: [
    ["deno task reproduce fig3", "What the last-layer vector boosts: out/embedded/fig3/"],
    ["deno task reproduce all", "Every table and figure"],
    ["deno task reproduce fig1 --no-cache", "Measure again, whatever earlier runs left"],
  ],
  async run({ flags, positionals, signal, terminal, print }) {
    const items = chooseReproductions(positionals);
    if (flags.profile === "paper") {
      throw new InputError(
        "the profile paper needs the six mathematics benchmarks, which this version cannot read yet",
        {
          where: "--profile",
          repair: "use --profile embedded",
        },
      );
    }
    for (const item of items) {
      await checkWritable(`${flags.out}/${flags.profile}/${item.id}`, { as: "folder" });
    }
    const entry = {
      name: "base-a",
      modelFolder: flags.model ?? `${FIXTURES}embedded/base-a`,
      vectorsFolder: flags.vectors ?? `${FIXTURES}embedded/vectors/base-a`,
      opener: "To",
    };
    const options = { device: flags.device, threads: flags.threads };
    await (await openModel(entry.modelFolder, options)).release();
    const a = await ZooModel.open(entry, options);
    // Expected values belong to the shipped zoo at its full size and first seed; anything else is measured unchecked.
    const shipped = flags.model === undefined && flags.vectors === undefined && flags.size === "full" &&
      flags.seed === 0;
    const progress = progressReport(terminal, flags.quiet);
    let failed = 0;
    for (const item of items) {
      const startedAt = new Date().toISOString(), startMs = terminal.now();
      const lab = new Laboratory({
        size: STUDY_SIZES[flags.size],
        seed: flags.seed,
        device: flags.device,
        store: new ResultStore(flags["no-cache"] ? null : STORE),
        report: progress.report,
        signal,
      });
      const folder = `${flags.out}/${flags.profile}/${item.id}`;
      const metrics: Metrics = await reproduceItem(item, {
        bench: { lab, a },
        expectations: shipped ? await expectationsOf(item.id) : null,
        profile: flags.profile,
        folder,
        runFacts: () => ({
          startedAt,
          seconds: Number(((terminal.now() - startMs) / 1000).toFixed(1)),
          command: `deno task reproduce ${terminal.args.join(" ")}`,
          versions: { deno: Deno.version.deno, onnxruntime: runtimeReport().version },
          machine: { cpu: os.cpus()[0]?.model ?? "unknown", cores: os.cpus().length, threads: flags.threads },
        }),
      });
      progress.finish();
      print(`${item.id}: ${item.title}`);
      if (metrics.checks.length > 0) print(formatCheckTable(metrics.checks));
      else print("no expected values for these settings: nothing is checked");
      for (const claim of metrics.claims) print(claimLine(claim));
      print(`${folder}/ (${durationText(terminal.now() - startMs)})`);
      failed += metrics.checks.filter((check) => check.verdict === "fail").length;
    }
    await a.model.release();
    if (failed === 0) return;
    print(`${failed} checks fell outside their tolerance`);
    return 1;
  },
});

if (import.meta.main) await main(reproduce);
