import { join } from "node:path";
import { writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { RunArtifact, ZooArtifact } from "../lib/experiment/mod.ts";
import {
  corpusSection,
  logSection,
  readRunRows,
  replaceSections,
  runsSection,
} from "./study/card_sections.ts";
import { wholeNumber } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { EXIT_CODES } from "./command/fault.ts";
import { checkWritable } from "./command/output_place.ts";
import { type OpenProfile, openProfile, PROFILE_FLAG } from "./study/profile.ts";
import { projectPath } from "./command/user_folder.ts";
import { artifactStates } from "./training/zoo_build.ts";

/** The parts of a profile that are there; one made from other inputs would put a wrong number into the card. */
async function partsThere(profile: OpenProfile): Promise<readonly ZooArtifact[]> {
  const { artifacts, states } = await artifactStates(profile);
  const other = artifacts.find(({ name }) => states.get(name) === "made from other inputs");
  if (other !== undefined) {
    throw new InputError(`${other.name} was made from other inputs than the profile's`, {
      where: other.path,
      repair: "deno task zoo --force makes it again",
    });
  }
  return artifacts.filter(({ name }) => states.get(name) === "there");
}

/** The computed tables of every model, by the names of their marks. */
async function cardSections(
  parts: readonly ZooArtifact[],
  options: { readonly documents: number; readonly last: number },
): Promise<Record<string, readonly string[]>> {
  const sections: Record<string, readonly string[]> = {};
  for (const model of parts) {
    if (model.kind !== "model" && model.kind !== "published") continue;
    const runs = parts.filter((part): part is RunArtifact =>
      part.kind === "run" && part.needs.includes(model.name)
    );
    if (model.kind === "model") {
      const where = `${model.path}/log.jsonl`;
      sections[`corpus ${model.name}`] = corpusSection(model.config.corpus, options);
      sections[`log ${model.name}`] = logSection(await Deno.readTextFile(where), { where });
    }
    if (runs.length === 0) continue;
    sections[`vectors ${model.name}`] = runsSection(await readRunRows(runs, options), options);
  }
  return sections;
}

/** Rewrites the computed tables of the zoo's model card. */
export const zooCard = defineCommand({
  name: "zoo-card",
  summary:
    "Rewrites the tables of the zoo's card that are computed: of each model the corpus, the end of pretraining, the runs.",
  flags: {
    card: {
      kind: "string",
      metavar: "FILE",
      help:
        "Card with the marks <!-- corpus NAME -->, <!-- log NAME --> and <!-- vectors NAME --> of each model (default: README.md in the profile's folder)",
    },
    profile: PROFILE_FLAG,
    documents: {
      kind: "number",
      default: 20_000,
      metavar: "N",
      check: wholeNumber(1),
      help: "Documents of each corpus to count over",
    },
    last: {
      kind: "number",
      default: 10,
      metavar: "N",
      check: wholeNumber(1),
      help: "Steps at the end of a training run whose accuracy is averaged",
    },
    check: { kind: "boolean", help: "Write nothing; exit 1 unless the card is up to date" },
  },
  examples: [
    ["deno task zoo-card", "Bring fixtures/embedded/README.md up to date with the files beside it"],
    ["deno task zoo-card --check", "Say whether it is"],
  ],
  async run({ flags, print }) {
    const profile = await openProfile(flags.profile, { fixtures: projectPath("fixtures") });
    const { card = join(profile.root, "README.md"), documents, last } = flags;
    const text = await Deno.readTextFile(card);
    if (!flags.check) await checkWritable(card, { as: "file" });
    const sections = await cardSections(await partsThere(profile), { documents, last });
    const now = replaceSections(text, sections, { where: card });
    if (now === text) {
      print(`${card}: up to date`);
      return EXIT_CODES.done;
    }
    if (flags.check) {
      print(`${card}: out of date, deno task zoo-card rewrites it`);
      return EXIT_CODES.outside;
    }
    await writeFileAtomic(card, now);
    print(`${card}: rewritten`);
    return EXIT_CODES.done;
  },
});

if (import.meta.main) await main(zooCard);
