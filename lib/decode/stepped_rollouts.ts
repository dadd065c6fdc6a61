import { type Tensor, tensor, zeros } from "../core/mod.ts";
import { padRight } from "./padded_batch.ts";
import { type RolloutEngine, rolloutFeeds, type SamplingOptions, type Unfinished } from "./rollout.ts";
import { cacheHeads, CHUNK, ROLLOUT_NAMES } from "./rollout_graph.ts";

type Caches = ReadonlyMap<string, Tensor<"float32">>;

/** A completion as far as it is drawn. */
export interface SteppedRow extends Unfinished {
  /** Why no more is drawn; null while more is. */
  readonly ended: "stop" | "length" | null;
}

/** How completions are drawn a few tokens at a time. */
export interface SteppedOptions extends SamplingOptions {
  /** Tokens between two looks at what is there. */
  readonly stepsAtOnce: number;
  /** Whether a row's tokens end it, beside the stop tokens. */
  readonly ends: (row: Unfinished) => boolean;
}

/**
 * Draws the completions of one batch a few tokens at a time, and gives all rows after each time: the tokens and the
 * log-probabilities of {@link sampleRollouts}, bit for bit where no row there is handed on to another batch. Between
 * two times the KV cache lies with the program: what is recent is put behind what is settled as in the whole graph.
 *
 * `using` lends an engine of a graph of steps for one run.
 */
export async function* steppedRollouts(
  using: <T>(run: (engine: RolloutEngine) => Promise<T>) => Promise<T>,
  begun: readonly Unfinished[],
  options: SteppedOptions,
): AsyncGenerator<readonly SteppedRow[]> {
  const { maxNewTokens, stepsAtOnce, ends } = options;
  const rows: (Unfinished & { ended: SteppedRow["ended"] })[] = begun.map((row) => ({ ...row, ended: null }));
  const asked = rows.map(({ request }) => request.tokens);
  const batch = rows.length, lengths = asked.map(({ length }) => length);
  let settled: Caches = new Map(), recent: Caches = new Map();
  for (let drawn = 0, room = 1; rows.some(({ ended }) => ended === null);) {
    const steps = Math.min(drawn === 0 ? 1 : stepsAtOnce, room, maxNewTokens - drawn);
    const alive = rows.map(({ ended }) => ended === null), first = drawn === 0;
    const { out, stops } = await using(async (engine) => {
      const { config, stopTokens, edits } = engine,
        heads = cacheHeads(config, edits),
        prompts = padRight(asked, config);
      const read = first
        ? prompts.tokens
        : tensor("int64", [batch, 1], rows.map(({ tokens }, r) => alive[r] ? tokens.at(-1) as number : 0));
      const empty = (index: number) => zeros("float32", [batch, heads[index] as number, 0, config.headDim]);
      const caches = heads.flatMap((_, index) =>
        (["key", "value"] as const).flatMap((name) =>
          ([["settled", settled], ["recent", recent]] as const).map(([part, held]) => {
            const input = ROLLOUT_NAMES.cache(part, name, index);
            return [input, held.get(input) ?? empty(index)] as const;
          })
        )
      );
      const out = await engine.session.run({
        ...rolloutFeeds(engine, rows, {
          ...options,
          readers: rows,
          texts: prompts,
          owners: [...rows.keys()],
          enoughAlive: 0,
          steps,
          positions: prompts.seq + maxNewTokens,
        }),
        [ROLLOUT_NAMES.read]: read,
        [ROLLOUT_NAMES.position]: tensor(
          "int64",
          [batch],
          lengths.map((length) => first ? 0 : length + drawn - 1),
        ),
        [ROLLOUT_NAMES.last]: tensor("int32", [batch], lengths.map((length) => first ? length - 1 : 0)),
        [ROLLOUT_NAMES.alive]: tensor("bool", [batch], alive.map(Number)),
        ...Object.fromEntries(caches),
      });
      return { out, stops: stopTokens };
    });
    const tokens = out[ROLLOUT_NAMES.tokens]?.data as BigInt64Array, made = tokens.length / batch;
    const logProbs = out[ROLLOUT_NAMES.logProbs]?.data as Float32Array;
    drawn += made;
    room -= made;
    rows.forEach((row, r) => {
      for (let at = r; at < tokens.length && row.ended === null; at += batch) {
        row.tokens.push(Number(tokens[at]));
        row.logProbs.push(logProbs[at] as number);
        if (stops.includes(row.tokens.at(-1) as number) || ends(row)) row.ended = "stop";
        else if (row.tokens.length >= maxNewTokens) row.ended = "length";
      }
    });
    recent = new Map(
      Object.entries(out).filter(([name]) => name.endsWith(NEXT))
        .map(([name, value]) => [name.slice(0, -NEXT.length), value as Tensor<"float32">]),
    );
    if (room === 0) {
      settled = new Map([...recent].map(([name, more]) => {
        const old = name.replace("recent", "settled"), before = settled.get(old);
        return [old, before === undefined ? more : behind(more, before)];
      }));
      recent = new Map();
      room = CHUNK;
    }
    yield rows;
  }
}

/** What a cache that goes on is called, behind its name. */
const NEXT = "_next";

/** Slots of two caches [batch, heads, slots, head_dim] one behind the other, the newer ones first. */
function behind(newer: Tensor<"float32">, older: Tensor<"float32">): Tensor<"float32"> {
  const [batch, heads, fresh, width] = newer.dims as [number, number, number, number];
  const kept = older.dims[2] as number, joined = zeros("float32", [batch, heads, fresh + kept, width]);
  for (let row = 0; row < batch * heads; row++) {
    const at = row * (fresh + kept) * width;
    joined.data.set(newer.data.subarray(row * fresh * width, (row + 1) * fresh * width), at);
    joined.data.set(older.data.subarray(row * kept * width, (row + 1) * kept * width), at + fresh * width);
  }
  return joined;
}
