/**
 * Every table and figure that can be reproduced.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { controlFeatures } from "./control_features.ts";
import { fig01 } from "./fig01.ts";
import { fig03 } from "./fig03.ts";
import { fig07 } from "./fig07.ts";
import { fig08 } from "./fig08.ts";
import { fig22 } from "./fig22.ts";
import { fig23 } from "./fig23.ts";
import { fig24 } from "./fig24.ts";
import { fig25 } from "./fig25.ts";
import { fig26 } from "./fig26.ts";

/** Every item, in the paper's order: figures, tables, controls. */
export const REPRODUCTIONS: readonly Reproduction[] = [
  fig01,
  fig03,
  fig07,
  fig08,
  fig22,
  fig23,
  fig24,
  fig25,
  fig26,
  controlFeatures,
];
