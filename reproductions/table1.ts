/**
 * table1: the all-layer vectors of every model of a family added to every other.
 *
 * @module
 */
import {
  type AccuracyDifference,
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  type TransferCell,
  type TransferRow,
  transferTable,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  isFamily,
  type ModelRole,
  NotApplicable,
  type Reproduction,
  setsText,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, heatMap, type MetricValue, type Panel } from "../lib/report/mod.ts";
import { accuracyMetric, pointsMetric } from "./_accuracy.ts";
import { intervalMetric } from "./_measured.ts";
import { transferClaims } from "./_accuracy_claims.ts";

interface Donor {
  readonly role: ModelRole;
  readonly zoo: ZooModel;
  readonly treatments: readonly Treatment[];
}

/** Outcomes of a recipient without vectors and with those of each donor, by role. */
interface Row {
  readonly recipient: Donor;
  readonly base: BenchmarkOutcomes;
  readonly donors: Readonly<Record<string, BenchmarkOutcomes>>;
}

/**
 * Models of one architecture and width with their all-layer vectors, each a donor and a recipient. Finds what is missing
 * or does not fit before anything is measured.
 */
async function openFamily({ roles, open }: Bench): Promise<readonly Donor[]> {
  const members = roles.filter(isFamily), family: Donor[] = [];
  if (members.length < 2) throw new NotApplicable("the profile has no sibling of the model of role a");
  for (const role of members) {
    const zoo = await open(role);
    family.push({ role, zoo, treatments: await zoo.trained("all") });
  }
  const shape = ({ zoo }: Donor) => `${zoo.layers} layers of width ${zoo.model.config.embed}`;
  const [first, ...others] = family as [Donor, ...Donor[]];
  for (const other of others) {
    if (shape(other) === shape(first)) continue;
    throw new InputError(`a model of ${shape(other)} takes no vectors of one of ${shape(first)}`, {
      where: other.zoo.entry.modelFolder,
      repair: "use models of one family",
    });
  }
  return family;
}

async function measure({ lab }: Bench, family: readonly Donor[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const recipient of family) {
    const { zoo } = recipient, sampled = { zoo, decoding: "sampling" } as const;
    const [base, ...byDonor] = await lab.outcomesOf([
      { ...sampled, run: null },
      ...family.map(({ zoo: donor, treatments: run }) => ({
        ...sampled,
        run,
        label: `with vectors of ${donor.entry.name}`,
      })),
    ]);
    const donors = Object.fromEntries(family.map(({ role }, place) => [role, byDonor[place]]));
    rows.push({ recipient, base, donors: donors as Row["donors"] });
  }
  return rows;
}

/** The gain of each donor's vectors in the other models. */
function foreignGains(
  rows: readonly Row[],
): readonly { readonly recipient: Donor; readonly donor: ModelRole; readonly gain: AccuracyDifference }[] {
  const roles = rows.map(({ recipient }) => recipient.role);
  return rows.flatMap(({ recipient, base, donors }) =>
    roles.filter((donor) => donor !== recipient.role).map((donor) => ({
      recipient,
      donor,
      gain: accuracyDifference(donors[donor] as BenchmarkOutcomes, base),
    }))
  );
}

function valuesOf(
  rows: readonly Row[],
  options: { readonly cells: readonly TransferCell[]; readonly published: readonly TransferCell[] },
): readonly MetricValue[] {
  const find = (cells: readonly TransferCell[], recipient: ModelRole, donor: ModelRole) =>
    cells.find((cell) => cell.recipient === recipient && cell.donor === donor) as TransferCell;
  return rows.flatMap(({ recipient: { role }, base, donors }): MetricValue[] => [
    accuracyMetric(`accuracy.${role}.base`, accuracyInterval(base)),
    ...rows.map(({ recipient }) => recipient.role).flatMap((donor): MetricValue[] => {
      const { normalised, level } = find(options.cells, role, donor);
      const published = find(options.published, role, donor).normalised.value;
      const place = `${role}.from_${donor}`;
      return [
        accuracyMetric(`accuracy.${place}`, accuracyInterval(donors[donor] as BenchmarkOutcomes)),
        intervalMetric({ ...normalised, level }, {
          name: `normalised.${place}`,
          unit: "share",
          why: `Not applicable: ${normalised.reason}.`,
        }),
        {
          name: `normalised.${place}.as_published`,
          value: published,
          unit: "share",
          note:
            "Divided whatever the gain's interval; the accuracy in percent where there is no gain at all.",
        },
      ];
    }),
  ]).concat(
    foreignGains(rows).map(({ recipient, donor, gain }) =>
      pointsMetric(`gain.${recipient.role}.from_${donor}`, gain)
    ),
  );
}

function panelsOf(family: readonly Donor[], cells: readonly TransferCell[]): readonly Panel[] {
  const rowLabels = family.map(({ zoo }) => zoo.entry.name), columnLabels = [...rowLabels, "none"];
  const matrix = (value: (cell: TransferCell) => number | null) =>
    family.map(({ role }) =>
      [...family.map(({ role: donor }) => donor), null].map((donor) => {
        const cell = cells.find((other) => other.recipient === role && other.donor === donor);
        return cell === undefined ? null : value(cell);
      })
    );
  const common = {
    rowTitle: "Recipient",
    columnTitle: "Donor of the vectors",
    rowLabels,
    columnLabels,
    cell: 96,
  };
  const normalised = matrix((cell) => cell.normalised.value);
  return [
    heatMap({
      ...common,
      title: "a  Accuracy",
      values: matrix((cell) => cell.percent),
      cellDigits: 1,
      barTitle: "Mean\naccuracy (%)",
    }),
    // The last column is 0 where a row has a gain to share, so that a map without values has no row with a gain.
    ...(normalised.flat().every((value) => value === null) ? [] : [
      heatMap({
        ...common,
        title: "b  Share of the own vectors' gain",
        values: normalised,
        cellDigits: 2,
        barTitle: "Share of\nown gain",
        colours: { arms: "even" },
      }),
    ]),
  ];
}

async function run(bench: Bench): Promise<Findings> {
  const family = await openFamily(bench), { lab } = bench;
  const rows = await measure(bench, family);
  const table = rows.map(({ recipient, base, donors }): TransferRow => ({
    recipient: recipient.role,
    base,
    donors,
  }));
  const cells = transferTable(table), published = transferTable(table, { asPublished: true });
  return {
    spec: figureSpec(panelsOf(family, bench.asPublished === true ? published : cells), {
      title: "All-layer vectors in other models of the family",
      subtitle: [
        `Mean of ${
          setsText(lab.asked)
        }, τ = 1, mean over evaluation and training seeds; each recipient is asked by its own`,
        "template. Right: (accuracy − base) / (own − base), 1 for the own vectors; hatched: the own gain is not established.",
      ],
    }),
    values: valuesOf(rows, { cells, published }),
    claims: transferClaims(table),
  };
}

/** Table 1: transfer of all-layer vectors within a family. */
export const table1: Reproduction = {
  id: "table1",
  slug: "transfer",
  title: "All-layer vectors in other models of the family",
  itemClass: "code",
  publishedFault: "rows are divided by the own gain whether or not it is established.",
  differences: [
    "Intervals are paired bootstraps over problems and seeds; the published ± is a deviation over evaluation seeds divided by the row's span.",
    "Rows whose own gain is not established have no normalised values; the published table divides all the same.",
    "Rows are recipients and columns donors, as in the published table, whose axis captions say the opposite.",
  ],
  run,
};
