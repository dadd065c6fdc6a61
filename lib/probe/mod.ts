/**
 * Experiments as declared edits of a model graph: taps, patches and steering at named sites, and steering adjoints.
 *
 * @module
 */
export { type AppliedEdits, applyEdits, checkEdits, EDIT_NAMES, type Edits, siteShape } from "./edits.ts";
export { SEQUENCE_NAMES, sequenceGraph, type SequenceOutputs } from "./sequence_graph.ts";
