import type { Terminal } from "./terminal.ts";

/** How progress is shown. */
interface ProgressOptions {
  /** What is going on: "training layer 3". */
  readonly label: string;
  /** Steps in all; null when not known. */
  readonly total: number | null;
  /** What a step is called. @default {"steps"} */
  readonly unit?: string;
  /** Steps done by an earlier run, which say nothing of this run's rate. @default {0} */
  readonly from?: number;
  /** Show nothing. @default {false} */
  readonly quiet?: boolean;
}

/** A screen is drawn often enough to look alive; a log gets a line now and then. */
const SCREEN_EVERY_MS = 100;
const LOG_EVERY_MS = 10_000;
const BAR_CELLS = 20;

/** A length of time for people: "850 ms", "12 s", "3 min 20 s", "1 h 02 min". */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A rate with three digits: "0.125", "12.5", "1250". */
export function rateText(rate: number): string {
  if (!Number.isFinite(rate)) return "0";
  return rate >= 100 ? String(Math.round(rate)) : String(Number(rate.toPrecision(3)));
}

/**
 * Progress of long work on standard error: label, done of total, rate, time left. A screen gets one line that is
 * drawn over; a log gets a line every ten seconds at most, and one at the end.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #options: ProgressOptions;
  readonly #startMs: number;
  #done: number;
  #shownMs: number;
  #drawn = false;
  /** What the last line of a log said, its clock apart. */
  #logged: string | null = null;

  /** Starts the clock. */
  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#done = options.from ?? 0;
    this.#startMs = terminal.now();
    // The first drawing on a screen is due at once.
    this.#shownMs = terminal.interactive ? -Infinity : this.#startMs;
  }

  /** Says how much is done, with a note such as "reward 0.31" at the end of the line. */
  update(done: number, note = ""): void {
    this.#done = done;
    if (this.#options.quiet) return;
    const now = this.#terminal.now();
    if (now - this.#shownMs < (this.#terminal.interactive ? SCREEN_EVERY_MS : LOG_EVERY_MS)) return;
    this.#shownMs = now;
    this.#show(note);
  }

  /** Says that `count` more steps are done. */
  advance(count = 1, note = ""): void {
    this.update(this.#done + count, note);
  }

  /** Shows the last state and goes to a new line; call it once, also when the work was interrupted. */
  finish(note = ""): void {
    // A log does not need the line twice that the last step happened to be due for.
    if (this.#options.quiet || this.#logged === `${this.#done} ${note}`) return;
    this.#show(note);
    if (this.#terminal.interactive && this.#drawn) this.#terminal.error("\n");
  }

  #show(note: string): void {
    const line = this.line(note);
    if (this.#terminal.interactive) {
      // One column is left free, since a full line wraps on some screens.
      this.#terminal.error(`\r\x1b[2K${line.slice(0, Math.max(10, this.#terminal.columns - 1))}`);
    } else {
      this.#terminal.error(`${line}\n`);
      this.#logged = `${this.#done} ${note}`;
    }
    this.#drawn = true;
  }

  /** The line as it would be shown now. */
  line(note = ""): string {
    const { label, total, unit = "steps", from = 0 } = this.#options;
    const elapsedMs = this.#terminal.now() - this.#startMs;
    const made = this.#done - from;
    const perSecond = elapsedMs > 0 ? made / (elapsedMs / 1000) : 0;
    const finished = total !== null && this.#done >= total;
    const parts = [`${label}:`];
    if (total !== null && total > 0 && this.#terminal.interactive) {
      const full = Math.floor(Math.min(1, this.#done / total) * BAR_CELLS);
      parts.push(`[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}]`);
    }
    parts.push(total === null ? `${this.#done} ${unit}` : `${this.#done}/${total} ${unit}`);
    if (made > 0) parts.push(`${rateText(perSecond)}/s`);
    if (finished || total === null) parts.push(`${durationText(elapsedMs)}`);
    else if (made > 0) parts.push(`${durationText((total - this.#done) / perSecond * 1000)} left`);
    if (note !== "") parts.push(note);
    return parts.join("  ");
  }
}

/** Bytes as whole mebibytes. */
export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

/** Progress counted in bytes and shown in mebibytes; its clock starts with the first bytes. */
export class BytesProgress {
  readonly #terminal: Terminal;
  readonly #label: string;
  #progress: Progress | null = null;

  /** Shows nothing yet. */
  constructor(terminal: Terminal, label: string) {
    this.#terminal = terminal;
    this.#label = label;
  }

  /** Says how many bytes are done of how many. */
  update(done: number, of: number): void {
    this.#progress ??= new Progress(this.#terminal, {
      label: this.#label,
      total: mebibytes(of),
      unit: "MiB",
    });
    this.#progress.update(mebibytes(done));
  }

  /** Shows the last state and goes to a new line. */
  finish(): void {
    this.#progress?.finish();
  }
}
