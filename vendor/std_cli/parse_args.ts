/**
 * `parseArgs` under the name and signature of jsr:@std/cli, for the options this project uses.
 *
 * @module
 */

/** Parsed values by name, and the free arguments under `_`. */
export type Args = {
  // deno-lint-ignore no-explicit-any
  [name: string]: any;
  _: (string | number)[];
  "--"?: string[];
};

/** How to read the arguments. */
export interface ParseOptions {
  /** Keep what follows `--` under the key `--`. @default {false} */
  readonly "--"?: boolean;
  /** Other names of a flag. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags without a value. */
  readonly boolean?: string | readonly string[];
  /** Flags whose values gather in a list. */
  readonly collect?: string | readonly string[];
  /** Values of flags that were not given. */
  readonly default?: Readonly<Record<string, unknown>>;
  /** Flags whose value stays a string; free arguments too under `_`. */
  readonly string?: string | readonly string[];
  /** Boolean flags that `--no-NAME` turns off. */
  readonly negatable?: string | readonly string[];
  /** Free arguments begin at the first one. @default {false} */
  readonly stopEarly?: boolean;
  /** Called for each argument that is not declared; `false` drops it. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

const list = (names: string | readonly string[] | undefined): readonly string[] =>
  names === undefined ? [] : typeof names === "string" ? [names] : names;

const isNumber = (text: string): boolean =>
  /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text);

/** Parses command-line arguments into values by flag name. */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const booleans = new Set(list(options.boolean)), strings = new Set(list(options.string));
  const collected = new Set(list(options.collect)), negatable = new Set(list(options.negatable));
  const twins = new Map<string, readonly string[]>();
  for (const [name, others] of Object.entries(options.alias ?? {})) {
    const group = [name, ...list(others)];
    for (const member of group) twins.set(member, group);
  }
  const group = (name: string): readonly string[] => twins.get(name) ?? [name];
  const within = (set: ReadonlySet<string>, name: string): boolean =>
    group(name).some((member) => set.has(member));
  const declared = (name: string): boolean =>
    within(booleans, name) || within(strings, name) || within(collected, name) || twins.has(name);

  const result: Args = { _: [] };
  const given = new Set<string>();

  const free = (arg: string): void => {
    if (options.unknown !== undefined && options.unknown(arg) === false) return;
    result._.push(strings.has("_") || !isNumber(arg) ? arg : Number(arg));
  };
  const set = (name: string, raw: string | boolean, arg: string): void => {
    if (!declared(name) && options.unknown !== undefined && options.unknown(arg, name, raw) === false) return;
    const value = typeof raw === "string" && !within(strings, name) && isNumber(raw) ? Number(raw) : raw;
    for (const member of group(name)) {
      if (within(collected, name)) {
        if (!given.has(member)) result[member] = [];
        result[member].push(value);
      } else result[member] = value;
      given.add(member);
    }
  };
  const bare = (name: string): string | boolean => within(strings, name) ? "" : true;
  const takesNext = (name: string, next: string | undefined): next is string =>
    !within(booleans, name) && next !== undefined && !next.startsWith("-");

  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end), rest = end < 0 ? [] : args.slice(end + 1);
  for (let at = 0; at < own.length; at++) {
    const arg = own[at] as string;
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(arg);
    const next = own[at + 1];
    if (long !== null) {
      const name = long[1] as string, value = long[2];
      const positive = name.replace(/^no-/, "");
      if (value !== undefined) set(name, within(booleans, name) ? value !== "false" : value, arg);
      else if (positive !== name && within(negatable, positive)) set(positive, false, arg);
      else if (takesNext(name, next)) set(name, own[++at] as string, arg);
      else if (within(booleans, name) && (next === "true" || next === "false")) {
        set(name, own[++at] === "true", arg);
      } else set(name, bare(name), arg);
    } else if (/^-[^-]/.test(arg)) {
      const letters = arg.slice(1);
      const last = letters.at(-1) as string;
      for (const letter of letters.slice(0, -1)) set(letter, bare(letter), arg);
      if (takesNext(last, next)) set(last, own[++at] as string, arg);
      else set(last, bare(last), arg);
    } else {
      free(arg);
      if (options.stopEarly) {
        for (const remaining of own.slice(at + 1)) result._.push(remaining);
        break;
      }
    }
  }

  const absent = (name: string): boolean => !group(name).some((member) => given.has(member));
  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (absent(name)) { for (const member of group(name)) result[member] = value; }
  }
  for (const name of booleans) {
    if (absent(name) && result[name] === undefined) {
      for (const member of group(name)) result[member] = within(collected, name) ? [] : false;
    }
  }
  for (const name of collected) {
    if (absent(name) && result[name] === undefined) { for (const member of group(name)) result[member] = []; }
  }
  if (options["--"]) result["--"] = [...rest];
  else for (const arg of rest) result._.push(arg);
  return result;
}
