import { InputError } from "../lib/core/mod.ts";
import { EXIT_CODES, faultOf } from "./_fault.ts";
import { type CommandText, helpText, type PositionalsText } from "./_help_text.ts";
import { type Flags, type FlagValues, parseFlags } from "./_parse_flags.ts";
import { processTerminal, type Terminal } from "./_terminal.ts";

/** What a command's `run` gets. */
export interface CommandInput<S extends Flags> {
  readonly flags: FlagValues<S>;
  /** The free arguments; their count has been checked. */
  readonly positionals: readonly string[];
  /** Aborts at Ctrl-C. Long work looks at it between steps and calls `signal.throwIfAborted()` once it has saved. */
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
  let release: (() => void) | undefined;
  try {
    terminal.enterUserFolder();
    const { help, flags, positionals } = parseFlags(terminal.args, command.flags);
    if (help) {
      terminal.output(helpText(command));
      return EXIT_CODES.done;
    }
    checkCount(positionals, command.positionals);
    release = terminal.onInterrupt(() => {
      // A step that cannot be cut short may take long, so a second Ctrl-C has to work without it.
      if (stop.signal.aborted) terminal.exit(EXIT_CODES.interrupted);
      terminal.error("\nstopping after the step at hand (Ctrl-C again stops at once)\n");
      stop.abort();
    });
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
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The entry of a task: runs the command on this process and ends it with the exit code. */
export async function main<const S extends Flags>(command: Command<S>): Promise<never> {
  Deno.exit(await runCommand(command, processTerminal()));
}
