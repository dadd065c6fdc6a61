import type { BenchmarkOutcomes } from "../../lib/analysis/mod.ts";
import {
  type Bench,
  type Condition,
  type Findings,
  Laboratory,
  type Reproduction,
  ResultStore,
} from "../../lib/experiment/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import { EMBEDDED, ROLES, TINY_SIZE } from "../experiment/_tiny_zoo.ts";
import type { WholeZoo } from "./_whole_zoo.ts";

/** A condition as a script names it: `base`, `layer-3`, `place-input_norm-1 as published`. */
export interface Asked {
  readonly model: string;
  readonly run: string;
  readonly decoding: "greedy" | "sampling";
}

const PROBLEMS = 40;

/** A laboratory whose accuracies are written down beforehand: a share of right answers per condition. */
export class ScriptedLab extends Laboratory {
  readonly #share: (asked: Asked) => number;

  constructor(share: (asked: Asked) => number) {
    super({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    this.#share = share;
  }

  /** The first problems of every family are right: conditions differ in how many, so they are paired exactly. */
  override outcomes({ zoo, run, decoding }: Condition): Promise<BenchmarkOutcomes> {
    const first = Array.isArray(run) ? run[0] : null;
    const name = run === null
      ? "base"
      : typeof run === "string"
      ? run
      : `${first?.name.replace(/\.seed-\d+$/, "")}${first?.asPublished === true ? " as published" : ""}`;
    const right = Math.round(PROBLEMS * this.#share({ model: zoo.entry.name, run: name, decoding }));
    const answers = Array.from({ length: PROBLEMS }, (_, index) => [index < right ? 1 : 0]);
    const seeds = decoding === "greedy" ? [answers] : [answers, answers];
    return Promise.resolve(Object.fromEntries(FAMILIES.map((family) => [family, [seeds]])));
  }
}

/** Runs an item on the models of the whole zoo, its accuracies scripted. */
export function scriptedFindings(
  item: Reproduction,
  options: {
    readonly zoo: WholeZoo;
    readonly share: (asked: Asked) => number;
    readonly paper?: Bench["paper"];
  },
): Promise<Findings> {
  const { zoo, share, paper = null } = options;
  const open: Bench["open"] = (role) =>
    role === "a" || role === "b" || role === "a_instruct"
      ? Promise.resolve(zoo[role])
      : Promise.reject(new Error("not asked for"));
  return item.run({ lab: new ScriptedLab(share), roles: ROLES, open, paper });
}

/** A script for items that must fail before they measure. */
export function tooEarly(): number {
  throw new Error("measured too early");
}
