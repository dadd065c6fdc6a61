import { dirname } from "node:path";
import { InputError } from "../lib/core/mod.ts";
import { type ArtifactState, artifactState, belongsTo, type ZooArtifact } from "../lib/experiment/mod.ts";
import { COMPUTE_FLAGS, computeOptions } from "./command/compute_flags.ts";
import { defineCommand, main, UNTIL_WALL } from "./command/command.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { checkWritable } from "./command/output_place.ts";
import { type OpenProfile, openProfile, PROFILE_FLAG } from "./study/profile.ts";
import { durationText, Progress } from "./command/progress.ts";
import type { Terminal } from "./command/terminal.ts";
import { artifactStates, build, type BuildOptions, stepsMade, workOf } from "./training/zoo_build.ts";
import { projectPath } from "./command/user_folder.ts";
import { didYouMean } from "./command/did_you_mean.ts";

/** The artifacts that `--only` names: by name, or all whose names go on from it, `base-a/all` or `base-a`. */
function selected(artifacts: readonly ZooArtifact[], only: readonly string[]): readonly ZooArtifact[] {
  if (only.length === 0) return artifacts;
  for (const given of only) {
    if (artifacts.some((artifact) => belongsTo(artifact, given))) continue;
    const names = artifacts.flatMap(({ name }) => [name, name.replace(/\.seed-\d+$/, "")]);
    const repair = didYouMean(given, names, "--dry-run lists the names");
    throw new InputError(`the profile has no "${given}"`, repair);
  }
  return artifacts.filter((artifact) => only.some((given) => belongsTo(artifact, given)));
}

/** How much of the whole work is done, for the time that is left. */
class Workload {
  readonly #startMs: number;
  readonly #terminal: Terminal;
  #left: number;
  #made = 0;

  constructor(terminal: Terminal, steps: number) {
    this.#terminal = terminal;
    this.#startMs = terminal.now();
    this.#left = steps;
  }

  /** Counts steps that were made now. */
  advance(steps: number): void {
    this.#made += steps;
    this.#left -= steps;
  }

  /** "in all 2 h 10 min left", or nothing before the first step and after the last. */
  note(): string {
    if (this.#made === 0 || this.#left <= 0) return "";
    const msPerStep = (this.#terminal.now() - this.#startMs) / this.#made;
    return `  in all ${durationText(this.#left * msPerStep)} left`;
  }
}

/** What is not as it should be, in a few words. */
function summary(states: readonly ArtifactState[]): string {
  const missing = states.filter((state) => state === "missing").length;
  const other = states.filter((state) => state === "made from other inputs").length;
  const parts = [
    ...(missing === 0 ? [] : [`${missing} of ${states.length} missing`]),
    ...(other === 0 ? [] : [`${other} made from other inputs (--force replaces what was)`]),
  ];
  return parts.length === 0 ? "nothing is missing" : parts.join(", ");
}

/** Builds those of chosen artifacts that are missing, each after what it is made from. Resolves to an exit code. */
export async function buildArtifacts(
  chosen: readonly ZooArtifact[],
  options: Pick<BuildOptions, "threads" | "compute" | "signal" | "terminal" | "force"> & {
    readonly profile: OpenProfile;
    /** Where all artifacts of the profile stand. */
    readonly found: Awaited<ReturnType<typeof artifactStates>>;
    readonly print: (line: string) => void;
  },
): Promise<number> {
  const { profile, found: { artifacts, states }, print, ...how } = options, { force, signal, terminal } = how;
  const stateOf = ({ name }: ZooArtifact) => states.get(name) as ArtifactState;
  const wanted = (artifact: ZooArtifact) =>
    stateOf(artifact) === "missing" || (force && stateOf(artifact) !== "there");
  if (chosen.some(wanted)) {
    await checkWritable(profile.root, { as: "folder" });
    const unmade = chosen.filter(wanted);
    let steps = 0;
    for (const artifact of unmade) steps += workOf(artifact) - await stepsMade(artifact);
    const workload = new Workload(terminal, steps);
    let count = 0;
    for (const artifact of artifacts) {
      // Something that it lies on may have been made anew since.
      states.set(artifact.name, await artifactState(artifact, states));
      if (!chosen.includes(artifact) || !wanted(artifact)) continue;
      if (artifact.needs.some((name) => states.get(name) !== "there")) continue;
      const total = workOf(artifact), label = `${++count}/${unmade.length} ${artifact.name}`;
      let progress: Progress | null = null, before = 0, last = "";
      const finished = await build(artifact, {
        ...how,
        root: dirname(profile.where),
        onStep(done, note) {
          progress ??= new Progress(terminal, { label, total, from: before = done });
          workload.advance(done - before);
          before = done;
          last = note;
          progress.update(done, `${note}${workload.note()}`);
        },
      });
      (progress as Progress | null)?.finish(last);
      if (!finished) signal.throwIfAborted();
      states.set(artifact.name, "there");
      print(`${artifact.path}: ${artifact.name}`);
    }
    for (const artifact of chosen) {
      if (stateOf(artifact) === "there") continue;
      const lacking = artifact.needs.filter((name) => states.get(name) !== "there");
      const reason = lacking.length === 0 ? "" : `, it needs ${lacking.join(" and ")}`;
      print(`${stateOf(artifact)}: ${artifact.name}${reason}`);
    }
  }
  print(summary(chosen.map(stateOf)));
  return chosen.every((artifact) => stateOf(artifact) === "there") ? EXIT_CODES.done : EXIT_CODES.outside;
}

/** Builds what a profile lacks. */
export const zoo = defineCommand({
  name: "zoo",
  summary: "Builds what is missing of a profile: models, trained vectors and adapters, autoencoders.",
  resume: "the same command goes on",
  flags: {
    profile: PROFILE_FLAG,
    only: {
      kind: "list",
      metavar: "NAME,…",
      help: "Only these: base-b with all its runs, base-b/all with every seed, base-b/all.seed-0",
    },
    "dry-run": { kind: "boolean", help: "Build nothing; list every part and exit 1 if one is missing" },
    force: { kind: "boolean", help: "Replace what was made from other inputs than the profile's" },
    "as-published": {
      kind: "boolean",
      help:
        "Train runs as they were published, where the profile has a sounder choice, into vectors-as-published/",
    },
    threads: COMPUTE_FLAGS.threads,
    device: COMPUTE_FLAGS.device,
    dtype: COMPUTE_FLAGS.dtype,
    memory: COMPUTE_FLAGS.memory,
    ...UNTIL_WALL,
  },
  examples: [
    ["deno task zoo --dry-run", "Say what is missing"],
    ["deno task zoo", "Build it; after Ctrl-C or a kill the same command goes on where it was"],
    ["deno task zoo --profile smollm2", "Train what is missing of the runs on SmolLM2-135M-Instruct"],
    ["deno task zoo --only base-b/layer-3,base-b/all", "Build these runs alone"],
  ],
  async run({ flags, signal, terminal, print }) {
    const profile = await openProfile(flags.profile, {
      fixtures: projectPath("fixtures"),
      asPublished: flags["as-published"],
    });
    const found = await artifactStates(profile), chosen = selected(found.artifacts, flags.only);
    if (!flags["dry-run"]) {
      const compute = computeOptions({ ...flags, date: profile.date }), { threads, force } = flags;
      return await buildArtifacts(chosen, {
        ...{ profile, found, threads, compute, force, signal, terminal, print },
      });
    }
    const states = chosen.map(({ name }) => found.states.get(name) as ArtifactState);
    const width = Math.max(...states.map(({ length }) => length));
    for (const [place, artifact] of chosen.entries()) {
      const state = states[place] as ArtifactState, made = state === "there" ? 0 : await stepsMade(artifact);
      const begun = made === 0 ? "" : `  (${made} of ${workOf(artifact)} steps made)`;
      print(`${state.padEnd(width)}  ${artifact.name}${begun}`);
    }
    print(summary(states));
    return states.every((state) => state === "there") ? EXIT_CODES.done : EXIT_CODES.outside;
  },
});

if (import.meta.main) await main(zoo);
