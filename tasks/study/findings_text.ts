import { type ClaimResult, formatCheckTable, formatPaperTable, type Metrics } from "../../lib/report/mod.ts";

/** A claim as one line: verdict, effect with its interval. */
function claimLine(claim: ClaimResult): string {
  const { effect, interval } = claim;
  const verdict = claim.holds === null ? "cannot be decided" : claim.holds ? "holds" : "does not hold";
  const number = (value: number): string => String(Number(value.toPrecision(4)));
  const value = effect.value === null ? "not applicable" : `${number(effect.value)} ${effect.unit}`;
  const ends = interval === null ? "" : ` [${number(interval.low)}, ${number(interval.high)}]`;
  return `claim: ${claim.statement} ${verdict}: ${effect.name} = ${value}${ends}`;
}

/** What a person reads of an item: its checks, the paper's numbers beside ours, its claims. */
export function findingsLines(metrics: Metrics): readonly string[] {
  const { id, title, checks, paper, claims, profile } = metrics;
  const lines = [`${id}: ${title}`];
  if (checks.length > 0) lines.push(formatCheckTable(checks));
  else lines.push("no expected values for these settings: nothing is checked");
  if (paper !== undefined && paper.numbers.length > 0) {
    lines.push("", formatPaperTable(paper));
    if (profile === "embedded") {
      lines.push("another model on other problems: shown side by side, not compared");
    }
    lines.push("");
  }
  return [...lines, ...claims.map(claimLine)];
}
