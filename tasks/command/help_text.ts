import type { Flag, Flags } from "./parse_flags.ts";

/** What `--help` says of a command. */
export interface CommandText {
  readonly name: string;
  /** One line: what the command does. */
  readonly summary: string;
  /** The free arguments. @default {none are taken} */
  readonly positionals?: PositionalsText;
  readonly flags: Flags;
  /** Commands that work as they stand, each with what it does. */
  readonly examples: readonly (readonly [command: string, does: string])[];
}

/** The free arguments of a command. */
export interface PositionalsText {
  /** The word that stands for one of them. */
  readonly metavar: string;
  readonly help: string;
  /** Fewest. @default {0} */
  readonly least?: number;
  /** Most. @default {any number} */
  readonly most?: number;
}

function flagLeft(name: string, flag: Flag): string {
  if (flag.kind === "boolean") return `--${name}`;
  const choices = flag.kind === "string" && flag.choices !== undefined ? flag.choices.join("|") : undefined;
  return `--${name} ${flag.metavar ?? choices ?? (flag.kind === "list" ? "A,B,…" : flag.kind.toUpperCase())}`;
}

function flagRight(flag: Flag): string {
  if (flag.kind === "boolean") return flag.help;
  if (flag.kind !== "list" && flag.required) return `${flag.help} (required)`;
  if (flag.default === undefined) return flag.help;
  return `${flag.help} (default ${Array.isArray(flag.default) ? flag.default.join(",") : flag.default})`;
}

/** Rows in two columns; long left cells take a line of their own. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(28, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length > width
      ? [`  ${left}`, `  ${"".padEnd(width)}  ${right}`]
      : [`  ${left.padEnd(width)}  ${right}`]
  );
}

/** The text of `--help`: usage, arguments, flags with defaults, examples, exit codes. */
export function helpText(command: CommandText): string {
  const { positionals } = command;
  const many = positionals !== undefined && (positionals.most ?? Infinity) > 1 ? "…" : "";
  const word = positionals === undefined
    ? ""
    : (positionals.least ?? 0) > 0
    ? ` ${positionals.metavar}${many}`
    : ` [${positionals.metavar}${many}]`;
  const lines = [command.summary, "", `Usage: deno task ${command.name}${word} [flags]`, ""];
  if (positionals !== undefined) {
    lines.push("Arguments:", ...columns([[positionals.metavar, positionals.help]]), "");
  }
  const rows = Object.entries(command.flags).map(([name, flag]) =>
    [flagLeft(name, flag), flagRight(flag)] as const
  );
  lines.push("Flags:", ...columns([...rows, ["--help, -h", "Show this text"]]), "", "Examples:");
  for (const [example, does] of command.examples) lines.push(`  ${example}`, `      ${does}`);
  lines.push(
    "",
    "Exit codes: 0 done, 1 a check fell outside its tolerance, 2 bad usage or bad input, 70 a bug, 130 interrupted",
  );
  return `${lines.join("\n")}\n`;
}
