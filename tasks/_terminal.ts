import { enterUserFolder } from "./_user_folder.ts";

/** Where a command reads its arguments from and writes its lines to. */
export interface Terminal {
  /** The arguments after the name of the program. */
  readonly args: readonly string[];
  /** Whether what goes to `error` is read by a person on a screen. */
  readonly interactive: boolean;
  /** Characters in a line of the screen. */
  readonly columns: number;
  /** Makes the folder where the user called the command the current one, in which paths are looked up. */
  enterUserFolder(): void;
  /** Writes results: standard output. */
  output(text: string): void;
  /** Writes everything else, such as progress and faults: standard error. */
  error(text: string): void;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Calls `listener` at each Ctrl-C until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
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

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    args: Deno.args,
    interactive: Deno.stderr.isTerminal(),
    columns: screenColumns(),
    enterUserFolder,
    output: (text) => writeAll(Deno.stdout, text),
    error: (text) => writeAll(Deno.stderr, text),
    now: () => performance.now(),
    onInterrupt(listener) {
      Deno.addSignalListener("SIGINT", listener);
      return () => Deno.removeSignalListener("SIGINT", listener);
    },
    exit: (code) => Deno.exit(code),
  };
}
