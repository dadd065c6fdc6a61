import type { MeasurementStep } from "../lib/experiment/mod.ts";
import { Progress } from "./_progress.ts";
import type { Terminal } from "./_terminal.ts";

/** Progress of many measurements, one bar after the other. */
export interface MeasurementProgress {
  /** Shows how far a measurement is; another label starts another bar. */
  report(step: MeasurementStep): void;
  /** Ends the bar at hand, also when the work was interrupted. */
  finish(): void;
}

/** Bars of measurements; a bar ends by itself when its measurement does. */
export function measurementProgress(terminal: Terminal, quiet: boolean): MeasurementProgress {
  let bar: { readonly label: string; readonly progress: Progress } | null = null;
  const finish = (): void => {
    bar?.progress.finish();
    bar = null;
  };
  return {
    finish,
    report({ label, done, total, unit }) {
      if (bar?.label !== label) {
        finish();
        // What was done before the first report, an earlier run did: it says nothing of this run's rate.
        bar = { label, progress: new Progress(terminal, { label, total, unit, quiet, from: done }) };
      }
      bar.progress.update(done);
      if (done >= total) finish();
    },
  };
}
