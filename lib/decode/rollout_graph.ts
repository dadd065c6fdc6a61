import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import { DTYPE_BYTES, elementCount } from "../core/mod.ts";
import {
  type AccurateDType,
  accurateDType,
  cachedAttention,
  cachedHeads,
  type ComputeDType,
  decoderBlocks,
  type DecoderParts,
  embedTokens,
  fileWeights,
  type KeysAndValues,
  type LayerCache,
  rotaryTables,
  unembed,
  untouched,
  type WeightSource,
} from "../model/mod.ts";
import { type Carried, type Dim, type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { applyEdits, checkEdits, type Edits, lastBlockLayout } from "../probe/mod.ts";
import { sampleToken } from "./_sample_token.ts";

/** Names of a rollout graph's inputs and outputs. */
export const ROLLOUT_NAMES = {
  /** Right-padded prompts, int64 [prompts, seq]. */
  prompts: "prompts",
  /** Real length of each prompt, int32 [prompts]. */
  lengths: "lengths",
  /** Which prompt each row continues, int64 [batch]. */
  owners: "owners",
  /** One uniform per row and new token, float [batch, steps]. */
  uniforms: "uniforms",
  /** The most tokens that a row may get, at most the uniforms' steps, int64 scalar. */
  steps: "max_steps",
  /** float scalar > 0; 1 when greedy. */
  temperature: "temperature",
  /** bool scalar: take the most likely token. */
  greedy: "greedy",
  /** The loop goes on while more rows than this are alive, int64 scalar. */
  enoughAlive: "enough_alive",
  /** Of a graph with factors or patches: numbers of the prompts, from 0, int64 [prompts]. */
  origins: "origins",
  /** Of a filtered graph: how many of the likeliest tokens may be drawn, int64 [1]. */
  candidates: "candidates",
  /** Of a filtered graph: they end where their probabilities add up to this, float scalar; above 1 for no such end. */
  topP: "top_p",
  /** Of a graph of steps: what the first step reads, int64 [rows, now]. */
  read: "read",
  /** Of a graph of steps: position of the first of them, int64 [rows]. */
  position: "position",
  /** Of a graph of steps: which of them is each row's last, int32 [rows]. */
  last: "last",
  /** Of a graph of steps: rows that are unfinished, bool [batch]. */
  alive: "alive",
  /** Of a graph of steps: one part of one cache, float [rows, heads, slots, head_dim], in and with `_next` out. */
  cache: (part: "settled" | "recent", name: "key" | "value", index: number): string =>
    `${part}_${name}_${index}`,
  /** Tokens, int64 [steps, batch]; −1 after a row's stop token. */
  tokens: "tokens",
  /** Log-probabilities of those tokens at the sampling temperature, float [steps, batch]. */
  logProbs: "log_probs",
} as const;

/** 1 at the stop tokens. */
function stopMask(stopTokens: readonly number[], vocab: number): Uint8Array {
  const mask = new Uint8Array(vocab);
  for (const id of stopTokens) if (id < vocab) mask[id] = 1;
  return mask;
}

/** Float32 bytes of weights up to which they are packed for their products, at the price of a second copy. */
const PACKED_BYTES = 2 ** 30;

/** Whether a rollout graph has a model's weights packed where memory allows it; it holds them twice then. */
export function packsRollouts({ weights }: Pick<Checkpoint, "weights">): boolean {
  const elements = [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
  return elements * DTYPE_BYTES.float32 <= PACKED_BYTES;
}

/** Steps between two times that what is recent in the cache is put behind what is settled. */
export const CHUNK = 32;

/** Values that the outer loop carries before its tokens, and the inner one before its caches. */
const OUTER_STATE = 8, INNER_STATE = 5;

/**
 * Heads of every cache of a rollout's graph: one per block of the model, then one per block of the base model that an
 * ablation compares with.
 */
export function cacheHeads(
  config: ModelConfig,
  { lastBlock = null, ablation = null }: Pick<Edits, "lastBlock" | "ablation">,
): readonly number[] {
  const layout = lastBlock === null ? null : lastBlockLayout(lastBlock);
  const blocks = Array.from({ length: config.layers }, (_, layer) => cachedHeads(config, { layer, layout }));
  return [...blocks, ...new Array<number>(ablation === null ? 0 : ablation.layer + 1).fill(config.kvHeads)];
}

type Five = readonly [Value, Value, Value, Value, Value];

/** What a trip knows of its rows. */
interface RowsRead {
  /** Real length of each row's prompt, int64 [rows]. */
  readonly lengths: Value;
  /** Which of them each row of the batch continues, int64 [batch]. */
  readonly owners: Value;
  /** Numbers of the prompts, int64 [rows], where factors or patches are fed by prompt. */
  readonly origins: Value | null;
}

/**
 * A whole rollout as one graph of two loops, one in the other. The inner one embeds tokens, runs the blocks over a KV
 * cache that never leaves the graph, and samples; its first trip reads the whole prompts, every other trip the token
 * drawn before it, so that each weight is used in one place. What it reads lies in a short, recent part of the cache.
 * The outer loop goes round once per `chunk` steps and puts that behind what is settled, which the inner loop
 * reads from around it and never copies. It ends when `max_steps` tokens are out or no more than `enough_alive` rows
 * are unfinished.
 *
 * A prompt is read once, whatever number of rows continue it: the first round of the outer loop is the prompts' alone,
 * and at its end every row gets the cache of its owner. What is read in a trip has the length `rows` in the loops: the
 * prompts' number in the first one, the batch's later.
 *
 * Of what it computes, a GPU's loop hands one bit per token to the host: the condition. All lengths come from shapes.
 * Only the loops' bodies have arithmetic on shapes: it is done on the CPU, where a session that may not fall back to it
 * allows no node of the main graph.
 *
 * A row's numbers are the same, bit for bit, whatever rows and padding are beside it; a completion that goes on in
 * another batch by reading again what it has agrees with itself to rounding.
 *
 * With `steps` the graph is the inner loop alone, over caches that are fed and handed out, so that a program sees tokens
 * as they are drawn: the same numbers, where it settles what is recent as the outer loop does.
 *
 * Steering and adapters apply to prompt and generated tokens alike, vectors at any place, by a factor per position where
 * the edits say so; patches hold at prompts. A patched last block keeps in its cache what it attended to: mixed keys and
 * values, or both histories. An ablation of features runs the blocks up to its layer a second time, without additions
 * and over a cache of their own, on the tokens that the changed model draws. Taps belong to sequence graphs.
 *
 * @throws {RangeError} without a stop token.
 */
export function rolloutGraph(
  options: {
    readonly config: ModelConfig;
    readonly checkpoint: Checkpoint;
    readonly edits?: Omit<Edits, "taps">;
    readonly stopTokens: readonly number[];
    /** Steps between two growths of the settled cache. `@default 32` */
    readonly chunk?: number;
    /** Type of matrices, residual stream and KV cache; all else is float32. `@default "float32"` */
    readonly compute?: ComputeDType;
    /** Whether weights are packed for their products, at the price of a second copy. `@default` up to 1 GiB of them */
    readonly packed?: boolean;
    /** Of how many of the likeliest tokens draws are, at most; which of these is fed. `@default null`: of all */
    readonly likeliest?: number | null | undefined;
    /** Whether it is the graph of some steps, over caches that are fed. `@default false` */
    readonly steps?: boolean | undefined;
  },
): Graph {
  const { config, checkpoint, stopTokens, chunk = CHUNK } = options;
  const { compute = "float32", packed = packsRollouts(checkpoint), steps = false, likeliest = null } =
    options;
  const accurate = accurateDType(compute), read = steps ? "rows" : "prompts";
  if (stopTokens.length === 0) {
    throw new RangeError("Cannot build a rollout graph as it must have a stop token");
  }
  const edits = checkEdits(options.edits ?? {}, config);
  const g = new GraphBuilder("rollout");
  const prompts = g.input(ROLLOUT_NAMES.prompts, "int64", [read, "seq"]);
  const lengths = g.cast(g.input(ROLLOUT_NAMES.lengths, "int32", [read]), "int64");
  const owners = g.input(ROLLOUT_NAMES.owners, "int64", ["batch"]);
  const uniforms = g.input(ROLLOUT_NAMES.uniforms, accurate, ["batch", "steps"]);
  const maxSteps = g.input(ROLLOUT_NAMES.steps, "int64", []);
  const temperature = g.input(ROLLOUT_NAMES.temperature, accurate, []);
  const greedy = g.input(ROLLOUT_NAMES.greedy, "bool", []);
  const enoughAlive = g.input(ROLLOUT_NAMES.enoughAlive, "int64", []);
  const byPrompt = edits.steerFactors || edits.patches.length > 0;
  const origins = byPrompt ? g.input(ROLLOUT_NAMES.origins, "int64", [read]) : null;
  const filter = likeliest === null ? null : {
    sorted: likeliest,
    candidates: g.input(ROLLOUT_NAMES.candidates, "int64", [1]),
    topP: g.input(ROLLOUT_NAMES.topP, accurate, []),
  };
  const { site, siteOver, ablation, adapter, lastBlock, lastBlockOver } = applyEdits(g, edits, {
    config,
    compute,
    prompts: read,
  });
  const tables = rotaryTables(g, config, { count: config.maxPositions, compute });
  const stops = g.constant("bool", [config.vocab], stopMask(stopTokens, config.vocab));
  const [zero, one] = [g.scalar("int64", 0), g.scalar("int64", 1)];
  const goesOn = (inner: GraphBuilder, state: { readonly alive: Value; readonly drawn: Value }) => {
    const count = inner.reduce("sum", inner.cast(state.alive, "int64"), { axes: [0] });
    return inner.apply("And", [
      inner.apply("Greater", [count, enoughAlive]),
      inner.apply("Less", [state.drawn, maxSteps]),
    ]);
  };
  const projections = "joint";
  const baseBlocks = ablation?.blocks ?? 0, heads = cacheHeads(config, edits);
  const names = ["key", "value"] as const;
  /** Caches that are fed, which a graph of steps has. */
  const fedCaches = (part: "settled" | "recent"): KeysAndValues[] =>
    heads.map((count, index) => {
      const fed = (name: "key" | "value") =>
        g.input(ROLLOUT_NAMES.cache(part, name, index), accurate, ["rows", count, part, config.headDim]);
      return { key: g.cast(fed("key"), compute), value: g.cast(fed("value"), compute) };
    });
  /** Empty ones, for rows of which there are lengths. */
  const emptyCaches = (outer: GraphBuilder, lengths: Value): KeysAndValues[] => {
    const rows = outer.unsqueeze(outer.cast(lengths, compute), [1, 2, 3]); // [rows, 1, 1, 1]
    const empty = new Map([...new Set(heads)].map((count) => {
      const none = outer.expand(rows, [rows.dims[0] as Dim, count, 0, config.headDim]);
      return [count, { key: none, value: none }];
    }));
    return heads.map((count) => empty.get(count) as KeysAndValues);
  };
  /** One part of every cache, as a loop carries it. */
  const carriedCaches = (part: "settled" | "recent", start: readonly KeysAndValues[]): Carried[] =>
    start.flatMap((cache, index) =>
      names.map((name) => ({
        name: ROLLOUT_NAMES.cache(part, name, index),
        start: cache[name],
        dims: ["rows", heads[index] as number, part, config.headDim],
      }))
    );
  const pairs = (values: readonly Value[]): KeysAndValues[] =>
    heads.map((_, index) => ({ key: values[2 * index] as Value, value: values[2 * index + 1] as Value }));
  const flat = (caches: readonly KeysAndValues[]) => caches.flatMap(({ key, value }) => [key, value]);

  /** Logits [batch, vocab] behind the last real token of each row's owner, and the recent parts of every cache. */
  const forward = (
    body: GraphBuilder,
    read: {
      readonly weights: WeightSource;
      readonly tokens: Value;
      readonly position: Value;
      readonly last: Value;
      readonly rows: RowsRead;
      readonly past: readonly LayerCache[];
    },
  ) => {
    const { weights, tokens, position, last, rows: { lengths, owners, origins }, past } = read;
    const added = tokens.dims[1] as Dim;
    const grown: KeysAndValues[] = [];
    const offsets = body.apply("Range", [zero, body.length(added), one], {
      attributes: { length: String(added) },
    });
    const positions = body.add(body.unsqueeze(position, [1]), offsets); // [rows, new]
    const trip = origins === null ? undefined : { g: body, positions, offsets, origins };
    const attentionFrom = (first: number) =>
      cachedAttention(body, config, {
        tables,
        positions,
        lengths,
        added,
        prompt: "seq",
        slots: { settled: "settled", recent: "recent" },
        past: (layer) => past[first + layer] as LayerCache,
        store: (layer, recent) => void (grown[first + layer] = recent),
      });
    const parts: DecoderParts = {
      config,
      weights,
      site: trip === undefined ? site : siteOver(null, trip),
      adapter,
      lastBlock: trip === undefined ? lastBlock : lastBlockOver(trip),
      projections,
      attention: attentionFrom(0),
    };
    const x = embedTokens(body, tokens, parts); // [rows, new, embed]
    const changed = ablation === null ? parts : {
      ...parts,
      site: siteOver(
        body.within("base", () => {
          const attention = attentionFrom(config.layers);
          return decoderBlocks(body, x, {
            config,
            weights,
            site: untouched,
            projections,
            blocks: baseBlocks,
            attention,
          });
        }),
        trip,
      ),
    };
    const residual = decoderBlocks(body, x, changed);
    const index = body.expand(body.unsqueeze(last, [1, 2]), ["rows", 1, config.embed]);
    const lastResidual = body.gatherElements(residual, index, { axis: 1 });
    const owned = body.gather(lastResidual, owners, { axis: 0 }); // [batch, 1, embed]
    const logits = body.squeeze(unembed(body, owned, changed), [1]);
    return { logits, grown };
  };

  /** Some steps, `trips` at most, over what is settled. */
  const decode = (
    outer: GraphBuilder,
    of: {
      readonly weights: WeightSource;
      readonly settled: readonly KeysAndValues[];
      readonly start: Five;
      readonly rows: RowsRead;
      readonly trips: Value;
      readonly recent: readonly KeysAndValues[];
    },
  ) => {
    const { weights, settled, rows } = of, [tokens, position, last, alive, drawn] = of.start;
    return outer.loop({
      name: "decode",
      maxSteps: of.trips,
      carried: [
        { name: "read", start: tokens, dims: ["rows", "now"] },
        { name: "position", start: position },
        { name: "last", start: last },
        { name: "alive", start: alive },
        { name: "drawn", start: drawn },
        ...carriedCaches("recent", of.recent),
      ],
      body: (body, { carried }) => {
        const [tokens, position, last, alive, drawn] = carried as Five;
        const past = pairs(carried.slice(INNER_STATE)).map((recent, index) => ({
          settled: settled[index] as KeysAndValues,
          recent,
        }));
        const { logits, grown } = forward(body, { weights, tokens, position, last, rows, past });
        const ofOwners = (values: Value) => body.gather(values, rows.owners, { axis: 0 });
        const uniform = body.gather(uniforms, body.unsqueeze(drawn, [0]), { axis: 1 }); // [batch, 1]
        const { token, logProb } = sampleToken(body, logits, { temperature, greedy, uniform, filter });
        const stops_ = body.gather(stops, token, { axis: 0 });
        const stillAlive = body.apply("And", [alive, body.apply("Not", [stops_])]);
        const next = body.add(drawn, one);
        return {
          goOn: goesOn(body, { alive: stillAlive, drawn: next }),
          carried: [
            body.unsqueeze(body.apply("Where", [stillAlive, token, zero]), [1]),
            ofOwners(body.add(body.add(position, last), one)),
            ofOwners(body.mul(last, zero)),
            stillAlive,
            next,
            ...flat(grown),
          ],
          collected: [
            body.apply("Where", [alive, token, body.scalar("int64", -1)]),
            body.apply("Where", [alive, logProb, body.scalar(accurate, 0)]),
          ],
        };
      },
    });
  };
  if (steps) {
    const start = [
      g.input(ROLLOUT_NAMES.read, "int64", ["rows", "now"]),
      g.input(ROLLOUT_NAMES.position, "int64", ["rows"]),
      g.cast(g.input(ROLLOUT_NAMES.last, "int32", ["rows"]), "int64"),
      g.input(ROLLOUT_NAMES.alive, "bool", ["batch"]),
      zero,
    ] as const;
    const out = decode(g, {
      weights: fileWeights(g, { checkpoint, compute }),
      settled: fedCaches("settled"),
      start,
      rows: { lengths, owners, origins },
      trips: maxSteps,
      recent: fedCaches("recent"),
    });
    pairs(out.slice(INNER_STATE)).forEach((recent, index) =>
      names.forEach((name) =>
        g.output(`${ROLLOUT_NAMES.cache("recent", name, index)}_next`, g.cast(recent[name], accurate))
      )
    );
    const [tokens, logProbs] = out.slice(-2) as [Value, Value];
    g.output(ROLLOUT_NAMES.tokens, tokens);
    g.output(ROLLOUT_NAMES.logProbs, logProbs);
    return g.build();
  }

  const none = g.constant("int64", [0], []);
  const nothing = (dtype: "int64" | AccurateDType) =>
    g.gather(g.unsqueeze(g.cast(owners, dtype), [0]), none, { axis: 0 }); // [0, batch]
  const results = g.loop({
    name: "chunks",
    carried: [
      { name: "read", start: prompts, dims: ["rows", "new"] },
      { name: "position", start: g.mul(lengths, zero), dims: ["rows"] },
      { name: "last", start: g.sub(lengths, one), dims: ["rows"] },
      { name: "alive", start: g.apply("GreaterOrEqual", [owners, zero]) },
      { name: "drawn", start: zero },
      { name: "lengths", start: lengths, dims: ["rows"] },
      { name: "owners", start: owners },
      // Its length alone is read: trips of the inner loop.
      { name: "trips", start: g.constant("int64", [1], [0]), dims: ["trips"] },
      { name: "tokens", start: nothing("int64"), dims: ["generated", "batch"] },
      { name: "log_probs", start: nothing(accurate), dims: ["generated", "batch"] },
      ...carriedCaches("settled", emptyCaches(g, lengths)),
      ...(origins === null ? [] : [{ name: "origins", start: origins, dims: ["rows"] }]),
    ],
    body: (outer, { carried }) => {
      const [lengths, owners] = carried.slice(INNER_STATE) as [Value, Value];
      const [known, knownLogProbs, ...caches] = carried.slice(OUTER_STATE) as [Value, Value, ...Value[]];
      // ONNX Runtime packs weights of the graph around a node and of none further out. Packed products are faster and
      // add in one order whatever the number of rows, but here the unpacked weights are kept beside them.
      const weights = fileWeights(packed ? outer : g, { checkpoint, compute });
      const settled = pairs(caches);
      const inner = decode(outer, {
        weights,
        settled,
        start: carried.slice(0, INNER_STATE) as unknown as Five,
        rows: { lengths, owners, origins: origins === null ? null : carried.at(-1) as Value },
        trips: outer.length("trips"),
        recent: emptyCaches(outer, lengths),
      });
      const [nextRead, nextPosition, nextLast, stillAlive, nowDrawn] = inner.slice(
        0,
        INNER_STATE,
      ) as unknown as Five;
      const recent = pairs(inner.slice(INNER_STATE));
      const [newTokens, newLogProbs] = inner.slice(-2) as [Value, Value];
      const ofOwners = (values: Value) => outer.gather(values, owners, { axis: 0 });
      const before = (more: Value, old: Value) =>
        ofOwners(outer.concat([more, old], { axis: 2, joined: "settled_next" }));
      return {
        goOn: goesOn(outer, { alive: stillAlive, drawn: nowDrawn }),
        carried: [
          nextRead,
          nextPosition,
          nextLast,
          stillAlive,
          nowDrawn,
          ofOwners(lengths),
          outer.apply("Range", [zero, outer.length("batch"), one], { attributes: { length: "batch" } }),
          outer.constant("int64", [chunk], new Array(chunk).fill(0)),
          outer.concat([known, newTokens], { axis: 0, joined: "generated_next" }),
          outer.concat([knownLogProbs, newLogProbs], { axis: 0, joined: "generated_next" }),
          ...settled.flatMap(({ key, value }, index) => {
            const more = recent[index] as KeysAndValues;
            return [before(more.key, key), before(more.value, value)];
          }),
          ...(origins === null ? [] : [ofOwners(carried.at(-1) as Value)]),
        ],
        collected: [],
      };
    },
  });
  g.output(ROLLOUT_NAMES.tokens, results[OUTER_STATE] as Value);
  g.output(ROLLOUT_NAMES.logProbs, results[OUTER_STATE + 1] as Value);
  return g.build();
}
