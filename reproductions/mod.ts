/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { controlOpeners } from "./control_openers.ts";
import { fig01 } from "./fig01.ts";
import { fig03 } from "./fig03.ts";
import { fig05 } from "./fig05.ts";
import { fig06 } from "./fig06.ts";
import { fig19 } from "./fig19.ts";
import { fig20 } from "./fig20.ts";
import { fig21 } from "./fig21.ts";

/** Every item, in the paper's order: figures, tables, controls. */
export const REPRODUCTIONS: readonly Reproduction[] = [
  fig01,
  fig03,
  fig05,
  fig06,
  fig19,
  fig20,
  fig21,
  controlOpeners,
];
