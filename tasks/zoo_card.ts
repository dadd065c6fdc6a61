import { openCheckpoint, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import {
  corpusSection,
  logSection,
  readVectorRows,
  replaceSections,
  vectorsSection,
} from "./_card_sections.ts";
import { wholeNumber } from "./_checks.ts";
import { defineCommand, main } from "./_command.ts";
import { EXIT_CODES } from "./_fault.ts";
import { checkWritable } from "./_output_place.ts";
import { readPretrainConfig } from "./tokenizer.ts";

/** Rewrites the computed tables of the zoo's model card. */
export const zooCard = defineCommand({
  name: "zoo-card",
  summary:
    "Rewrites the tables of the zoo's card that are computed: the corpus, the end of pretraining, the vectors.",
  flags: {
    card: {
      kind: "string",
      default: "fixtures/embedded/README.md",
      metavar: "FILE",
      help: "Card with the marks <!-- corpus -->, <!-- log --> and <!-- vectors -->",
    },
    config: {
      kind: "string",
      default: "fixtures/embedded/base-a.pretrain.json",
      metavar: "FILE",
      help: "Pretraining config, for the corpus",
    },
    model: {
      kind: "string",
      default: "fixtures/embedded/base-a",
      metavar: "DIR",
      help: "Model folder with its log.jsonl",
    },
    vectors: {
      kind: "string",
      default: "fixtures/embedded/vectors/base-a",
      metavar: "DIR",
      help: "Folder of the vectors and their logs",
    },
    documents: {
      kind: "number",
      default: 20_000,
      metavar: "N",
      check: wholeNumber(1),
      help: "Documents of the corpus to count over",
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
    const { card, documents, last } = flags;
    const text = await Deno.readTextFile(card);
    if (!flags.check) await checkWritable(card, { as: "file" });
    const { corpus } = await readPretrainConfig(flags.config);
    const checkpoint = await openCheckpoint(flags.model), log = `${flags.model}/log.jsonl`;
    const rows = await readVectorRows(flags.vectors, {
      config: checkpoint.config,
      model: await checkpoint.hash(),
      last,
    });
    const sections = {
      corpus: corpusSection(corpus, { documents }),
      log: logSection(await Deno.readTextFile(log), { where: log }),
      vectors: vectorsSection(rows, { last }),
    };
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
