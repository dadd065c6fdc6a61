/** What a step found: whether it is right, one line about it, and its numbers for the report. */
export interface Outcome {
  readonly right: boolean;
  readonly found: string;
  readonly values?: Readonly<Record<string, number | string>>;
}

/** One thing to look at, in the order in which a new machine should be looked at. */
export interface Step {
  readonly name: string;
  /** Seconds that it may need; it does not begin with less time left. @default {0} */
  readonly seconds?: number;
  readonly run: () => Promise<Outcome> | Outcome;
}

/** What became of a step. */
export interface StepReport extends Pick<Outcome, "found"> {
  readonly name: string;
  readonly verdict: "right" | "wrong" | "no time" | "not run";
  readonly seconds: number;
  readonly values: Readonly<Record<string, number | string>>;
}

/**
 * Runs steps in their order. The first that is wrong, or that throws, is the last that runs: what comes behind it rests
 * on it. A step that needs more time than is left is passed over.
 */
export async function runSteps(
  steps: readonly Step[],
  options: {
    readonly limitSeconds: number;
    /** Seconds of a clock that never goes back. */
    readonly now: () => number;
    readonly onStep?: (report: StepReport) => void;
  },
): Promise<readonly StepReport[]> {
  const { limitSeconds, now, onStep } = options, begin = now();
  const reports: StepReport[] = [];
  let stopped = false;
  for (const { name, seconds: needed = 0, run } of steps) {
    const start = now(), left = limitSeconds - (start - begin);
    const report = async (): Promise<StepReport> => {
      const unrun = { name, seconds: 0, values: {} };
      if (stopped) return { ...unrun, verdict: "not run", found: "an answer before it is wrong" };
      if (left < needed) {
        const found = `needs ${needed} s, ${Math.max(0, Math.floor(left))} s are left`;
        return { ...unrun, verdict: "no time", found };
      }
      const outcome = await Promise.resolve().then(run).catch((error: unknown): Outcome => ({
        right: false,
        found: (error instanceof Error ? error.message : String(error)).split("\n")[0] as string,
      }));
      const { right, found, values = {} } = outcome;
      stopped = !right;
      return { name, verdict: right ? "right" : "wrong", seconds: now() - start, found, values };
    };
    const done = await report();
    reports.push(done);
    onStep?.(done);
  }
  return reports;
}

/** One line of a step: verdict, seconds, name, what was found. */
export function stepLine({ verdict, seconds, name, found }: StepReport): string {
  return `${verdict.padEnd(7)}  ${seconds.toFixed(1).padStart(6)} s  ${name.padEnd(46)}  ${found}`;
}

/** What a first light writes to its file. */
export interface LightReport {
  readonly kind: "first light";
  readonly device: string;
  readonly dtype: string;
  /** Versions of what computed, and the card where there is one. */
  readonly machine: Readonly<Record<string, string>>;
  readonly steps: readonly StepReport[];
}

/** A report as the rows of a table in Markdown, for docs/gpu.md. */
export function lightMarkdown({ machine, device, dtype, steps }: LightReport): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = steps.map(({ name, verdict, seconds, found }) =>
    `| ${cell(name)} | ${verdict} | ${seconds.toFixed(1)} s | ${cell(found)} |`
  );
  const where = Object.entries(machine).map(([key, value]) => `${key} ${value}`).join(", ");
  return [
    `${device}, ${dtype}; ${where}.`,
    "",
    "| what | verdict | time | found |",
    "| ---- | ------- | ---- | ----- |",
    ...rows,
    "",
  ].join("\n");
}
