import { assert, assertEquals } from "@std/assert";
import { ResultStore, STUDY_SIZES, ZooModel } from "../../lib/experiment/mod.ts";
import { fig01 } from "../../reproductions/fig01.ts";
import { fig03 } from "../../reproductions/fig03.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const ZOO = decodeURIComponent(new URL("../../fixtures/embedded", import.meta.url).pathname);
const ENTRY = {
  name: "base-a",
  modelFolder: `${ZOO}/base-a`,
  vectorsFolder: `${ZOO}/vectors/base-a`,
  opener: "To",
};

Deno.test("fig1 and fig3 find on the shipped zoo at the quick size what it was built to hold", () =>
  withFolder(async (folder) => {
    const a = await ZooModel.open(ENTRY);
    // The figures share conditions, as they do in one command.
    const store = new ResultStore(folder), size = STUDY_SIZES.quick;
    try {
      const layers = await findingsOf(fig01, { a, size, store });
      checkFindings(layers);
      const base = valueOf(layers, "accuracy.base.sampling") ?? NaN;
      const all = valueOf(layers, "accuracy.all_layers") ?? NaN;
      // 48 answers: a standard error of 7 points around the 30 to 55 % that the zoo is built for.
      assert(base > 15 && base < 65, `base ${base} %`);
      // It gains some 40 points and more; half of that is three standard errors of the difference.
      assert(all > base + 20, `all layers ${all} %, base ${base} %`);
      const byLayer = Array.from(
        { length: a.layers },
        (_, k) => valueOf(layers, `accuracy.layer_${k}`) ?? NaN,
      );
      assert(byLayer.every((percent) => percent >= 0 && percent <= 100));
      assert(Math.max(...byLayer) > base, `best layer ${Math.max(...byLayer)} %`);
      assertEquals(layers.claims.map(({ claim, holds }) => [claim, typeof holds]), [
        ["middle_layers_gain_most", "boolean"],
        ["no_layer_reaches_all_layer", "boolean"],
        ["all_but_two_layers_above_base", "boolean"],
      ]);

      const last = await findingsOf(fig03, { a, size, store });
      checkFindings(last);
      assertEquals(valueOf(last, "accuracy.base.sampling"), base);
      assertEquals(valueOf(last, "accuracy.last_layer.sampling"), byLayer.at(-1));
      const opener = valueOf(last, "shift.opener.position_0") ?? NaN;
      assert(opener > -1 && opener < 1, `Δp of the opener ${opener}`);
      const texts = (valueOf(last, "shift.texts") ?? NaN) + (valueOf(last, "shift.truncated_texts") ?? NaN);
      assertEquals(texts, size.traced * (await a.trained(`layer-${a.layers - 1}`)).length);
      assertEquals(last.claims.map(({ claim }) => claim), [
        "boost_concentrates_on_first_token",
        "last_layer_boosts_opener",
        "opener_recovers_most_of_the_gain",
      ]);
      assertEquals(last.claims.slice(0, 2).map(({ holds }) => typeof holds), ["boolean", "boolean"]);
    } finally {
      await a.release();
    }
  }));
