import { WorkFault } from "./_faults.ts";

/**
 * Steps of one rendering: parts evaluated, turns of loops, letters and elements that are made. A conversation of two
 * thousand turns stays within it; a loop without end reaches it in about a second.
 */
export const STEP_LIMIT = 1_000_000;

/** Letters that count as one step: copying or searching them costs about what one evaluation does. */
const LETTERS_PER_STEP = 16;

/** Elements of a list that count as one step where they are copied. */
const ELEMENTS_PER_STEP = 16;

/**
 * Counts the work of one rendering. It knows no clock, so that a template is accepted or refused alike on every
 * machine. What an operation is going to make is counted before it is made.
 */
export class Work {
  #steps = 0;

  /** Counts steps; `WorkFault` past the limit. */
  charge(steps: number): void {
    this.#steps += steps;
    if (!(this.#steps <= STEP_LIMIT)) {
      throw new WorkFault("the template does more work than a conversation needs");
    }
  }

  /** Counts letters that are read, copied or about to be made. */
  letters(count: number): void {
    this.charge(count / LETTERS_PER_STEP);
  }

  /** Counts elements that are copied or about to be made. */
  elements(count: number): void {
    this.charge(count / ELEMENTS_PER_STEP);
  }
}
