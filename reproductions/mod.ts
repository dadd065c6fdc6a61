/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { fig04, fig18 } from "./_final_differences.ts";
import { fig03, fig19 } from "./_last_layer.ts";
import { table3, table4 } from "./_lens_table.ts";
import { fig05, fig20, fig21 } from "./_penultimate.ts";
import { fig02, fig14 } from "./_persistence.ts";
import { fig01, fig09 } from "./_single_layer.ts";
import { claimsItem } from "./claims.ts";
import { controlContrast } from "./control_contrast.ts";
import { controlFeatures } from "./control_features.ts";
import { controlGradientEnergy } from "./control_gradient_energy.ts";
import { controlLanguage } from "./control_language.ts";
import { controlLearningRate } from "./control_learning_rate.ts";
import { controlNegative } from "./control_negative.ts";
import { controlOpeners } from "./control_openers.ts";
import { controlRandom } from "./control_random.ts";
import { controlRandomReward } from "./control_random_reward.ts";
import { controlShuffled } from "./control_shuffled.ts";
import { fig06 } from "./fig06.ts";
import { fig07 } from "./fig07.ts";
import { fig08 } from "./fig08.ts";
import { fig10 } from "./fig10.ts";
import { fig11 } from "./fig11.ts";
import { fig12 } from "./fig12.ts";
import { fig13 } from "./fig13.ts";
import { fig15 } from "./fig15.ts";
import { fig16 } from "./fig16.ts";
import { fig17 } from "./fig17.ts";
import { fig22 } from "./fig22.ts";
import { fig23 } from "./fig23.ts";
import { fig24 } from "./fig24.ts";
import { fig25 } from "./fig25.ts";
import { fig26 } from "./fig26.ts";
import { table1 } from "./table1.ts";
import { table2 } from "./table2.ts";
import { table5 } from "./table5.ts";
import { table6 } from "./table6.ts";
import { table7 } from "./table7.ts";

/** Figures, tables and controls, in the paper's order. */
const ITEMS: readonly Reproduction[] = [
  fig01,
  fig02,
  fig03,
  fig04,
  fig05,
  fig06,
  fig07,
  fig08,
  fig09,
  fig10,
  fig11,
  fig12,
  fig13,
  fig14,
  fig15,
  fig16,
  fig17,
  fig18,
  fig19,
  fig20,
  fig21,
  fig22,
  fig23,
  fig24,
  fig25,
  fig26,
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
  table7,
  controlContrast,
  controlFeatures,
  controlGradientEnergy,
  controlLanguage,
  controlLearningRate,
  controlNegative,
  controlOpeners,
  controlRandom,
  controlRandomReward,
  controlShuffled,
];

/** Every item, in the paper's order: figures, tables, controls, and the claims that these decide. */
export const REPRODUCTIONS: readonly Reproduction[] = [...ITEMS, claimsItem(ITEMS)];
