/**
 * The table of docs/mutation.md: faults and what saw them by room, and each survivor with its reason.
 *
 * deno run --no-prompt --allow-read tests/mutation/table.ts FILE
 *
 * @module
 */
import type { Outcome } from "./_mutants.ts";

/** Why a fault that no test of its room saw is none, or is seen elsewhere: by place and replacement. */
const REASONS: Readonly<Record<string, string>> = JSON.parse(
  Deno.readTextFileSync(new URL("./survivors.json", import.meta.url)),
);

const [file] = Deno.args;
if (file === undefined) throw new Error("FILE is missing: what run.ts wrote");
const outcomes = Deno.readTextFileSync(file).trim().split("\n").map((line): Outcome => JSON.parse(line))
  .filter(({ outcome }) => outcome !== "does not compile");
const rooms = [...new Set(outcomes.map(({ room }) => room))].sort();
const row = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
row(["room", "faults", "killed in their own room", "survived"]);
row(["---", "---:", "---:", "---:"]);
for (
  const [name, own] of [
    ...rooms.map((room) => [room, outcomes.filter((one) => one.room === room)] as const),
    ["all", outcomes] as const,
  ]
) {
  const killed = own.filter(({ outcome }) => outcome === "killed").length;
  row([name, own.length, killed, own.length - killed]);
}
console.log("");
row(["survivor", "fault", "why"]);
row(["---", "---", "---"]);
for (const { at, from, to } of outcomes.filter(({ outcome }) => outcome === "survived")) {
  const name = `${at} ${from.trim()} ${to.trim()}`;
  row([
    `\`${at}\``,
    `\`${from.trim()}\` → \`${to.trim()}\``,
    REASONS[name] ?? `(no reason in survivors.json under "${name}")`,
  ]);
}
