/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { controlLearningRate } from "./control_learning_rate.ts";
import { controlOpeners } from "./control_openers.ts";
import { fig01 } from "./fig01.ts";
import { fig03 } from "./fig03.ts";
import { fig05 } from "./fig05.ts";
import { fig06 } from "./fig06.ts";
import { fig09 } from "./fig09.ts";
import { fig10 } from "./fig10.ts";
import { fig11 } from "./fig11.ts";
import { fig12 } from "./fig12.ts";
import { fig19 } from "./fig19.ts";
import { fig20 } from "./fig20.ts";
import { fig21 } from "./fig21.ts";
import { table02 } from "./table02.ts";
import { table05 } from "./table05.ts";
import { table06 } from "./table06.ts";
import { table07 } from "./table07.ts";

/** Every item, in the paper's order: figures, tables, controls. */
export const REPRODUCTIONS: readonly Reproduction[] = [
  fig01,
  fig03,
  fig05,
  fig06,
  fig09,
  fig10,
  fig11,
  fig12,
  fig19,
  fig20,
  fig21,
  table02,
  table05,
  table06,
  table07,
  controlLearningRate,
  controlOpeners,
];
