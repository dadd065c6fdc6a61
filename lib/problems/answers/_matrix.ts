import { call, type Expression } from "./_expression.ts";

/** A matrix of expressions, all rows of one length. */
export interface Matrix {
  readonly kind: "matrix";
  readonly rows: readonly (readonly Expression[])[];
}

/** Cells a product may have, times the terms of each. */
const PRODUCT_LIMIT = 1000;

function shape({ rows }: Matrix): readonly [number, number] {
  return [rows.length, rows[0]?.length ?? 0];
}

/** The sum; null where the shapes differ. */
export function addMatrices(left: Matrix, right: Matrix): Matrix | null {
  if (shape(left).join() !== shape(right).join()) return null;
  return {
    kind: "matrix",
    rows: left.rows.map((row, r) =>
      row.map((cell, c) => call("Add", cell, right.rows[r]?.[c] as Expression))
    ),
  };
}

/** The product of a number and a matrix. */
export function scaleMatrix(factor: Expression, matrix: Matrix): Matrix {
  return {
    kind: "matrix",
    rows: matrix.rows.map((row) => row.map((cell) => call("Multiply", factor, cell))),
  };
}

/** The product; null where the shapes do not fit or it would be too large. */
export function multiplyMatrices(left: Matrix, right: Matrix): Matrix | null {
  const [height, inner] = shape(left), [rows, width] = shape(right);
  if (inner !== rows || height * inner * width > PRODUCT_LIMIT) return null;
  const columns = Array.from({ length: width }, (_, c) => right.rows.map((row) => row[c] as Expression));
  return {
    kind: "matrix",
    rows: left.rows.map((row) =>
      columns.map((column) =>
        call("Add", ...row.map((cell, k) => call("Multiply", cell, column[k] as Expression)))
      )
    ),
  };
}

/** Rows as columns. */
export function transposed({ rows }: Matrix): Matrix {
  const width = rows[0]?.length ?? 0;
  return {
    kind: "matrix",
    rows: Array.from({ length: width }, (_, c) => rows.map((row) => row[c] as Expression)),
  };
}
