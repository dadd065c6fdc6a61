import { InputError } from "../../lib/core/mod.ts";
import { publishedFolder, type Rates } from "../../lib/experiment/mod.ts";
import { wholeNumber } from "../command/checks.ts";
import type { CommandInput } from "../command/command.ts";
import { COMPUTE_FLAGS, computeOptions } from "../command/compute_flags.ts";
import { type StudyPlan, studyPlan } from "./plan_parts.ts";
import { modelPlace, type OpenProfile, openProfile, PROFILE_FLAG } from "../study/profile.ts";
import { Progress } from "../command/progress.ts";
import { probeRates, RATES_FLAG, readRates } from "./rates.ts";
import { MEASURING_FLAGS, type ReproductionSetting } from "../study/reproduction_setting.ts";
import { chooseReproductions } from "../study/reproductions.ts";
import { projectPath } from "../command/user_folder.ts";

/** What `plan` and `cluster` take to say which study they are about. */
export const PLAN_FLAGS = {
  profile: PROFILE_FLAG,
  size: MEASURING_FLAGS.size,
  seed: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(0),
    help: "First evaluation seed (default the profile's)",
  },
  device: COMPUTE_FLAGS.device,
  dtype: COMPUTE_FLAGS.dtype,
  threads: COMPUTE_FLAGS.threads,
  rates: RATES_FLAG,
  quiet: MEASURING_FLAGS.quiet,
} as const;

/** Items of a study where none is named. */
export const ITEMS = {
  metavar: "ID",
  help: "fig1, fig3, a slug such as last-layer, or all (default all)",
} as const;

/** A plan, and what it was made with. */
export interface MadePlan extends StudyPlan {
  readonly profile: OpenProfile;
  readonly seed: number;
}

/** Makes the plan of the study that flags and free arguments name. */
export async function makePlan(
  { flags, positionals, signal, terminal }: Pick<
    CommandInput<typeof PLAN_FLAGS>,
    "flags" | "positionals" | "signal" | "terminal"
  >,
  options: {
    readonly setting: ReproductionSetting;
    /** What costs follow from where `--rates` gives nothing; null estimates nothing. `@default` measured here */
    readonly rates?: Rates | null;
  },
): Promise<MadePlan> {
  const { setting } = options, items = chooseReproductions(positionals.length === 0 ? ["all"] : positionals);
  const profile = await openProfile(flags.profile, setting), { seed = profile.seeds[0] as number } = flags;
  const given = flags.rates === undefined ? undefined : await readRates(flags.rates);
  if (given !== undefined && given.device !== flags.device) {
    throw new InputError(`the rates are of ${given.device}, and the plan is for ${flags.device}`, {
      where: flags.rates as string,
      repair: `add --device ${given.device}, or give other rates`,
    });
  }
  const known = options.rates === null ? null : given ?? options.rates;
  const progress = new Progress(terminal, {
    label: "planning",
    total: items.length,
    unit: "items",
    quiet: flags.quiet,
  });
  const plan = await studyPlan(profile, {
    ...{ ...flags, items, seed, setting, signal },
    onItem: (done) => progress.update(done),
    rates: async ({ asked, missingProblems }) => {
      if (known !== undefined) return known;
      // Of a profile whose model is not there, the smallest shipped one has to say how fast this machine is.
      const first = profile.models.find(({ role }) => role === "a");
      const folder = first === undefined || missingProblems.length > 0
        ? null
        : await publishedFolder(modelPlace(profile, first));
      const { maxNewTokens } = profile.sizes[flags.size];
      if (!flags.quiet) terminal.error("measuring how fast this machine is (--rates FILE leaves it out)\n");
      return await probeRates(folder ?? projectPath("fixtures/embedded/base-a"), {
        compute: computeOptions({ ...flags, date: profile.date }),
        ...{ asked, maxNewTokens, signal, now: () => performance.now() },
      });
    },
  });
  progress.finish();
  return { ...plan, profile, seed };
}
