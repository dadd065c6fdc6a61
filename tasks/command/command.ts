import { InputError } from "../../lib/core/mod.ts";
import { DURATION, durationOf } from "./checks.ts";
import { EXIT_CODES, faultOf } from "./fault.ts";
import { type CommandText, helpText, type PositionalsText } from "./help_text.ts";
import { type Flags, type FlagValues, parseFlags } from "./parse_flags.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

const WALL = "until-wall";

/** A flag of commands that go on where they stopped: {@link runCommand} stops them when their time is over. */
export const UNTIL_WALL = {
  [WALL]: {
    kind: "string",
    metavar: "TIME",
    check: DURATION,
    help: "Stop at a checkpoint after this time, as 3h, 45min or 1h30min; exit 130, and it says how to go on",
  },
} as const;

/** What a command's `run` gets. */
export interface CommandInput<S extends Flags> {
  readonly flags: FlagValues<S>;
  /** The free arguments; their count has been checked. */
  readonly positionals: readonly string[];
  /** Aborts at Ctrl-C, at a launcher's signal and when `--until-wall` is over. Long work looks at it between steps and calls `signal.throwIfAborted()` once it has saved. */
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** Writes one line of results to standard output. */
  print(line: string): void;
}

/** A command line: what it takes, says of itself, and does. */
export interface Command<S extends Flags> extends CommandText {
  readonly flags: S;
  /** What to do after Ctrl-C, such as "add --resume to the same command to go on". @default {"run the command again"} */
  readonly resume?: string;
  /** Does the work; resolves to an exit code. Input faults are thrown as InputError. @default {0} */
  readonly run: (input: CommandInput<S>) => Promise<number | void> | number | void;
}

/** Declares a command; the type of each flag's value follows from its declaration. */
export function defineCommand<const S extends Flags>(command: Command<S>): Command<S> {
  const reserved = Object.keys(command.flags).find((name) => name === "help" || name === "h" || name === "_");
  if (reserved !== undefined) {
    throw new RangeError(`Cannot define "${command.name}" as the flag name "${reserved}" is taken`);
  }
  return command;
}

function checkCount(given: readonly string[], rule: PositionalsText | undefined): void {
  const least = rule?.least ?? 0, most = rule === undefined ? 0 : rule.most ?? Infinity;
  if (given.length > most) {
    throw new InputError(`unexpected argument "${given[most]}"`, {
      repair: "--help shows what the command takes",
    });
  }
  if (given.includes("")) {
    throw new InputError(`${rule?.metavar} is empty`, { repair: "--help shows what the command takes" });
  }
  if (given.length < least) {
    throw new InputError(`${rule?.metavar} is missing`, {
      ...(rule === undefined ? {} : { repair: rule.help }),
    });
  }
}

/** Runs a command on a terminal and resolves to its exit code; it never throws. */
export async function runCommand<const S extends Flags>(
  command: Command<S>,
  terminal: Terminal,
): Promise<number> {
  const stop = new AbortController();
  let release: (() => void) | undefined, wall: ReturnType<typeof setTimeout> | undefined;
  try {
    terminal.enterUserFolder();
    const { help, flags, positionals } = parseFlags(terminal.args, command.flags);
    if (help) {
      terminal.output(helpText(command));
      return EXIT_CODES.done;
    }
    checkCount(positionals, command.positionals);
    const stopping = (why: string): void => {
      if (!stop.signal.aborted) terminal.error(`\nstopping after the step at hand (${why})\n`);
      stop.abort();
    };
    release = terminal.onInterrupt((by) => {
      // A step that cannot be cut short may take long, so a second Ctrl-C has to work without it.
      if (stop.signal.aborted && by === "person") terminal.exit(EXIT_CODES.interrupted);
      stopping(by === "person" ? "Ctrl-C again stops at once" : "a signal asks for it");
    });
    const wallMs = durationOf(String((flags as { readonly [WALL]?: string })[WALL] ?? ""));
    if (wallMs !== null) wall = setTimeout(() => stopping(`the time of --${WALL} is over`), wallMs);
    const print = (line: string): void => terminal.output(`${line}\n`);
    const code = await command.run({ flags, positionals, signal: stop.signal, terminal, print });
    return code ?? EXIT_CODES.done;
  } catch (error) {
    if (stop.signal.aborted && isAbort(error)) {
      terminal.error(`interrupted: ${command.resume ?? "run the command again"}\n`);
      return EXIT_CODES.interrupted;
    }
    const fault = faultOf(error);
    terminal.error(fault.text);
    return fault.code;
  } finally {
    release?.();
    clearTimeout(wall);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The entry of a task: runs the command on this process and ends it with the exit code. */
export async function main<const S extends Flags>(command: Command<S>): Promise<never> {
  Deno.exit(await runCommand(command, processTerminal()));
}
