import type { MeasurementStep } from "../../lib/experiment/mod.ts";
import { Progress } from "../command/progress.ts";
import type { Terminal } from "../command/terminal.ts";

/** Progress of many measurements, some of them side by side. */
interface MeasurementProgress {
  /** Shows how far a measurement is; each label has a bar of its own. */
  report(step: MeasurementStep): void;
  /** Ends the bars at hand, also when the work was interrupted. */
  finish(): void;
}

/**
 * Bars of measurements; a bar ends by itself when its measurement does. A screen has one line, which is that of the
 * measurement that began first; others appear when it is done.
 */
export function measurementProgress(terminal: Terminal, quiet: boolean): MeasurementProgress {
  const bars = new Map<string, Progress>();
  return {
    finish() {
      for (const bar of bars.values()) bar.finish();
      bars.clear();
    },
    report({ label, done, total, unit }) {
      // What was done before the first report, an earlier run did: it says nothing of this run's rate.
      const bar = bars.get(label) ?? new Progress(terminal, { label, total, unit, quiet, from: done });
      bars.set(label, bar);
      const [first] = bars.keys();
      if (done < total && terminal.interactive && first !== label) return;
      bar.update(done);
      if (done < total) return;
      bar.finish();
      bars.delete(label);
    },
  };
}
