/**
 * Experiments as declared edits of a model graph: taps, patches and steering at named sites, the ways a vector can
 * take (places in a block, patches of the last block), and steering adjoints.
 *
 * @module
 */
export { ADAPTER_NAMES, type AdapterValues, type AppliedAdapters } from "./apply_adapters.ts";
export type { ComparedEdits } from "./_compared_passes.ts";
export type { Recompute } from "./added_adjoints.ts";
export { DIFFERENCE_COUNTS, DIFFERENCE_NAMES, DIFFERENCE_SUMS, differenceGraph } from "./difference_graph.ts";
export {
  type AppliedEdits,
  applyEdits,
  checkEdits,
  EDIT_NAMES,
  type Edits,
  siteHeads,
  siteShape,
  type Trip,
} from "./edits.ts";
export {
  ablationFeeds,
  type AblationShape,
  ablationShape,
  type AppliedAblation,
  checkAblation,
  type DifferenceAutoencoder,
  type FeatureAblation,
} from "./feature_ablation.ts";
export {
  checkLastBlockPatch,
  lastBlockLayout,
  lastBlockMasks,
  type LastBlockPatch,
  lastBlockPatchText,
  parseLastBlockPatch,
} from "./last_block_patch.ts";
export {
  checkOperators,
  type Operator,
  operatorFeeds,
  type Operators,
  type OperatorShape,
  operatorShape,
} from "./apply_operators.ts";
export { SEQUENCE_NAMES, sequenceGraph, type SequenceOutputs } from "./sequence_graph.ts";
export { checkRoute, routeFeeds, routeKey, routeOf, type SteeringRoute } from "./steering_route.ts";
export {
  TOKEN_SHIFT_NAMES,
  TOKEN_SHIFT_TOKENS,
  TOKEN_SHIFT_VALUES,
  tokenShiftGraph,
  type WholeRoute,
} from "./token_shift_graph.ts";
export { placeKinds, VECTOR_PLACES, type VectorPlace } from "./vector_place.ts";
