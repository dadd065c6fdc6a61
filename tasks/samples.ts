import type { SampleLine } from "../lib/problems/mod.ts";
import { hasEnding, InputError } from "../lib/core/mod.ts";
import { wholeNumbers } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { markdownTable } from "./command/markdown_table.ts";
import { SampleFilter } from "./samples/sample_filter.ts";
import { type PlacedSample, readSamples, sampleAt, type SamplePlace } from "./samples/sample_reader.ts";
import { sampleLines } from "./samples/sample_text.ts";
import type { Screen } from "./command/terminal.ts";

/** The files that are meant: a folder stands for those that are directly in it. */
async function sampleFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await Deno.stat(path)).isDirectory) {
      files.push(path);
      continue;
    }
    const names = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) =>
      hasEnding(name, ".jsonl")
    );
    if (names.length === 0) {
      throw new InputError("the folder holds no .jsonl file", {
        where: path,
        repair: "pass a file that deno task evaluate --samples wrote",
      });
    }
    files.push(...names.sort().map((name) => `${path}/${name}`));
  }
  return files;
}

/** How many samples of each family got which verdict, as lines of a table. */
class SampleCounts {
  readonly #families = new Map<string, Map<string, number>>();
  readonly #reasons = new Set<string>();
  total = 0;

  add({ suite, correct, reason, finish }: SampleLine): void {
    const counts = this.#families.get(suite) ?? new Map<string, number>();
    this.#families.set(suite, counts);
    const kind = correct ? "right" : reason ?? "wrong";
    if (!correct) this.#reasons.add(kind);
    for (const column of ["samples", kind, ...(finish === "length" ? ["cut off"] : [])]) {
      counts.set(column, (counts.get(column) ?? 0) + 1);
    }
    this.total++;
  }

  /** One row per family, one column per reason of what is wrong. */
  lines(): string[] {
    const columns = ["samples", "right", ...[...this.#reasons].sort(), "cut off"];
    const rows = [...this.#families].map((
      [family, counts],
    ) => [family, ...columns.map((column) => String(counts.get(column) ?? 0))]);
    return markdownTable([["family", ...columns], ...rows]);
  }
}

/** Samples in the order of their files, forwards and back. */
class SampleWalk {
  readonly #places: SamplePlace[] = [];
  readonly #next: () => Promise<PlacedSample | null>;
  #at = -1;

  /** Takes what gives the next sample, or null after the last. */
  constructor(next: () => Promise<PlacedSample | null>) {
    this.#next = next;
  }

  /** Number of the sample that is shown, from 1. */
  get number(): number {
    return this.#at + 1;
  }

  async forward(): Promise<SampleLine | null> {
    const known = this.#places[this.#at + 1];
    if (known !== undefined) {
      this.#at++;
      return await sampleAt(known);
    }
    const found = await this.#next();
    if (found === null) return null;
    this.#places.push(found.place);
    this.#at++;
    return found.sample;
  }

  async back(): Promise<SampleLine | null> {
    const known = this.#places[this.#at - 1];
    if (known === undefined) return null;
    this.#at--;
    return await sampleAt(known);
  }
}

const NEXT_KEYS = new Set(["\n", "\r", " ", "n", "j", "\x1b[C", "\x1b[B", "\x1b[6~"]);
const BACK_KEYS = new Set(["b", "p", "k", "\x1b[D", "\x1b[A", "\x1b[5~"]);
const QUIT_KEYS = new Set(["q", "Q", "\x04"]);

/** Shows samples a screen at a time, until there are no more or the reader has read enough. */
async function browse(
  walk: SampleWalk,
  options: { readonly screen: Screen; readonly colours: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { screen, colours, signal } = options;
  try {
    let sample = await walk.forward(), top = 0;
    while (sample !== null) {
      const { columns, rows } = screen, room = Math.max(1, rows - 2);
      const lines = sampleLines(sample, { columns, colours });
      const isMore = top + room < lines.length;
      const keys = `${walk.number}${isMore ? ", goes on" : ""}; Enter next, b back, q quit`.slice(0, columns);
      screen.show(
        `${lines.slice(top, top + room).join("\n")}\n\n${colours ? `\x1b[7m${keys}\x1b[0m` : keys}`,
      );
      const key = await screen.key(signal);
      if (key === null || QUIT_KEYS.has(key)) break;
      if (NEXT_KEYS.has(key)) {
        if (isMore) top += room;
        else [sample, top] = [await walk.forward(), 0];
      } else if (BACK_KEYS.has(key)) {
        if (top > 0) top = Math.max(0, top - room);
        else sample = await walk.back() ?? sample;
      }
    }
  } finally {
    screen.close();
  }
}

/** What a model said. */
export const samples = defineCommand({
  name: "samples",
  summary: "Shows what a model said, one completion per screen, with the verdict on each.",
  positionals: {
    metavar: "FILE",
    help: "File that deno task evaluate --samples wrote, or a folder of them",
    least: 1,
  },
  flags: {
    verdict: { kind: "list", help: "Only these verdicts: right, wrong, or a reason such as no-box" },
    family: { kind: "list", help: "Only these problem families or benchmarks" },
    condition: { kind: "list", help: "Only these conditions, where a file holds several" },
    problem: { kind: "string", metavar: "ID", help: "Only this problem" },
    seeds: { kind: "list", check: wholeNumbers(), help: "Only these evaluation seeds" },
    finish: {
      kind: "string",
      choices: ["end", "length"],
      help: "Only what ended by itself, or what the length limit cut off",
    },
    summary: { kind: "boolean", help: "Count them by family and verdict in place of showing them" },
  },
  examples: [
    ["deno task samples out/base-a.jsonl", "Every completion, a screen each; q ends it"],
    [
      "deno task samples out/base-a.jsonl --verdict wrong --family chain,words",
      "What went wrong in two families",
    ],
    ["deno task samples out/base-a.jsonl --summary", "How many of each family got which verdict"],
    [
      "deno task samples out/base-a.jsonl --verdict no-box > no-box.txt",
      "Those without an answer, as a text file",
    ],
  ],
  resume: "run the command again",
  async run({ flags, positionals, signal, terminal, print }) {
    const { verdict, family, condition, problem, seeds, finish } = flags;
    const filter = new SampleFilter({
      verdict,
      family,
      condition,
      problem: problem === undefined ? [] : [problem],
      seeds: seeds.map((seed) => String(Number(seed))),
      finish: finish === undefined ? [] : [finish],
    });
    const files = await sampleFiles(positionals), found = readSamples(files);
    const counts = new SampleCounts();
    let read = 0, isAll = false;
    const next = async () => {
      for (let step = await found.next(); !step.done; step = await found.next()) {
        signal.throwIfAborted();
        read++;
        if (!filter.matches(step.value.sample)) continue;
        counts.add(step.value.sample);
        return step.value;
      }
      isAll = true;
      return null;
    };
    const { screen, colours } = terminal;
    if (screen !== null && !flags.summary) {
      await browse(new SampleWalk(next), { screen, colours, signal });
    } else {
      for (let item = await next(); item !== null; item = await next()) {
        if (flags.summary) continue;
        if (counts.total > 1) print(`${"-".repeat(40)}`);
        for (const line of sampleLines(item.sample, { columns: null, colours })) print(line);
      }
    }
    await found.return(undefined);
    if (!isAll) return;
    if (read === 0) {
      throw new InputError("there is no sample", { where: files.join(", "), repair: "write the file again" });
    }
    const unseen = filter.unseen();
    if (counts.total === 0 && unseen[0] !== undefined) throw unseen[0];
    if (flags.summary && counts.total > 0) { for (const line of counts.lines()) print(line); }
    for (const { message } of unseen) terminal.error(`note: ${message}\n`);
    terminal.error(`${counts.total} of ${read} samples\n`);
  },
});

if (import.meta.main) await main(samples);
