import type { Interrupt, Terminal } from "../../tasks/command/terminal.ts";

/** A terminal in memory: what was written, a clock that stands still until it is set, and Ctrl-C on demand. */
export interface FakeTerminal extends Terminal {
  readonly written: { output: string; error: string };
  /** What the screen showed, one text per key that was waited for. */
  readonly shown: readonly string[];
  /** How often the user's folder was entered. Tests stay where they are: the current folder is that of all of them. */
  entered(): number;
  /** Sets the clock, in milliseconds. */
  setClock(ms: number): void;
  /** Presses Ctrl-C, or sends a launcher's signal. */
  interrupt(by?: Interrupt): void;
  /** How many listeners wait for Ctrl-C. */
  listening(): number;
}

/** Thrown where a process would have ended. */
export class ExitCalled extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** A terminal for tests. */
export function fakeTerminal(
  args: readonly string[],
  screen: {
    readonly interactive?: boolean;
    readonly columns?: number;
    readonly rows?: number;
    readonly colours?: boolean;
    /** Keys that are pressed, one after the other: then results go to a screen. */
    readonly keys?: readonly string[];
  } = {},
): FakeTerminal {
  const written = { output: "", error: "" };
  const listeners = new Set<(by: Interrupt) => void>();
  const shown: string[] = [], keys = [...screen.keys ?? []];
  const columns = screen.columns ?? 80;
  let clockMs = 0, entered = 0;
  return {
    args,
    interactive: screen.interactive ?? false,
    columns,
    colours: screen.colours ?? false,
    screen: screen.keys === undefined ? null : {
      columns,
      rows: screen.rows ?? 24,
      show: (text) => void shown.push(text),
      key: () => Promise.resolve(keys.shift() ?? null),
      close: () => {},
    },
    written,
    shown,
    enterUserFolder: () => void entered++,
    entered: () => entered,
    output: (text) => void (written.output += text),
    error: (text) => void (written.error += text),
    now: () => clockMs,
    setClock: (ms) => void (clockMs = ms),
    onInterrupt(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    interrupt: (by = "person") => listeners.forEach((listener) => listener(by)),
    listening: () => listeners.size,
    exit(code) {
      throw new ExitCalled(code);
    },
  };
}
