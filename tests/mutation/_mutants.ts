import { RandomStream } from "../../lib/core/mod.ts";

/** One small fault: a text of a source that is replaced by another. */
export interface Mutant {
  /** `lib/core/random.ts:45:12`. */
  readonly at: string;
  /** Path of the source, from the root. */
  readonly path: string;
  /** Where the replaced text starts. */
  readonly offset: number;
  readonly from: string;
  readonly to: string;
}

/** What came of one fault. */
export interface Outcome extends Mutant {
  readonly room: string;
  readonly outcome: "killed" | "survived" | "does not compile";
  /** The first test that failed, or how else it was seen. */
  readonly by: string;
}

/** What a fault turns into what, outside strings and comments. */
const OPERATORS: readonly (readonly [pattern: RegExp, to: (found: string) => string])[] = [
  [/ <= /g, () => " < "],
  [/ < (?=[\w(])/g, () => " <= "],
  [/ >= /g, () => " > "],
  [/ > (?=[\w(])/g, () => " >= "],
  [/ === /g, () => " !== "],
  [/ !== /g, () => " === "],
  [/ && /g, () => " || "],
  [/ \|\| /g, () => " && "],
  [/(?<=[\w)\]]) \+ (?=[\w(])/g, () => " - "],
  [/(?<=[\w)\]]) - (?=[\w(])/g, () => " + "],
  [/(?<=[\w)\]]) \* (?=[\w(])/g, () => " / "],
  [/(?<=[\w)\]]) \/ (?=[\w(])/g, () => " * "],
  [/\+= /g, () => "-= "],
  [/\btrue\b/g, () => "false"],
  [/\bfalse\b/g, () => "true"],
  [/\bMath\.max\b/g, () => "Math.min"],
  [/\bMath\.min\b/g, () => "Math.max"],
  [/\bMath\.floor\b/g, () => "Math.ceil"],
  [/\bMath\.ceil\b/g, () => "Math.floor"],
  [/(?<=[ (\[])\d+(?:\.\d+)?(?=[ ,;)\]])/g, (found) => String(Number(found) + 1)],
  [/\.some\(/g, () => ".every("],
  [/\.every\(/g, () => ".some("],
  [/\bg\.add\(/g, () => "g.sub("],
  [/\bg\.mul\(/g, () => "g.add("],
  [/\.sort\([^()]*(?:\([^()]*\)[^()]*)*\)/g, () => ""],
];

/** Lines that say nothing of what is computed: comments, imports, types, what faults say. */
const SILENT =
  /^\s*(?:\*|\/\*|\/\/|import |export \{|export type |type |readonly |throw |`|"|\} from )|Error\(|Cannot |where:|repair:/;

/** Parts of a line within quotes. */
function quotedParts(line: string): readonly (readonly [from: number, to: number])[] {
  return [
    ...line.matchAll(
      /"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|\/\/.*$|\/(?:[^/\\\s]|\\.)+\/[a-z]*/g,
    ),
  ]
    .map((match) => [match.index, match.index + match[0].length]);
}

/** Every fault of a source that the operators make. */
export function mutantsOf(path: string, text: string): readonly Mutant[] {
  const found: Mutant[] = [];
  let start = 0, inSchema = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^(?:export )?(?:interface|type) /.test(line)) inSchema = true;
    if (!inSchema && !SILENT.test(line)) {
      const quoted = quotedParts(line);
      for (const [pattern, to] of OPERATORS) {
        for (const match of line.matchAll(pattern)) {
          if (quoted.some(([from, end]) => match.index < end && match.index + match[0].length > from)) {
            continue;
          }
          const at = `${path}:${index + 1}:${match.index + 1}`;
          found.push({ at, path, offset: start + match.index, from: match[0], to: to(match[0]) });
        }
      }
    }
    if (inSchema && /^\}|;$/.test(line)) inSchema = false;
    start += line.length + 1;
  }
  return found;
}

/** A few of a room's faults, drawn so that every file has its turn before any has a second one. */
export function drawn(
  byFile: readonly (readonly Mutant[])[],
  options: { readonly count: number; readonly seed: number; readonly room: string },
): readonly Mutant[] {
  const random = new RandomStream(options.seed, "mutants", options.room);
  const files = random.shuffled(byFile.filter((mutants) => mutants.length > 0)).map((file) =>
    random.shuffled(file)
  );
  const found: Mutant[] = [];
  for (let turn = 0; found.length < options.count && files.some((file) => file.length > turn); turn++) {
    for (const file of files) {
      const mutant = file[turn];
      if (mutant !== undefined && found.length < options.count) found.push(mutant);
    }
  }
  return found;
}
