import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ensureFolder, openCheckpoint, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { elementCount, InputError } from "../lib/core/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { benchModel } from "./model/bench_model.ts";
import {
  type BenchCase,
  CASES_FILE,
  measuredRates,
  memoryLines,
  type MemoryRow,
  type NodeShares,
  parseCases,
  parseMemory,
  parsePeak,
  parseReport,
  parseShares,
  sharesLine,
  tableLines,
  timeRows,
  type Timing,
} from "./model/bench_table.ts";
import { defineCommand, main } from "./command/command.ts";
import { Progress } from "./command/progress.ts";

const FOLDER = new URL("../tests/bench/", import.meta.url);

/** Benchmark files in the order of the table; the rates come first since every floor is made of them. */
const FILES = ["rates", "rollout", "pretraining", "steering", "load"] as const;
const SHARE_KINDS = ["rollout", "steering"] as const;
const MEMORY_KINDS = ["idle", "rollout", "steering", "long", "patching", "pretraining"] as const;
/** Work that PyTorch does too. */
const PEER_KINDS: readonly string[] = ["rollout", "steering", "long", "patching"];
const PEER = fileURLToPath(new URL("../tests/peers/pytorch_memory.py", import.meta.url));

/** Parameters up to which a model is of a kind that is pretrained here. */
const PRETRAINED_MOST = 5e7;

/** What a benchmark may do: read model and sources, write scratch files, and call ONNX Runtime. */
const PERMISSIONS = [
  "--no-prompt",
  "--no-check",
  "--allow-read",
  "--allow-write",
  "--allow-ffi",
  "--allow-sys=systemMemoryInfo",
];

/** Runs a program and resolves to what it printed. */
async function runProgram(
  name: "deno" | "python3",
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const child = new Deno.Command(name, { args: [...args], stdout: "piped", stderr: "piped", signal });
  const { success, stdout, stderr } = await child.output();
  signal.throwIfAborted();
  const text = new TextDecoder().decode(stdout);
  // A benchmark that throws is told of in the report itself, which says more than the exit code.
  if (!success && !text.includes('"failed"')) {
    const said = new TextDecoder().decode(stderr).trim();
    if (name === "python3") {
      throw new InputError("PyTorch's side does not run", {
        where: said.split("\n").at(-1) ?? "",
        repair: "python3 -m pip install torch transformers, or leave --peer out",
      });
    }
    // In a JSON report the reason for a file that did not load is lost.
    const words = args.filter((arg) => arg !== "--json").join(" ");
    throw new Error(`a program failed; to see why: deno ${words}\n${said}`);
  }
  return text;
}

/** Runs Deno on a file of the bench folder and resolves to what it printed. */
function runDeno(args: readonly string[], signal: AbortSignal): Promise<string> {
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  const [verb, ...rest] = args as [string, ...string[]];
  return runProgram("deno", [verb, "--config", config, ...rest], signal);
}

/** Speed and memory of everything that takes time, each beside the least that this machine could do it in. */
export const bench = defineCommand({
  name: "bench",
  summary: "Measures speed and memory, each beside the least that this machine could do it in.",
  flags: {
    model: {
      kind: "string",
      metavar: "DIR",
      help: "Model to measure (default: base A of the embedded zoo, or random weights of its shape)",
    },
    threads: {
      kind: "number",
      default: 2,
      check: z.int("must be a whole number").min(1, "must be at least 1"),
      help: "Threads of one operation",
    },
    peer: {
      kind: "boolean",
      help: "Measure PyTorch's memory and time beside ours, by the python3 on the PATH",
    },
    quick: { kind: "boolean", help: "Tiny sizes, to see that all runs; the figures mean nothing" },
    out: { kind: "string", metavar: "FILE", help: "Write the table as JSON too" },
  },
  examples: [
    ["deno task bench", "Measure everything; leave the machine alone meanwhile"],
    ["deno task bench --out bench.json", "Keep the figures"],
    ["deno task bench --model out/real-model --peer", "A real model, beside PyTorch"],
  ],
  async run({ flags, signal, terminal, print }) {
    // Minutes of measuring end in this file, so its folder has to be there before.
    if (flags.out !== undefined) await ensureFolder(dirname(flags.out));
    const scratch = await Deno.makeTempDir({ prefix: "bench-" });
    let progress: Progress | null = null;
    try {
      const model = await benchModel(flags.model, { scratch });
      const { config, weights } = await openCheckpoint(model);
      const parameters = [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
      const done = (kind: string) => kind !== "pretraining" || parameters <= PRETRAINED_MOST;
      const files = FILES.filter(done), memoryKinds = MEMORY_KINDS.filter(done);
      const peers = flags.peer === true ? PEER_KINDS : [];
      progress = new Progress(terminal, {
        label: "measuring",
        total: files.length + SHARE_KINDS.length + memoryKinds.length + peers.length,
        unit: "programs",
      });
      const args = ["--model", model, "--threads", String(flags.threads), "--scratch", scratch];
      if (flags.quick) args.push("--quick");
      const cases: BenchCase[] = [], timings = new Map<string, Timing>();
      let cpu = "";
      for (const file of files) {
        const path = fileURLToPath(new URL(`${file}_bench.ts`, FOLDER));
        const report = parseReport(
          await runDeno(["bench", "--json", ...PERMISSIONS, path, "--", ...args], signal),
        );
        cpu = report.cpu;
        cases.push(...parseCases(await Deno.readTextFile(`${scratch}/${CASES_FILE}`)));
        for (const [name, timing] of report.timings) timings.set(name, timing);
        progress.advance();
      }
      const bar = progress;
      const program = async (file: string, kind: string): Promise<string> => {
        const path = fileURLToPath(new URL(file, FOLDER));
        const text = await runDeno(["run", ...PERMISSIONS, path, kind, ...args], signal);
        bar.advance();
        return text;
      };
      const shares: NodeShares[] = [];
      for (const kind of SHARE_KINDS) shares.push(parseShares(await program("node_shares.ts", kind)));
      const memory: MemoryRow[] = [];
      for (const kind of memoryKinds) {
        const own = parseMemory(await program("peak_memory.ts", kind));
        if (!peers.includes(kind)) {
          memory.push({ ...own, peer: null });
          continue;
        }
        const work = JSON.stringify({ kind, sizes: await program("sizes.ts", kind).then(JSON.parse) });
        const text = await runProgram(
          "python3",
          [PEER, model, "--threads", String(flags.threads), work],
          signal,
        );
        memory.push({ ...own, peer: parsePeak(text) });
      }
      progress.finish();
      const rates = measuredRates(cases, timings);
      const rows = timeRows(cases, { timings, rates });
      const machine = {
        cpu,
        cores: navigator.hardwareConcurrency,
        threads: flags.threads,
        deno: Deno.version.deno,
        onnxRuntime: runtimeReport().version,
      };
      const shape = `${config.layers} layers × ${config.embed}, vocab ${config.vocab}`;
      print(
        `${machine.cpu}, ${machine.cores} cores, ${machine.threads} threads, ` +
          `Deno ${machine.deno}, ONNX Runtime ${machine.onnxRuntime}`,
      );
      print(`${(parameters / 1e6).toFixed(2)} M parameters, ${shape}`);
      if (flags.quick) print("tiny sizes: these figures mean nothing");
      print("");
      for (const line of tableLines(rows)) print(line);
      print("");
      for (const line of memoryLines(memory)) print(line);
      print("");
      print("shares of the time by kind of node, under ONNX Runtime's profiler");
      for (const one of shares) print(sharesLine(one));
      if (flags.out !== undefined) {
        const content = {
          machine,
          model: { ...config, parameters },
          quick: flags.quick,
          rates,
          rows,
          memory,
          shares,
        };
        await writeFileAtomic(flags.out, `${JSON.stringify(content, null, 2)}\n`);
      }
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  },
});

if (import.meta.main) await main(bench);
