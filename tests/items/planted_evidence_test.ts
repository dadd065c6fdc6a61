import { assert, assertEquals, assertMatch } from "@std/assert";
import { accuracyInterval } from "../../lib/analysis/mod.ts";
import type { ClaimResult } from "../../lib/report/mod.ts";
import { partsOf, verdictOf } from "../../reproductions/_claim_verdicts.ts";
import { PAPER_CLAIMS } from "../../reproductions/_paper_claims.ts";
import { lastLayerClaims } from "../../reproductions/_last_layer_claims.ts";
import { PLANTED_EVIDENCE, plantedLastLayer } from "../../reproductions/_planted_evidence.ts";
import { PLANTED_KINDS, type PlantedDraw, plantedOutcomes } from "../../reproductions/_planted_outcomes.ts";

const SHOULD = { there: "holds", absent: "does not hold", weak: "open" } as const;
const DRAWS = [0, 1, 2];
const planted = (item: string, at: PlantedDraw): readonly ClaimResult[] => PLANTED_EVIDENCE[item]?.(at) ?? [];

for (const { id, sources } of PAPER_CLAIMS.filter(({ sources }) => sources.length > 0)) {
  Deno.test(`the decision of claim ${id} holds where its mechanism is planted, fails without it, is open on too little`, () => {
    for (const kind of PLANTED_KINDS) {
      for (const draw of DRAWS) {
        const verdict = verdictOf(
          sources.flatMap((source) =>
            partsOf(source, { claims: planted(source.item, { kind, draw }) }, source.claims)
          ),
        );
        assertEquals(verdict.word, SHOULD[kind], `${kind}, draw ${draw}`);
      }
    }
  });
}

Deno.test("every part of a claim holds where the mechanism is planted, and fails in some draw without it", () => {
  // A vector is itself at its source, with or without a mechanism.
  const given = ["shift_is_vector_at_source"];
  for (const item of new Set(PAPER_CLAIMS.flatMap(({ sources }) => sources.map(({ item }) => item)))) {
    const there = DRAWS.map((draw) => planted(item, { kind: "there", draw }));
    const absent = DRAWS.map((draw) => planted(item, { kind: "absent", draw }));
    for (const [part, { claim }] of there[0]?.entries() ?? []) {
      // Whether a model's own vectors do better is no part of a claim.
      if (claim === "own_vectors_do_best" || given.includes(claim)) continue;
      assert(there.every((claims) => claims[part]?.holds === true), `${item} ${claim} where it is planted`);
      assert(absent.some((claims) => claims[part]?.holds === false), `${item} ${claim} where it is not`);
    }
  }
});

Deno.test("the decision of claim 5 takes features of either sign, and says which one it found", () => {
  for (const [draw, kind] of [[0, "right"], [1, "wrong"]] as const) {
    for (const { holds, effect, note } of planted("fig7", { kind: "there", draw })) {
      assertEquals(holds, true);
      assertEquals(Math.sign(effect.value ?? NaN), kind === "right" ? 1 : -1);
      assertMatch(effect.name, new RegExp(`^feature 5, which goes with ${kind} answers:`));
      assertMatch(note, new RegExp(`: 1 features do, ${kind === "right" ? 1 : 0} with right answers`));
    }
  }
});

Deno.test("the decision of claim 2 cannot be read where the base model already opens with the token", () => {
  for (const kind of PLANTED_KINDS) {
    const claims = plantedLastLayer({ kind, draw: 0 }, { baseOpens: 0.95 });
    assertEquals(claims.map(({ holds }) => holds), [null, null, null]);
    for (const { unreadable, note, effect } of claims) {
      assertMatch(
        unreadable ?? "",
        /^the base model itself opens 9[45]\.\d % of its answers with that token$/,
      );
      assertEquals(note, `Cannot be read: ${unreadable}.`);
      // What was measured is still said.
      assert(kind === "weak" || effect.value !== null);
    }
    // Nor where another part of the claim can be read, and fails, whichever comes first.
    const unread = { item: "fig3", result: claims[0] as ClaimResult, absent: null };
    const fails = { ...unread, result: { ...unread.result, holds: false, unreadable: undefined } };
    for (const parts of [[unread, fails], [fails, unread]]) {
      const { word, deciding } = verdictOf(parts);
      assertEquals([word, deciding], ["cannot be read", unread]);
    }
    const [first] = plantedLastLayer({ kind, draw: 0 }, { baseOpens: 0.85 });
    assertEquals(first?.unreadable, undefined);
  }
});

Deno.test("claim 2 wants the opener to rise most in over half of the texts, however much it rises", () => {
  const opener = 7, none = { source: 0, baseToken: 0, steeredToken: 0, minToken: 0, minShift: 0, klNats: 0 };
  const outcomes = plantedOutcomes({ base: 0.4, prefix: 0.7, steered: 0.8 }, { kind: "there", draw: 0 });
  for (const [every, holds] of [[1, true], [3, false]] as const) {
    const rows = Array.from({ length: 48 }, (_, sample) =>
      [0, 1].map((position) => ({
        ...{ ...none, sample, position, maxToken: sample % every === 0 ? opener : 8 },
        ...{ maxShift: position === 0 ? 0.6 : 0.01, followed: [position === 0 ? 0.25 : 0] },
      }))).flat();
    const evidence = { rows, opener, openerLabel: "planted", baseOpens: rows.map(() => 0.2), ...outcomes };
    const boosts = lastLayerClaims(evidence).find(({ claim }) => claim === "last_layer_boosts_opener");
    assertEquals([boosts?.holds, boosts?.effect.value], [holds, 0.25]);
  }
});

Deno.test("plantedOutcomes() has the accuracies that were asked for, paired, and other ones in another draw", () => {
  const asked = { base: 0.25, same: 0.25, more: 0.5 };
  const weak = plantedOutcomes(asked, { kind: "weak", draw: 0 });
  const percents = (of: typeof weak) =>
    [of.base, of.same, of.more].map((outcomes) => accuracyInterval(outcomes).percent);
  assertEquals(percents(weak).map((percent) => Math.round(percent)), [25, 25, 50]);
  assert(JSON.stringify(weak.base) !== JSON.stringify(weak.same), "each on problems of its own");
  const study = plantedOutcomes(asked, { kind: "there", draw: 0 });
  assertEquals(study.same, study.base);
  const [base = 0, , more = 0] = percents(study);
  assert(Math.abs(base - 25) < 7 && Math.abs(more - 50) < 7, `${base}, ${more}`);
  const right = Object.values(study.base).flat(3), above = Object.values(study.more).flat(3);
  assert(
    right.every(([answer], place) => (answer ?? 0) <= (above[place]?.[0] ?? 0)),
    "one number decides for both",
  );
  assert(JSON.stringify(plantedOutcomes(asked, { kind: "there", draw: 1 })) !== JSON.stringify(study));
});
