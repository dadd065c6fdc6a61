import { enterUserFolder } from "./user_folder.ts";

/** A screen that results are shown on, with a person at its keys. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Clears the screen and writes a text from its upper left corner. */
  show(text: string): void;
  /**
   * Waits for a key: a letter, or the sequence that a special key sends; null when no more can come. Rejects with the
   * signal's reason when it aborts.
   */
  key(signal: AbortSignal): Promise<string | null>;
  /** Gives the keys back, and leaves the line that was written last. */
  close(): void;
}

/** What asks a command to stop: a person at the keys, or a launcher, whose signal may come more than once. */
export type Interrupt = "person" | "launcher";

/** Signals of launchers. USR1 is none of them: Deno opens its debugger on it. */
const LAUNCHER_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGTERM", "SIGUSR2"];

/** Where a command reads its arguments from and writes its lines to. */
export interface Terminal {
  /** The arguments after the name of the program. */
  readonly args: readonly string[];
  /** Whether what goes to `error` is read by a person on a screen. */
  readonly interactive: boolean;
  /** Characters in a line of the screen. */
  readonly columns: number;
  /** Whether what goes to `output` may have colours: a screen, of somebody who wants them. */
  readonly colours: boolean;
  /** The screen behind `output`; null where that goes into a file or another program, or nobody can press a key. */
  readonly screen: Screen | null;
  /** Makes the folder where the user called the command the current one, in which paths are looked up. */
  enterUserFolder(): void;
  /** Writes results: standard output. */
  output(text: string): void;
  /** Writes everything else, such as progress and faults: standard error. */
  error(text: string): void;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /**
   * Calls `listener` at each Ctrl-C, and at each signal by which a launcher asks for an end, until the returned
   * function is called.
   */
  onInterrupt(listener: (by: Interrupt) => void): () => void;
  /** Ends the program at once. */
  exit(code: number): never;
}

function writeAll(file: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
}

function screenColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    // Neither stream is a screen; nothing is drawn over then, so any width will do.
    return 80;
  }
}

/** A key that sends a sequence, or any letter. */
const KEY = /\p{Cc}\[[\d;]*[A-Za-z~]|./gsu;

/** The screen of this process, or null. */
function processScreen(): Screen | null {
  if (!Deno.stdout.isTerminal() || !Deno.stdin.isTerminal()) return null;
  const waiting: string[] = [];
  let raw = false;
  const size = (): { readonly columns: number; readonly rows: number } => Deno.consoleSize();
  return {
    get columns() {
      return size().columns;
    },
    get rows() {
      return size().rows;
    },
    show: (text) => writeAll(Deno.stdout, `\x1b[2J\x1b[H${text}`),
    async key(signal) {
      // Ctrl-C stays a signal.
      if (!raw) Deno.stdin.setRaw(true, { cbreak: true });
      raw = true;
      if (waiting.length === 0) {
        const stopped = Promise.withResolvers<never>();
        const stop = (): void => stopped.reject(signal.reason);
        signal.addEventListener("abort", stop, { once: true });
        const bytes = new Uint8Array(64);
        const length = await Promise.race([Deno.stdin.read(bytes), stopped.promise])
          .finally(() => signal.removeEventListener("abort", stop));
        if (length === null) return null;
        waiting.push(...new TextDecoder().decode(bytes.subarray(0, length)).match(KEY) ?? []);
      }
      return waiting.shift() ?? null;
    },
    close() {
      if (!raw) return;
      Deno.stdin.setRaw(false);
      raw = false;
      writeAll(Deno.stdout, "\n");
    },
  };
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    args: Deno.args,
    interactive: Deno.stderr.isTerminal(),
    columns: screenColumns(),
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
    screen: processScreen(),
    enterUserFolder,
    output: (text) => writeAll(Deno.stdout, text),
    error: (text) => writeAll(Deno.stderr, text),
    now: () => performance.now(),
    onInterrupt(listener) {
      const person = () => listener("person"), launcher = () => listener("launcher");
      Deno.addSignalListener("SIGINT", person);
      for (const signal of LAUNCHER_SIGNALS) Deno.addSignalListener(signal, launcher);
      return () => {
        Deno.removeSignalListener("SIGINT", person);
        for (const signal of LAUNCHER_SIGNALS) Deno.removeSignalListener(signal, launcher);
      };
    },
    exit: (code) => Deno.exit(code),
  };
}
